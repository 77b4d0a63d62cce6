#include "core/release/ledger.hpp"

#include "core/base/error.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <functional>
#include <set>

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

Manifest with_effective_status(Manifest manifest) {
    if (manifest.status != Status::pending || is_at_work(manifest.deployer))
        return manifest;
    manifest.status = Status::failed;
    manifest.evidence.why_failed = "interrupted: the command that deployed it is gone";
    return manifest;
}

// Not stored anywhere, so std::hash will do; 0 is kept for "unknown".
std::uint64_t content_of(const Manifest& manifest) {
    if (!manifest.slug)
        return 0;
    std::string text = manifest.slug->id.text();
    const auto add = [&](const std::string& part) {
        text += fmt::format("{}:{}", part.size(), part);
    };
    for (const auto& [name, value] : manifest.config) {
        add(name);
        add(value);
    }
    return std::max<std::uint64_t>(1, std::hash<std::string>{}(text));
}

struct Known {
    std::set<ReleaseNumber> good;
    std::set<ReleaseNumber> bad;
    std::set<ReleaseNumber> pinned;
    std::set<SlugId> slugs;
};

Fact fact_of(const Entry& entry, const Known& known, const Marks& marks) {
    Fact fact{.number = entry.number};
    fact.good = known.good.contains(entry.number);
    fact.bad = known.bad.contains(entry.number);
    fact.pinned = known.pinned.contains(entry.number);
    fact.readable = entry.manifest.has_value();
    if (!entry.manifest) {
        fact.why = entry.complaint;
        return fact;
    }
    const Manifest& manifest = *entry.manifest;
    fact.status = manifest.status;
    fact.was_live = manifest.evidence.live_at.has_value();
    if (manifest.slug && !(manifest.status == Status::failed && manifest.evidence.expired_at)) {
        fact.slug = manifest.slug->id;
        fact.slug_there = known.slugs.contains(manifest.slug->id);
        fact.slug_size = manifest.slug->size;
    }
    fact.rollback_of = manifest.rollback_of;
    fact.created_at = manifest.created_at;
    fact.content = content_of(manifest);
    fact.why = manifest.evidence.why_failed;
    if (fact.bad)
        fact.why = marks.get(MarkKind::bad, entry.number).value_or(Mark{}).why;
    return fact;
}

Error foreign_current(const Path& current, const std::string& what) {
    return Error(fmt::format("'{}' {}", printable(current.string()), what), Outcome::corrupt)
        .advise(fmt::format("move it away (mv {0} {0}.old), then take a release live again with "
                            "'shipit rollback vN'",
                            shell_quoted(current.string())));
}

} // namespace

std::vector<ReleaseNumber> Ledger::numbers() const {
    std::vector<ReleaseNumber> numbers;
    for (const std::string& name : sys::names_in(m_layout.releases()))
        if (const auto number = manifest_number(name))
            numbers.push_back(*number);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

Manifest Ledger::read(ReleaseNumber number) const {
    const Path file = m_layout.manifest(number);
    if (sys::link_target(file)) // ours never are; another's might lead anywhere
        throw Error(fmt::format("'{}' is a symbolic link, no manifest", file.string()),
                    Outcome::corrupt);
    const auto text = sys::read_file_if_any(file, largest_manifest);
    if (!text)
        throw Error(
            fmt::format("there is no release {} of '{}'", number.text(), m_layout.app.text()))
            .advise("'shipit releases' lists them");
    return parse_manifest(*text, number, file.string());
}

Manifest Ledger::load(ReleaseNumber number) const {
    return with_effective_status(read(number));
}

std::vector<Entry> Ledger::newest(std::size_t limit) const {
    const auto known = numbers();
    std::vector<Entry> entries;
    for (auto number = known.rbegin(); number != known.rend() && entries.size() < limit; ++number) {
        Entry entry{*number, std::nullopt, ""};
        try {
            entry.manifest = load(*number);
        } catch (const Error& error) {
            entry.complaint = error.why();
        }
        entries.push_back(std::move(entry));
    }
    return entries;
}

std::vector<Fact> Ledger::facts(const Marks& marks, std::size_t limit) const {
    Known known{marks.all(MarkKind::good), marks.all(MarkKind::bad), marks.all(MarkKind::pin), {}};
    for (const std::string& name : sys::names_in(m_layout.releases()))
        if (const auto slug = slug_in(name))
            known.slugs.insert(*slug);
    std::vector<Fact> facts;
    for (const Entry& entry : newest(limit))
        facts.push_back(fact_of(entry, known, marks));
    std::reverse(facts.begin(), facts.end());
    return facts;
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

std::optional<SlugId> Ledger::tree_of(ReleaseNumber number) const {
    const auto target = sys::link_target(m_layout.release_link(number));
    return target ? release_tree(*target) : std::nullopt;
}

ReleaseNumber Ledger::next_number() const {
    std::uint64_t last = 0;
    for (const std::string& name : sys::names_in(m_layout.releases()))
        for (const auto& number :
             {manifest_number(name), transcript_number(name), link_number(name)})
            if (number)
                last = std::max(last, number->value());
    // What was pruned or lost has left no name, but this.
    if (const auto text = sys::read_file_if_any(m_layout.last_number()))
        if (const auto number = link_number(trimmed(*text)))
            last = std::max(last, number->value());
    return ReleaseNumber(last + 1);
}

Manifest Ledger::begin(Manifest draft) const {
    draft.number = next_number();
    draft.app = m_layout.app;
    draft.status = Status::pending;
    draft.created_at = sys::now();
    draft.deployer = this_process();
    // First the number is used up, then used: between the two it is lost at worst.
    sys::replace_durably(m_layout.last_number(), draft.number.text() + "\n", private_file);
    sys::create_durably(m_layout.manifest(draft.number), written(draft), private_file);
    return draft;
}

void Ledger::save(Manifest manifest) const {
    if (manifest.status != Status::pending)
        manifest.deployer.reset();
    sys::replace_durably(m_layout.manifest(manifest.number), written(manifest), private_file);
}

void Ledger::point_at(ReleaseNumber number, const SlugId& slug) const {
    const auto before = current(); // a foreign `current` is refused before anything changes
    sys::replace_link_durably(m_layout.release_link(number), release_target(slug));
    try {
        sys::replace_link_durably(m_layout.current(), current_target(number));
    } catch (Error& error) {
        // The rename may have happened and only the folder's fsync failed. A release that might
        // not be live after a power loss is not live: go back, as far as that goes.
        if (before && current() == number) {
            try {
                sys::replace_link_durably(m_layout.current(), current_target(*before));
            } catch (const Error&) {
                // The same fsync fails again, most likely; current() tells which rename counted.
            }
        }
        const auto now = current();
        error.advise(fmt::format("'current' points at {} now; look after the disk",
                                 now ? now->text() : "nothing"));
        throw;
    }
}

Choice choose_rollback(const Ledger& ledger, const Marks& marks) {
    const auto live = ledger.current();
    for (std::size_t limit = 64;; limit *= 8) {
        const auto facts = ledger.facts(marks, limit);
        auto choice = rollback_target(facts, live);
        const bool is_whole_history = facts.size() < limit;
        if (is_whole_history || (choice.target && choice.note.empty()))
            return choice;
    }
}

} // namespace shipit::release
