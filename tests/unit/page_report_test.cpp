#include "core/page/charts.hpp"
#include "core/page/element.hpp"
#include "core/page/report.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::page;

namespace {

WallTime at(int second) {
    return WallTime(std::chrono::seconds(second));
}

Release release(std::uint64_t number, int live_at, int ended_at) {
    page::Release release{.number = ReleaseNumber(number)};
    release.status = "succeeded";
    release.created_at = at(live_at);
    release.live_at = at(live_at);
    release.ended_at = at(ended_at);
    return release;
}

// What turns the direction of writing, U+202E, as UTF-8.
const std::string turn = {'\xe2', '\x80', '\xae'};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE_BEGIN("page: report");

TEST_CASE("whatever comes into an element as text or as a value is escaped") {
    Element element("p");
    element.set("title", "\" onclick=\"'&").text("</p><script>&\x1b[31m\xff");
    element.add("b", "<", ">");
    CHECK(element.html() == "<p title=\"&quot; onclick=&quot;&#39;&amp;\">"
                            "&lt;/p&gt;&lt;script&gt;&amp;\\x1b[31m\\xff"
                            "<b class=\"&lt;\">&gt;</b></p>");
    CHECK(Element("meta").html() == "<meta>");
}

TEST_CASE("nothing that a page tells of an app is taken for HTML") {
    const std::string hostile = "<script>\"'&" + turn;
    Report report{hostile, hostile, at(10), {}, 3};
    Release all = release(2, 1, 2);
    all.is_live = true;
    for (std::string* text :
         {&all.description, &all.status, &all.by, &all.why_failed, &all.slug, &all.source})
        *text = hostile;
    all.difference = Difference{ReleaseNumber(1), 1, 0, 0, {}, hostile, {hostile}, {hostile}};
    all.difference->files = {{FileChange::Kind::added, hostile, 0, 1}};
    Release damaged{.number = ReleaseNumber(1)};
    damaged.complaint = hostile;
    report.releases = {all, damaged};
    const std::string html = html_of(report);
    CHECK_FALSE(has(html, "<script"));
    CHECK_FALSE(has(html, turn));
    CHECK(has(html, "&lt;script&gt;&quot;&#39;&amp;\\u202e"));
    CHECK(has(html, "3 earlier releases are not shown"));
}

TEST_CASE("an app without releases has a page, too") {
    const std::string html = html_of({"blog", "nothing deployed", at(0), {}, 0});
    CHECK(has(html, "Nothing has been deployed."));
    CHECK_FALSE(has(html, "<svg"));
}

TEST_CASE("what was live when is drawn to scale") {
    Report report{"blog", "up", at(100), {release(2, 50, 0), release(1, 0, 50)}, 0};
    report.releases[0].is_live = true;
    const std::string html = live_chart(report).html();
    CHECK(has(html, "class=\"live\" x=\"50.000%\" y=\"3\" width=\"50.000%\""));
    CHECK(has(html, "class=\"was\" x=\"0.000%\" y=\"3\" width=\"50.000%\""));
}

TEST_CASE("a release that was never live is a dot, one of a clock set back is no negative bar") {
    Report report{"blog", "up", at(100), {release(2, 80, 20), release(1, 300, 310)}, 0};
    report.releases[1].live_at.reset();
    report.releases[1].status = "failed";
    const std::string html = live_chart(report).html();
    CHECK(has(html, "<circle class=\"bad\""));
    CHECK_FALSE(has(html, "=\"-"));
    CHECK_FALSE(has(html, "nan"));
    report.releases.pop_back();
    report.releases[0] = release(1, 100, 100); // all at one instant
    CHECK_FALSE(has(live_chart(report).html(), "nan"));
}

TEST_CASE("bars stand for values, none for what is not known") {
    Report report{"blog", "up", at(100), {release(2, 50, 60), release(1, 0, 50)}, 0};
    report.releases[0].slug_size = 2048;
    const Measure size{"Size",
                       [](const Release& each) {
                           return each.slug_size > 0 ? std::optional(double(each.slug_size))
                                                     : std::nullopt;
                       },
                       [](double value) { return size_text(std::uint64_t(value)); }};
    const auto chart = bar_chart(report, size);
    REQUIRE(chart);
    CHECK(has(chart->html(), "<title>v2: 2.0 KB</title>"));
    CHECK_FALSE(has(chart->html(), "<title>v1"));
    report.releases[0].slug_size = 0;
    CHECK_FALSE(bar_chart(report, size));
}

TEST_CASE("a span of time is told as exactly as people want to know") {
    using namespace std::chrono;
    CHECK(span_text(milliseconds(350)) == "350 ms");
    CHECK(span_text(milliseconds(4230)) == "4.2 s");
    CHECK(span_text(minutes(12) + seconds(59)) == "12 min");
    CHECK(span_text(hours(5) + minutes(12)) == "5 h 12 min");
    CHECK(span_text(days(3) + hours(5)) == "3 days");
}

TEST_SUITE_END();
