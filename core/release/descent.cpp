#include "core/release/descent.hpp"

#include "core/base/error.hpp"
#include "core/sys/file.hpp"

#include <algorithm>

namespace shipit::release {

namespace {

constexpr std::uint64_t far_back = 20; // each is a file to read, and a list is there at once

// Without reading the folder, which may have ten thousand names.
std::optional<ReleaseNumber> live_shortly_before(const Ledger& ledger, ReleaseNumber number) {
    const std::uint64_t first = number.value() > far_back ? number.value() - far_back : 1;
    for (std::uint64_t each = number.value() - 1; each >= first; --each)
        if (sys::is_there(ledger.layout().manifest(ReleaseNumber(each))) &&
            ledger.load(ReleaseNumber(each)).evidence.live_at)
            return ReleaseNumber(each);
    return std::nullopt;
}

} // namespace

std::optional<ReleaseNumber> live_before(const Ledger& ledger, ReleaseNumber number) {
    const auto numbers = ledger.numbers();
    for (auto each = numbers.rbegin(); each != numbers.rend(); ++each)
        if (*each < number && ledger.load(*each).evidence.live_at)
            return *each;
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
        const auto& brought = back ? back : manifest.activation_of;
        result.back().from = brought ? brought : live;
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
            live = live_shortly_before(ledger, entries.back().number);
    } catch (const Error&) { // the listing is of others
    }
    return descent_of(entries, live);
}

} // namespace shipit::release
