#include "core/deploy/upkeep.hpp"

#include "core/slug/store.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::deploy;

namespace {

// An app with a release whose slug and tree are damaged.
struct DamagedBlog {
    DamagedBlog() {
        release::Manifest draft{.number = ReleaseNumber(1), .app = app.name()};
        draft.slug = release::SlugFacts{id, 1000, 2000, 1, std::string(64, 'a')};
        auto manifest = app.ledger.begin(draft);
        manifest.status = release::Status::succeeded;
        app.ledger.save(manifest);
        sys::replace_durably(app.layout.slug(id), "no slug", 0600);
        sys::make_folders(app.layout.tree(id), 0755);
    }
    // As prune goes about it: the manifest first.
    void prune() {
        auto manifest = app.ledger.load(ReleaseNumber(1));
        manifest.status = release::Status::expired;
        app.ledger.save(manifest);
        sys::remove_tree(app.layout.tree(id));
        CHECK(slug::Store(app.layout.releases()).remove(id));
    }
    void prune_at(const std::string& phase) {
        app.host.progress.begin = [this, phase](const std::string& begun) {
            if (begun == phase)
                prune();
        };
    }

    tests::TestFolder root;
    App app = create_app({root.path(), {"alice", ""}, {}}, AppName::parse("blog"));
    SlugId id = *SlugId::parse(std::string(32, 'a'));
};

} // namespace

TEST_SUITE_BEGIN("deploy: upkeep");

TEST_CASE("verify tells what is damaged, and whose") {
    DamagedBlog blog;
    const auto verified = verify(blog.app, std::nullopt, true);
    CHECK(verified.slugs == 1);
    CHECK(verified.trees == 1);
    REQUIRE(verified.faults.size() == 2);
    CHECK(verified.faults[0].what == "slug " + blog.id.text());
    CHECK(verified.faults[1].what == "tree " + blog.id.text());
    CHECK(verified.faults[1].releases == std::vector{ReleaseNumber(1)});
}

TEST_CASE("verify tells what is gone of the live release") {
    const DamagedBlog blog;
    blog.app.ledger.point_at(ReleaseNumber(1), blog.id);
    const auto told = [&](std::optional<ReleaseNumber> only) {
        App app = App::open(blog.app.host, blog.app.name());
        std::vector<std::string> all;
        for (const Fault& fault : verify(app, only, true).faults)
            if (fault.why.find("gone") != std::string::npos)
                all.push_back(fault.what);
        return all;
    };
    using Told = std::vector<std::string>;
    CHECK(told({}) == Told{});
    sys::remove_tree(blog.app.layout.tree(blog.id));
    CHECK(told({}) == Told{"tree " + blog.id.text()});
    CHECK(told(ReleaseNumber(1)) == told({}));
    CHECK(sys::remove_file(blog.app.layout.manifest(ReleaseNumber(1))));
    CHECK(told({}) == Told{"v1.toml", "tree " + blog.id.text()});
}

TEST_CASE("verify tells of a current that is gone, once there was one") {
    const DamagedBlog blog;
    App app = App::open(blog.app.host, blog.app.name());
    CHECK(verify(app, std::nullopt, false).faults.size() == 1); // the slug
    auto manifest = app.ledger.load(ReleaseNumber(1));
    manifest.evidence.live_at = manifest.created_at;
    app.ledger.save(manifest);
    const auto faults = verify(app, std::nullopt, false).faults;
    REQUIRE(faults.size() == 2);
    CHECK(faults[0].what == "current");
    CHECK(faults[0].why.find("v1 was") != std::string::npos);
    app.ledger.point_at(ReleaseNumber(1), blog.id);
    CHECK(verify(app, std::nullopt, false).faults.size() == 1);
}

TEST_CASE("what is pruned while it is verified is no damage") {
    for (const char* const at : {"checking slug ", "checking tree "}) {
        CAPTURE(at);
        DamagedBlog blog;
        blog.prune_at(at + blog.id.brief());
        const auto verified = verify(blog.app, std::nullopt, true);
        const bool slug_was_looked_at = std::string_view(at) == "checking tree ";
        CHECK(verified.faults.size() == (slug_was_looked_at ? 1 : 0));
        CHECK(verified.trees == 0);
    }
}

TEST_SUITE_END();
