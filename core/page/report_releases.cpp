#include "core/page/charts.hpp"
#include "core/page/report_parts.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::page {

namespace {

void add_badges(Element& head, const Release& release) {
    if (release.is_live)
        head.add("span", "badge live", "live");
    if (release.is_good && !release.is_bad)
        head.add("span", "badge live", "good");
    if (release.is_bad)
        head.add("span", "badge bad", "bad");
    if (release.is_pinned)
        head.add("span", "badge was", "pinned");
    if (release.status != "succeeded")
        head.add("span", release.has_failed() ? "badge bad" : "badge was", release.status);
    if (release.left_by)
        head.add("span", "badge bad", "rolled back by " + release.left_by->text());
}

// A list of terms and what is said of them; what is empty is left out.
class Terms {
  public:
    void add(std::string_view term, const std::string& what) {
        if (what.empty())
            return;
        m_list.add("dt", "", term);
        m_list.add("dd", "", what);
    }
    void add(std::string_view term, const Element& what) {
        m_list.add("dt", "", term);
        Element description("dd");
        m_list.add(description.add(what));
    }
    [[nodiscard]] const Element& list() const { return m_list; }

  private:
    Element m_list{"dl"};
};

std::string count_text(std::uint64_t count) {
    return count == 0 ? "" : std::to_string(count);
}

Element live_text(const Release& release, WallTime now) {
    Element text("span");
    const WallTime end = release.is_live ? now : release.ended_at.value_or(*release.live_at);
    text.text("from ").add(time_element(*release.live_at));
    if (release.is_live)
        text.text(" until now");
    else if (release.ended_at)
        text.text(" to ").add(time_element(*release.ended_at));
    if (end > *release.live_at)
        text.text(", " + span_text(end - *release.live_at));
    return text;
}

// Leads to it, if it is on the page.
Element name_of(ReleaseNumber number, const Report& report) {
    const bool is_shown =
        std::any_of(report.releases.begin(), report.releases.end(),
                    [number](const Release& release) { return release.number == number; });
    Element name(is_shown ? "a" : "span");
    if (is_shown)
        name.set("href", "#" + number.text());
    return name.text(number.text());
}

Element terms_of(const Release& release, const Report& report) {
    Terms terms;
    terms.add("By", release.by);
    terms.add("Made", time_element(release.created_at));
    if (release.live_at)
        terms.add("Live", live_text(release, report.at));
    if (release.from)
        terms.add("Came from", name_of(*release.from, report));
    terms.add("Source", release.source);
    if (!release.slug.empty())
        terms.add("Slug",
                  fmt::format("{}: {}, unpacked {}, {}", release.slug, size_text(release.slug_size),
                              size_text(release.tree_size), counted(release.files, "file")));
    terms.add("Healthy after", release.healthy_after ? span_text(*release.healthy_after) : "");
    terms.add("Restarts", count_text(release.restarts));
    terms.add("Failed checks", count_text(release.failed_checks));
    terms.add("Peak memory", release.peak_memory > 0 ? size_text(release.peak_memory) : "");
    return terms.list();
}

// --- What it changed ---

void add_file(Element& list, const FileChange& change) {
    switch (change.kind) {
    case FileChange::Kind::added:
        list.add("li", "added",
                 fmt::format("+ {} ({})", change.path, size_text(change.size_after)));
        break;
    case FileChange::Kind::removed:
        list.add("li", "removed",
                 fmt::format("- {} ({})", change.path, size_text(change.size_before)));
        break;
    case FileChange::Kind::changed:
        list.add("li", "",
                 fmt::format("* {} ({} to {})", change.path, size_text(change.size_before),
                             size_text(change.size_after)));
        break;
    case FileChange::Kind::mode:
        list.add("li", "", fmt::format("* {} (its mode)", change.path));
        break;
    }
}

std::string summary_of(const Difference& difference) {
    std::vector<std::string> parts;
    const auto count = [&parts](std::uint64_t number, const char* what) {
        if (number > 0)
            parts.push_back(fmt::format("{} {}", number, what));
    };
    count(difference.added, "added");
    count(difference.changed, "changed");
    count(difference.removed, "removed");
    const std::string files = difference.why_no_files.empty()
                                  ? (parts.empty() ? "no file" : "files: " + joined(parts, ", "))
                                  : "files not known";
    parts = {files};
    count(difference.config.size(), "config vars");
    count(difference.processes.size(), "process types");
    return fmt::format("Different from {}: {}", difference.from.text(), joined(parts, "; "));
}

Element difference_of(const Difference& difference) {
    Element details("details");
    details.add("summary", "", summary_of(difference));
    Element list("ul");
    for (const FileChange& change : difference.files)
        add_file(list, change);
    const std::uint64_t all = difference.added + difference.changed + difference.removed;
    if (all > difference.files.size())
        list.add("li", "faint", fmt::format("and {} more", all - difference.files.size()));
    if (!difference.why_no_files.empty())
        list.add("li", "faint", difference.why_no_files);
    for (const std::string& change : difference.config)
        list.add("li", "", "config var " + change);
    for (const std::string& change : difference.processes)
        list.add("li", "", "process type " + change);
    return details.add(list);
}

} // namespace

Element release_card(const Release& release, const Report& report) {
    Element card("article");
    card.set("class", "card").set("id", release.number.text());
    Element head("h3");
    head.add("span", "", release.number.text());
    if (!release.complaint.empty())
        return card.add(head).add("p", "why", release.complaint);
    head.add("span", "", release.description);
    add_badges(head, release);
    card.add(head);
    if (!release.why_failed.empty())
        card.add("p", "why", release.why_failed);
    card.add(terms_of(release, report));
    if (release.difference)
        card.add(difference_of(*release.difference));
    return card;
}

} // namespace shipit::page
