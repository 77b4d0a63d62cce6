#include "core/release/ledger.hpp"

#include "core/base/error.hpp"
#include "core/sys/batch.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::release {

namespace {

constexpr std::uint64_t largest_manifest = 1 << 20;
constexpr mode_t private_file = 0600;

bool is_at_work(const std::optional<Deployer>& deployer) {
    return deployer && deployer->boot == sys::boot_id() && sys::is_alive(deployer->process);
}

Deployer this_process() {
    const pid_t pid = ::getpid();
    return {{pid, sys::start_time_of(pid).value_or(0)}, sys::boot_id()};
}

// What could not be read again is not written.
std::string checked_text(const Manifest& manifest) {
    std::string text = written(manifest);
    if (text.size() > largest_manifest)
        throw Error(fmt::format("process types and config vars of {} take {} together; a release "
                                "may take {}",
                                manifest.number.text(), size_text(text.size()),
                                size_text(largest_manifest)),
                    Outcome::usage);
    return text;
}

Error foreign_current(const Path& current, const std::string& what) {
    return Error(fmt::format("'{}' {}", printable(current.string()), what), Outcome::corrupt)
        .advise(fmt::format("move it away (mv {0} {0}.old), then take a release live again with "
                            "'shipit rollback vN'",
                            shell_quoted(current.string())));
}

// By number, not by digits: who types v120 of forty releases means one of the last.
std::string advice_on_absent(ReleaseNumber typed, const std::vector<ReleaseNumber>& all) {
    if (all.empty())
        return "it has none yet: 'shipit deploy' makes the first";
    const auto distance = [typed](ReleaseNumber each) {
        return std::max(each, typed).value() - std::min(each, typed).value();
    };
    const ReleaseNumber nearest =
        *std::min_element(all.begin(), all.end(), [&](ReleaseNumber a, ReleaseNumber b) {
            return distance(a) < distance(b);
        });
    return fmt::format("the nearest is {}{}; 'shipit releases' lists them", nearest.text(),
                       nearest == all.back() ? ", the newest" : "");
}

} // namespace

