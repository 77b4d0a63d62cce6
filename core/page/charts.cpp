#include "core/page/charts.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::page {

namespace {

constexpr double whole = 100; // percent

std::string percent(double part) {
    return fmt::format("{:.3f}%", std::clamp(part, 0.0, 1.0) * whole);
}

std::string short_time(WallTime time) {
    const std::string text = time_text(time);
    return text.substr(0, 10) + " " + text.substr(11, 5);
}

// The time that a chart shows. Clocks jump: it has all times in it, in whatever order they are.
class Axis {
  public:
    explicit Axis(const Report& report) : m_first(report.at), m_last(report.at) {
        for (const Release& release : report.releases)
            if (release.complaint.empty()) {
                take(release.created_at);
                take(release.live_at.value_or(release.created_at));
                take(release.ended_at.value_or(release.created_at));
            }
    }
    [[nodiscard]] double place_of(WallTime time) const {
        const auto all = (m_last - m_first).count();
        return all == 0 ? 1
                        : static_cast<double>((time - m_first).count()) / static_cast<double>(all);
    }
    [[nodiscard]] WallTime first() const { return m_first; }
    [[nodiscard]] WallTime last() const { return m_last; }

  private:
    void take(WallTime time) {
        m_first = std::min(m_first, time);
        m_last = std::max(m_last, time);
    }
    WallTime m_first;
    WallTime m_last;
};

Element titled(Element shape, const std::string& title) {
    Element name("title");
    return shape.add(name.text(title));
}

const char* class_of(const Release& release) {
    if (release.is_live)
        return "live";
    return release.is_bad ? "bad" : "was";
}

Element bar_of(const Release& release, const Axis& axis, WallTime now) {
    Element svg("svg");
    svg.set("class", "span").set("width", "100%").set("height", "16");
    if (!release.live_at) {
        Element dot("circle");
        dot.set("class", release.has_failed() ? "bad" : "was")
            .set("cx", percent(axis.place_of(release.created_at)))
            .set("cy", "8")
            .set("r", "4");
        const std::string what = release.has_failed() ? "failed" : "not live";
        return svg.add(titled(dot, fmt::format("{} {} {}", release.number.text(), what,
                                               short_time(release.created_at))));
    }
    const WallTime end = release.is_live ? now : release.ended_at.value_or(*release.live_at);
    const double from = axis.place_of(std::min(*release.live_at, end));
    const double to = axis.place_of(std::max(*release.live_at, end));
    Element bar("rect");
    bar.set("class", class_of(release))
        .set("x", percent(from))
        .set("y", "3")
        .set("width", percent(to - from))
        .set("height", "10");
    return svg.add(titled(
        bar, fmt::format("{} live from {} {}", release.number.text(), short_time(*release.live_at),
                         release.is_live ? "until now" : "to " + short_time(end))));
}

std::optional<double> value_of(const Release& release, const Measure& measure) {
    return release.complaint.empty() ? measure.value(release) : std::nullopt;
}

// Nothing if no release has a value.
std::optional<double> most_of(const Report& report, const Measure& measure) {
    std::optional<double> most;
    for (const Release& release : report.releases)
        if (const auto value = value_of(release, measure))
            most = std::max(most.value_or(0), *value);
    return most;
}

constexpr double height_of_bars = 96;

struct Place { // of the width of all
    double left;
    double share;
};

// One that is `part` of the height; a pixel high at least, since it is there.
Element standing_bar(const Release& release, Place place, double part) {
    constexpr double gap = 0.15; // of its share, on either side
    const double tall = part * (height_of_bars - 2) + 1;
    Element bar("rect");
    bar.set("class", release.has_failed() ? "bad"
                     : release.is_live    ? "live"
                                          : "was")
        .set("x", percent(place.left + gap * place.share))
        .set("width", percent((1 - 2 * gap) * place.share))
        .set("y", fmt::format("{:.1f}", height_of_bars - tall))
        .set("height", fmt::format("{:.1f}", tall));
    return bar;
}

} // namespace

std::string span_text(milliseconds span) {
    using namespace std::chrono;
    constexpr double ms_in_second = 1000;
    if (span < seconds(1))
        return fmt::format("{} ms", span.count());
    if (span < minutes(1))
        return fmt::format("{:.1f} s", static_cast<double>(span.count()) / ms_in_second);
    if (span < hours(1))
        return fmt::format("{} min", duration_cast<minutes>(span).count());
    if (span < days(2))
        return fmt::format("{} h {} min", duration_cast<hours>(span).count(),
                           duration_cast<minutes>(span % hours(1)).count());
    return fmt::format("{} days", duration_cast<days>(span).count());
}

Element time_element(WallTime time) {
    Element element("time");
    element.set("datetime", time_text(time)).set("title", time_text(time));
    return element.text(short_time(time));
}

Element live_chart(const Report& report) {
    const Axis axis(report);
    Element chart("div");
    chart.set("class", "timeline");
    for (const Release& release : report.releases) {
        Element label("a");
        label.set("href", "#" + release.number.text()).text(release.number.text());
        chart.add(label);
        chart.add(release.complaint.empty() ? bar_of(release, axis, report.at) : Element("span"));
    }
    chart.add("span", "", "");
    Element ends("div");
    ends.set("class", "ends").add(time_element(axis.first())).add(time_element(axis.last()));
    return chart.add(ends);
}

std::optional<Element> bar_chart(const Report& report, const Measure& measure) {
    const auto most = most_of(report, measure);
    if (!most)
        return std::nullopt;
    Element svg("svg");
    svg.set("class", "bars").set("width", "100%").set("height", fmt::format("{}", height_of_bars));
    const auto share = 1 / static_cast<double>(report.releases.size());
    double left = 0;
    for (auto release = report.releases.rbegin(); release != report.releases.rend(); ++release) {
        if (const auto value = value_of(*release, measure)) {
            const double part = *most > 0 ? *value / *most : 0;
            svg.add(titled(standing_bar(*release, {left, share}, part),
                           release->number.text() + ": " + measure.text(*value)));
        }
        left += share;
    }
    Element chart("figure");
    Element caption("figcaption");
    caption.text(measure.title).add("span", "most", "up to " + measure.text(*most));
    Element ends("div");
    ends.set("class", "ends")
        .add("span", "", report.releases.back().number.text())
        .add("span", "", report.releases.front().number.text());
    return chart.add(caption).add(svg).add(ends);
}

} // namespace shipit::page
