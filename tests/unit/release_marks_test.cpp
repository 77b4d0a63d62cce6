#include "core/release/marks.hpp"

#include "core/base/error.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::release;
using shipit::tests::TestFolder;

namespace {

struct MarkedApp {
    MarkedApp() { make_app_folders(layout()); }
    Layout layout() const { return {root.path(), AppName::parse("blog")}; }
    Marks marks() const { return Marks(layout()); }
    TestFolder root;
};

const Mark some_mark{"alice (from 10.0.0.7)", *parse_time("2026-11-22T22:39:49.123Z"),
                     "500s \"all\"\nover"};
const SlugId some_slug = *SlugId::parse(std::string(32, 'a'));

} // namespace

TEST_SUITE_BEGIN("release: marks");

TEST_CASE("a mark is read back as it was made, and gone when it is cleared") {
    const MarkedApp app;
    for (const MarkKind kind : mark_kinds) {
        CHECK_FALSE(app.marks().get(kind, ReleaseNumber(12)));
        app.marks().set(kind, ReleaseNumber(12), some_mark);
        CHECK(app.marks().get(kind, ReleaseNumber(12)) == some_mark);
        CHECK(app.marks().all(kind) == std::set<ReleaseNumber>{ReleaseNumber(12)});
        CHECK(app.marks().clear(kind, ReleaseNumber(12)));
        CHECK_FALSE(app.marks().clear(kind, ReleaseNumber(12)));
        CHECK(app.marks().all(kind).empty());
    }
}

TEST_CASE("a release is good or bad, whichever was said last") {
    const MarkedApp app;
    app.marks().set(MarkKind::good, ReleaseNumber(1), some_mark);
    app.marks().set(MarkKind::bad, ReleaseNumber(1), some_mark);
    CHECK_FALSE(app.marks().get(MarkKind::good, ReleaseNumber(1)));
    app.marks().set(MarkKind::good, ReleaseNumber(1), some_mark);
    CHECK_FALSE(app.marks().get(MarkKind::bad, ReleaseNumber(1)));
}

TEST_CASE("the barriers that lie between a release and today are those after it") {
    const MarkedApp app;
    CHECK(app.marks().barriers_after(ReleaseNumber(1)).empty());
    for (const std::uint64_t number : {3U, 10U})
        app.marks().set(MarkKind::barrier, ReleaseNumber(number), some_mark);
    CHECK(app.marks().barriers_after(ReleaseNumber(2)) ==
          std::vector<ReleaseNumber>{ReleaseNumber(3), ReleaseNumber(10)});
    CHECK(app.marks().barriers_after(ReleaseNumber(3)) ==
          std::vector<ReleaseNumber>{ReleaseNumber(10)});
    CHECK(app.marks().barriers_after(ReleaseNumber(10)).empty());
}

TEST_CASE("a mark whose text is damaged is still a mark, and junk beside it is none") {
    const MarkedApp app;
    app.marks().set(MarkKind::bad, ReleaseNumber(1), some_mark);
    sys::replace_durably(app.layout().marks() / "bad/v1", "jun\xff", 0600);
    sys::replace_durably(app.layout().marks() / "bad/v01", "junk", 0600);
    sys::replace_durably(app.layout().marks() / "bad/notes", "junk", 0600);
    CHECK(app.marks().get(MarkKind::bad, ReleaseNumber(1)) == Mark{});
    CHECK(app.marks().all(MarkKind::bad) == std::set<ReleaseNumber>{ReleaseNumber(1)});
}

TEST_CASE("a pin is found by its name") {
    const MarkedApp app;
    app.marks().set(MarkKind::pin, ReleaseNumber(4), {"alice", {}, "spring"});
    app.marks().set(MarkKind::pin, ReleaseNumber(7), {"alice", {}, ""});
    CHECK(app.marks().pinned_as("spring") == ReleaseNumber(4));
    CHECK_FALSE(app.marks().pinned_as("autumn"));
}

TEST_CASE("marks that cannot be looked at are not taken for none") {
    const MarkedApp app;
    app.marks().set(MarkKind::pin, ReleaseNumber(4), {"alice", {}, "spring"});
    sys::remove_tree(app.layout().marks());
    sys::replace_link_durably(app.layout().marks(), app.layout().marks().string()); // ELOOP
    CHECK_THROWS_AS((void)app.marks().all(MarkKind::pin), Error);
    CHECK_THROWS_AS((void)app.marks().has(MarkKind::pin, ReleaseNumber(4)), Error);
    CHECK_THROWS_AS((void)app.marks().hold_on_app(), Error);
    CHECK_THROWS_AS((void)app.marks().held_slugs(), Error);
}

TEST_CASE("holds are on slugs or on the app, and are cleared one by one") {
    const MarkedApp app;
    CHECK_FALSE(app.marks().hold_on_app());
    CHECK_FALSE(app.marks().hold_on(some_slug));
    app.marks().hold(some_slug, some_mark);
    app.marks().hold_app({"bob", {}, "market day"});
    CHECK(app.marks().hold_on(some_slug) == some_mark);
    CHECK(app.marks().hold_on_app()->why == "market day");
    CHECK(app.marks().held_slugs() == std::vector<SlugId>{some_slug});
    CHECK(app.marks().clear_hold(some_slug));
    CHECK(app.marks().hold_on_app());
    app.marks().hold(some_slug, some_mark);
    CHECK(app.marks().clear_hold_on_app());
    CHECK_FALSE(app.marks().clear_hold_on_app());
    CHECK(app.marks().hold_on(some_slug) == some_mark);
}

TEST_CASE("a reason that is not UTF-8 is kept readable") {
    const MarkedApp app;
    app.marks().hold_app({"bob", {}, "caf\xe9"});
    CHECK(app.marks().hold_on_app()->why == "caf\\xe9");
}