std::vector<ReleaseNumber> Ledger::numbers() const {
    std::vector<ReleaseNumber> numbers;
    sys::for_each_name_in(m_layout.releases(), [&numbers](std::string_view name) {
        if (const auto number = manifest_number(name))
            numbers.push_back(*number);
    });
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

void Ledger::refuse_absent(ReleaseNumber number) const {
    throw Error(fmt::format("there is no release {} of '{}'", number.text(), m_layout.app.text()))
        .advise(advice_on_absent(number, numbers()));
}

// What is live without a manifest is damage, and not a number that somebody mistyped.
void Ledger::refuse_lost(ReleaseNumber number) const {
    if (sys::link_target(m_layout.current()) != current_target(number))
        refuse_absent(number);
    throw Error(fmt::format("'{}' is gone, the manifest of what is live",
                            m_layout.manifest(number).string()),
                Outcome::corrupt)
        .advise(another_live());
}

std::string Ledger::another_live() const {
    return fmt::format("take another release live: shipit -a {} rollback", m_layout.app.text());
}

void Ledger::check_is_there(ReleaseNumber number) const {
    const std::vector<ReleaseNumber> known = numbers();
    if (!std::binary_search(known.begin(), known.end(), number))
        refuse_absent(number);
}

std::string Ledger::text_of(ReleaseNumber number) const {
    const Path file = m_layout.manifest(number);
    if (sys::link_target(file)) // ours never are; another's might lead anywhere
        throw Error(fmt::format("'{}' is a symbolic link, no manifest", file.string()),
                    Outcome::corrupt);
    auto text = sys::read_file_if_any(file, largest_manifest);
    if (!text)
        refuse_lost(number);
    return *std::move(text);
}

Manifest Ledger::parsed(ReleaseNumber number, const std::string& text) const {
    try {
        return parse_manifest(text, number, m_layout.manifest(number).string());
    } catch (Error& error) {
        if (sys::link_target(m_layout.current()) == current_target(number))
            error.advise(another_live());
        throw;
    }
}

Manifest Ledger::read(ReleaseNumber number) const {
    return parsed(number, text_of(number));
}

// A release is recorded as succeeded just before `current` points at it: in between, it has not.
bool Ledger::is_undecided(const Manifest& manifest) const {
    if (manifest.status != Status::succeeded)
        return manifest.status == Status::pending;
    return manifest.deployer &&
           sys::link_target(m_layout.current()) != current_target(manifest.number);
}

Manifest Ledger::load(ReleaseNumber number) const {
    return as_it_stands(read(number));
}

Manifest Ledger::as_it_stands(Manifest manifest) const {
    if (!is_undecided(manifest))
        return manifest;
    manifest.status = Status::pending;
    if (is_at_work(manifest.deployer))
        return manifest;
    manifest.status = Status::failed;
    manifest.evidence.live_at.reset();
    manifest.evidence.why_failed = "interrupted: the command that deployed it is gone";
    return manifest;
}

// The high-water mark leads to the newest manifests without reading a folder of ten thousands. It
// is believed only as far as the files bear it out.
std::vector<ReleaseNumber> Ledger::newest_numbers(std::size_t limit) const {
    constexpr std::size_t widest_gap = 100;
    std::vector<ReleaseNumber> found;
    const auto last = last_taken();
    std::size_t missing = 0;
    if (last && !sys::is_there(m_layout.manifest(last->following())))
        for (std::uint64_t value = last->value(); missing < widest_gap; --value) {
            if (found.size() == limit || value == 0)
                return found;
            if (sys::is_there(m_layout.manifest(ReleaseNumber(value))))
                found.emplace_back(value);
            else
                ++missing;
        }
    found = numbers();
    std::reverse(found.begin(), found.end());
    if (found.size() > limit)
        found.erase(found.begin() + static_cast<std::ptrdiff_t>(limit), found.end());
    return found;
}

std::vector<Entry> Ledger::newest(std::size_t limit) const {
    std::vector<Entry> entries;
    for (const ReleaseNumber number : newest_numbers(limit))
        entries.push_back(entry_of(number));
    return entries;
}

Entry Ledger::entry_of(ReleaseNumber number) const {
    Entry entry{number, std::nullopt, ""};
    try {
        entry.manifest = load(number);
    } catch (const Error& error) {
        entry.complaint = error.why();
    }
    return entry;
}

std::optional<ReleaseNumber> Ledger::current() const {
    const Path current = m_layout.current();
    const auto target = sys::link_target(current);
    if (!target && sys::is_there(current))
        throw foreign_current(current, "is not the link that shipit makes");
    if (!target)
        return std::nullopt;
    const auto number = current_number(*target);
    if (!number)
        throw foreign_current(
            current, fmt::format("points at '{}', which is no release", printable(*target)));
    return number;
}

std::optional<ReleaseNumber> Ledger::live_before_loss() const {
    constexpr std::size_t newest_few = 100;
    if (current())
        return std::nullopt;
    for (const ReleaseNumber number : newest_numbers(newest_few))
        if (const Entry entry = entry_of(number);
            entry.manifest && entry.manifest->evidence.live_at)
            return number;
    return std::nullopt;
}

std::optional<SlugId> Ledger::tree_of(ReleaseNumber number) const {
    const auto target = sys::link_target(m_layout.release_link(number));
    return target ? release_tree(*target) : std::nullopt;
}

std::optional<ReleaseNumber> Ledger::last_taken() const {
    const auto text = sys::read_file_if_any(m_layout.last_number());
    return text ? link_number(trimmed(*text)) : std::nullopt;
}

std::optional<ReleaseNumber> Ledger::highest_named() const {
    std::optional<ReleaseNumber> highest;
    sys::for_each_name_in(m_layout.releases(), [&highest](std::string_view name) {
        for (const auto& number :
             {manifest_number(name), transcript_number(name), link_number(name)})
            if (number && (!highest || *number > *highest))
                highest = number;
    });
    return highest;
}

bool Ledger::is_named(ReleaseNumber number) const {
    return sys::is_there(m_layout.manifest(number)) || sys::is_there(m_layout.transcript(number)) ||
           sys::is_there(m_layout.release_link(number));
}

// What was lost has left no name, but the high-water mark. It is believed as long as the number
// that would follow has left none either.
ReleaseNumber Ledger::next_number() const {
    const auto last = last_taken();
    if (last && !is_named(last->following()))
        return last->following();
    return std::max(last, highest_named()).value_or(ReleaseNumber(0)).following();
}

void Ledger::raise_high_water_mark() const {
    const auto highest = highest_named();
    if (highest && last_taken() < highest)
        write_high_water_mark(*highest);
}

void Ledger::write_high_water_mark(ReleaseNumber number) const {
    sys::replace_durably(m_layout.last_number(), number.text() + "\n", private_file);
}

Manifest Ledger::begin(Manifest draft) const {
    draft.number = next_number();
    draft.app = m_layout.app;
    draft.status = Status::pending;
    draft.created_at = sys::now();
    draft.deployer = this_process();
    const std::string text = checked_text(draft);
    // First the number is used up, then used: between the two it is lost at worst.
    write_high_water_mark(draft.number);
    sys::create_durably(m_layout.manifest(draft.number), text, private_file);
    return draft;
}

void Ledger::save(Manifest manifest) const {
    if (manifest.status != Status::pending)
        manifest.deployer.reset();
    save_before_switch(manifest);
}

void Ledger::save_before_switch(const Manifest& manifest) const {
    sys::replace_durably(m_layout.manifest(manifest.number), checked_text(manifest), private_file);
}

void Ledger::point_at(ReleaseNumber number, const SlugId& slug) const {
    const auto before = current(); // a foreign `current` is refused before anything changes
    sys::replace_link_durably(m_layout.release_link(number), release_target(slug));
    try {
        sys::replace_link_durably(m_layout.current(), current_target(number));
    } catch (Error& error) {
        // The rename may have happened and only the folder's fsync failed. A release that might
        // not be live after a power loss is not live: go back, as far as that goes.
        if (before != number && current() == number) {
            try {
                if (before)
                    sys::replace_link_durably(m_layout.current(), current_target(*before));
                else
                    (void)sys::remove_file(m_layout.current());
            } catch (const Error&) {
                // The same fsync fails again, most likely; current() tells which rename counted.
            }
        }
        const auto now = current();
        error.advise_instead(fmt::format("'current' points at {} now; look after the disk",
                                         now ? now->text() : "nothing"));
        throw;
    }
}

} // namespace shipit::release
