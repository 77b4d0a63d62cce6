#include "core/page/report.hpp"

#include "core/page/charts.hpp"
#include "core/page/report_parts.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::page {

namespace {

Element head_of(const Report& report) {
    Element head("head");
    Element charset("meta");
    head.add(charset.set("charset", "utf-8"));
    const auto meta = [&head](std::string_view name, std::string_view content) {
        Element element("meta");
        head.add(element.set("name", name).set("content", content));
    };
    meta("viewport", "width=device-width, initial-scale=1");
    meta("color-scheme", "light dark");
    meta("referrer", "no-referrer");
    // Whatever got past the escaping could still load and run nothing.
    Element policy("meta");
    head.add(policy.set("http-equiv", "Content-Security-Policy")
                 .set("content", "default-src 'none'; style-src 'unsafe-inline'"));
    head.add("title", "", report.app + ": report");
    head.add("style", "", style_sheet());
    return head;
}

const Release* live_release(const Report& report) {
    const auto found = std::find_if(report.releases.begin(), report.releases.end(),
                                    [](const Release& release) { return release.is_live; });
    return found != report.releases.end() ? &*found : nullptr;
}

std::string median_healthy(const Report& report) {
    std::vector<milliseconds> all;
    for (const Release& release : report.releases)
        if (release.healthy_after)
            all.push_back(*release.healthy_after);
    if (all.empty())
        return {};
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end());
    return span_text(*middle);
}

Element tiles_of(const Report& report) {
    Element tiles("div");
    tiles.set("class", "tiles");
    const auto tile = [&tiles](const std::string& value, const std::string& what) {
        if (value.empty())
            return;
        Element element("div");
        tiles.add(element.add("b", "", value).add("span", "", what));
    };
    std::uint64_t failed = 0;
    std::uint64_t left = 0;
    std::uint64_t restarts = 0;
    for (const Release& release : report.releases) {
        failed += release.has_failed() ? 1U : 0U;
        left += release.left_by ? 1U : 0U;
        restarts += release.restarts;
    }
    const Release* live = live_release(report);
    const bool has_since = live != nullptr && live->live_at && *live->live_at <= report.at;
    tile(live != nullptr ? live->number.text() : "none",
         has_since ? "live, for " + span_text(report.at - *live->live_at) : "live");
    tile(std::to_string(report.releases.size() + report.earlier), "releases");
    tile(std::to_string(failed), "failed");
    tile(std::to_string(left), "rolled back");
    tile(median_healthy(report), "until healthy, usually");
    tile(std::to_string(restarts), "process restarts");
    return tiles;
}

// Zero of what is not measured is nothing to tell.
std::optional<double> unless_zero(std::uint64_t value) {
    return value > 0 ? std::optional(static_cast<double>(value)) : std::nullopt;
}

std::vector<Measure> measures() {
    const auto size = [](double value) { return size_text(static_cast<std::uint64_t>(value)); };
    return {
        {"Slug, packed", [](const Release& r) { return unless_zero(r.slug_size); }, size},
        {"Tree, unpacked", [](const Release& r) { return unless_zero(r.tree_size); }, size},
        {"Time to healthy",
         [](const Release& r) {
             return r.healthy_after ? std::optional(static_cast<double>(r.healthy_after->count()))
                                    : std::nullopt;
         },
         [](double value) { return span_text(milliseconds(static_cast<std::int64_t>(value))); }},
        {"Restarts",
         [](const Release& r) {
             return r.live_at ? std::optional(static_cast<double>(r.restarts)) : std::nullopt;
         },
         [](double value) { return fmt::format("{:.0f}", value); }},
        {"Peak memory", [](const Release& r) { return unless_zero(r.peak_memory); }, size},
    };
}

Element charts_of(const Report& report) {
    Element charts("div");
    charts.set("class", "charts");
    for (const Measure& measure : measures())
        if (const auto chart = bar_chart(report, measure))
            charts.add(*chart);
    return charts;
}

Element header_of(const Report& report) {
    Element header("header");
    header.add("h1", "", report.app);
    Element line("p");
    line.text("State: " + report.state + ". As of ").add(time_element(report.at)).text(" UTC.");
    return header.add(line).add(tiles_of(report));
}

Element section_of(std::string_view title, const Element& content) {
    Element section("section");
    return section.add("h2", "", title).add(content);
}

Element releases_of(const Report& report) {
    Element list("div");
    for (const Release& release : report.releases)
        list.add(release_card(release, report));
    if (report.earlier > 0)
        list.add("p", "faint", fmt::format("{} earlier releases are not shown.", report.earlier));
    return list;
}

} // namespace

std::string html_of(const Report& report) {
    Element body("body");
    body.add(header_of(report));
    if (report.releases.empty()) {
        body.add("p", "", "Nothing has been deployed.");
    } else {
        Element chart("div");
        chart.set("class", "card").add(live_chart(report));
        chart.add("p", "faint", "Green: live now. Red: rolled back from, or a dot: failed.");
        body.add(section_of("What was live when (UTC)", chart));
        body.add(section_of("Sizes, times, restarts", charts_of(report)));
        body.add(section_of("Releases", releases_of(report)));
    }
    Element html("html");
    html.set("lang", "en").add(head_of(report)).add(body);
    return "<!DOCTYPE html>\n" + html.html() + "\n";
}

} // namespace shipit::page
