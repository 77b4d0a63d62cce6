#include "core/release/descent.hpp"

#include "core/base/error.hpp"

#include <algorithm>

namespace shipit::release {

namespace {

constexpr std::size_t far_back = 20; // each is a file to read, and a list is there at once

} // namespace

std::optional<ReleaseNumber> live_before(const Ledger& ledger, ReleaseNumber number,
                                         std::size_t at_most) {
    const auto numbers = ledger.numbers();
    for (auto each = numbers.rbegin(); each != numbers.rend() && at_most > 0; ++each) {
        if (*each >= number)
            continue;
        if (ledger.load(*each).evidence.live_at)
            return *each;
        --at_most;
    }
    return std::nullopt;
}

std::vector<Descent> descent_of(const std::vector<Entry>& entries,
                                std::optional<ReleaseNumber> live_before_all) {
    std::vector<Descent> result; // oldest first
    std::optional<ReleaseNumber> live = live_before_all;
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
        result.push_back({entry->number, std::nullopt, std::nullopt});
        if (!entry->manifest) {
            live.reset(); // it may have been live, or not
            continue;
        }
        const Manifest& manifest = *entry->manifest;
        const auto& back = manifest.rollback_of;
        result.back().from = back ? back : live;
        if (!manifest.evidence.live_at)
            continue;
        if (back || manifest.config_of)
            for (Descent& earlier : result)
                if (earlier.number == live)
                    earlier.left_by = entry->number;
        live = entry->number;
    }
    std::reverse(result.begin(), result.end());
    return result;
}

std::vector<Descent> descent_of(const std::vector<Entry>& entries, const Ledger& ledger) {
    std::optional<ReleaseNumber> live;
    try {
        if (!entries.empty())
            live = live_before(ledger, entries.back().number, far_back);
    } catch (const Error&) { // the listing is of others
    }
    return descent_of(entries, live);
}

} // namespace shipit::release
