#include "core/release/prune.hpp"

#include "core/base/error.hpp"
#include "core/release/events.hpp"
#include "tests/unit/release_facts.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>

#include <chrono>

#include <sys/stat.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::release;
using tests::numbered_slug;
using tests::TestFolder;

namespace {

struct PrunedApp {
    PrunedApp() { make_app_folders(layout()); }
    Layout layout() const { return {root.path(), AppName::parse("blog")}; }
    Ledger ledger() const { return Ledger(layout()); }
    Marks marks() const { return Marks(layout()); }

    ReleaseNumber record(std::uint64_t id, Status status) const {
        Manifest draft{.number = ReleaseNumber(1), .app = layout().app};
        draft.slug = SlugFacts{numbered_slug(id), 100, 200, 1, std::string(64, 'a')};
        auto manifest = ledger().begin(std::move(draft));
        sys::replace_durably(layout().slug(numbered_slug(id)), std::string(100, 'x'), 0600);
        manifest.status = status;
        if (status == Status::succeeded)
            manifest.evidence.live_at = manifest.created_at;
        ledger().save(manifest);
        return manifest.number;
    }
    // Went live and became good; its tree is there.
    ReleaseNumber released(std::uint64_t id) const {
        const auto number = record(id, Status::succeeded);
        sys::make_folders(layout().tree(numbered_slug(id)) / "deep", 0755);
        sys::replace_durably(layout().tree_stamp(numbered_slug(id)), "", 0644);
        ledger().point_at(number, numbered_slug(id));
        marks().set(MarkKind::good, number, {});
        return number;
    }
    PrunePlan plan(unsigned keep, const std::vector<ReleaseNumber>& warm = {}) const {
        Retention retention;
        retention.keep = keep;
        retention.keep_failed = 0;
        return plan_prune(ledger(), marks(), retention, warm);
    }
    PruneResult run(const PrunePlan& plan) {
        Progress progress;
        progress.warn = [this](const std::string& warning) { warnings.push_back(warning); };
        return prune(ledger(), plan, {"alice", "10.0.0.7"}, progress);
    }
    bool has_slug(std::uint64_t id) const {
        return sys::is_there(layout().slug(numbered_slug(id)));
    }
    bool has_tree(std::uint64_t id) const {
        return sys::is_there(layout().tree(numbered_slug(id)));
    }

    TestFolder root;
    std::vector<std::string> warnings;
};

} // namespace

TEST_SUITE_BEGIN("release: prune");

TEST_CASE("pruning removes slugs and trees, and keeps the release listed as expired") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U, 4U})
        (void)app.released(id);
    sys::replace_durably(app.layout().transcript(ReleaseNumber(1)), "log", 0600);
    const auto plan = app.plan(2);
    CHECK(plan.expiring.size() == 2);
    CHECK(plan.slugs == std::vector<SlugId>{numbered_slug(1), numbered_slug(2)});
    CHECK(plan.trees == plan.slugs);
    CHECK(plan.frees == 200);
    CHECK(app.has_slug(1)); // a plan is only a plan

    const auto result = app.run(plan);
    CHECK(result.freed == 200);
    CHECK(result.slugs == 2);
    CHECK(result.trees == 2);
    CHECK(app.warnings.empty());
    CHECK_FALSE(app.has_slug(1));
    CHECK_FALSE(app.has_tree(1));
    CHECK(app.has_slug(3));
    CHECK(app.has_tree(4));
    const auto expired = app.ledger().load(ReleaseNumber(1));
    CHECK(expired.status == Status::expired);
    CHECK(expired.evidence.expired_at);
    CHECK(sys::is_there(app.layout().transcript(ReleaseNumber(1))));
    CHECK_FALSE(sys::is_there(app.layout().release_link(ReleaseNumber(1))));
    CHECK(sys::names_in(app.layout().trees()).size() == 4); // two trees and their stamps
    CHECK(app.plan(2).is_empty());
}

TEST_CASE("each expiry is recorded with who, when and why") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U})
        (void)app.released(id);
    (void)app.run(app.plan(2));
    const auto events = read_events(app.layout().events());
    REQUIRE(events.size() == 1);
    CHECK(events[0].event == "prune");
    CHECK(events[0].release == ReleaseNumber(1));
    CHECK(events[0].user == "alice");
    CHECK(events[0].detail == "beyond the 2 good releases that are kept");
}

TEST_CASE("a slug that a kept release shares stays") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U})
        (void)app.released(id);
    (void)app.released(1); // v4 runs v1's slug again
    const auto plan = app.plan(2);
    CHECK(plan.expiring.size() == 2); // v1 and v2
    CHECK(plan.slugs == std::vector<SlugId>{numbered_slug(2)});
    (void)app.run(plan);
    CHECK(app.has_slug(1));
    CHECK(app.ledger().load(ReleaseNumber(1)).status == Status::expired);
}

TEST_CASE("a failed release loses its slug, stays failed, and holds nothing afterwards") {
    PrunedApp app;
    (void)app.released(1);
    const auto failed = app.record(2, Status::failed);
    (void)app.released(3);
    (void)app.run(app.plan(5));
    CHECK_FALSE(app.has_slug(2));
    CHECK(app.ledger().load(failed).status == Status::failed);
    CHECK(app.ledger().load(failed).evidence.expired_at);
    CHECK(app.plan(5).is_empty());
}

TEST_CASE("slugs and trees that no release knows go") {
    PrunedApp app;
    (void)app.released(1);
    sys::replace_durably(app.layout().slug(numbered_slug(9)), "x", 0600);
    sys::make_folders(app.layout().tree(numbered_slug(8)), 0755);
    sys::replace_durably(app.layout().releases() / "notes.txt", "x", 0600);
    sys::make_folders(app.layout().trees() / "mine", 0755);
    sys::replace_durably(app.layout().tree_stamp(numbered_slug(7)), "", 0644);
    (void)app.run(app.plan(5));
    CHECK_FALSE(app.has_slug(9));
    CHECK_FALSE(app.has_tree(8));
    CHECK_FALSE(sys::is_there(app.layout().tree_stamp(numbered_slug(7))));
    CHECK(sys::is_there(app.layout().releases() / "notes.txt"));
    CHECK(sys::is_there(app.layout().trees() / "mine"));
    CHECK(app.has_slug(1));
}

TEST_CASE("a release from which a command runs stays, and a lock on its tree keeps nothing") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U, 4U})
        (void)app.released(id);
    auto command = sys::hold(app.layout().slug(numbered_slug(1)));
    REQUIRE(command);
    const sys::Fd theirs =
        sys::open_file(app.layout().tree(numbered_slug(2)), O_RDONLY | O_DIRECTORY);
    REQUIRE(::flock(theirs.get(), LOCK_EX) == 0);
    (void)app.run(app.plan(2));
    CHECK((app.has_slug(1) && app.has_tree(1)));
    CHECK_FALSE((app.has_slug(2) || app.has_tree(2)));
    command.reset();
    (void)app.run(app.plan(2));
    CHECK_FALSE((app.has_slug(1) || app.has_tree(1)));
}

TEST_CASE("a command that begins while a prune is planned keeps its tree") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U})
        (void)app.released(id);
    const PrunePlan plan = app.plan(2);
    REQUIRE(plan.trees == std::vector{numbered_slug(1)});
    const auto command = sys::hold(app.layout().slug(numbered_slug(1)));
    (void)app.run(plan);
    CHECK(app.has_tree(1));
}

TEST_CASE("the trees of live and warm releases stay") {
    PrunedApp app;
    const auto first = app.released(1);
    for (const std::uint64_t id : {2U, 3U, 4U})
        (void)app.released(id);
    app.ledger().point_at(ReleaseNumber(2), numbered_slug(2));
    (void)app.run(app.plan(1, {first}));
    CHECK(app.has_tree(1));
    CHECK(app.has_tree(2));
    CHECK(app.has_slug(1));
    CHECK_FALSE(app.has_tree(3));
}

TEST_CASE("what cannot be removed is a warning, and the rest goes on") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U, 4U})
        (void)app.released(id);
    const auto plan = app.plan(1); // v1, v2 go; v3 is what rollback would go to
    sys::remove_file(app.layout().slug(numbered_slug(1)));
    sys::make_folders(app.layout().slug(numbered_slug(1)) / "in the way",
                      0755); // unlink(2): is a folder
    const auto result = app.run(plan);
    CHECK(app.warnings.size() == 1);
    CHECK(app.warnings.at(0).find("ignoring") != std::string::npos);
    CHECK(result.failures == 1);
    CHECK(result.slugs == 1);
    CHECK_FALSE(app.has_slug(2));
    CHECK_FALSE(app.has_tree(1));
}

TEST_CASE("no slug goes while a manifest cannot be read, which is a failure") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U, 4U})
        (void)app.released(id);
    sys::replace_durably(app.layout().manifest(ReleaseNumber(2)), "junk", 0600);
    const auto plan = app.plan(1);
    CHECK(plan.expiring.empty());
    CHECK(plan.slugs.empty());
    CHECK(app.run(plan).failures == 1);
    REQUIRE(app.warnings.size() == 1);
    CHECK(app.warnings[0].find("v2.toml") != std::string::npos);
    CHECK(app.has_slug(1));
}

TEST_CASE("nothing is pruned while nobody knows what is live") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U})
        (void)app.released(id);
    sys::remove_file(app.layout().current());
    sys::make_folders(app.layout().current(), 0755);
    CHECK_THROWS_AS((void)app.plan(1), Error);
}

TEST_CASE("a tree that an app has filled with read-only folders goes, too") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U})
        (void)app.released(id);
    const auto tree = app.layout().tree(numbered_slug(1));
    sys::replace_durably(tree / "deep/file", "x", 0400);
    sys::replace_link_durably(tree / "deep/link", "/etc");
    REQUIRE(::chmod((tree / "deep").c_str(), 0500) == 0);
    (void)app.run(app.plan(2));
    CHECK(app.warnings.empty());
    CHECK_FALSE(app.has_tree(1));
    CHECK(sys::names_in(app.layout().trees()).size() == 4); // two trees and their stamps
}

TEST_CASE("many releases expire at once, each recorded, and no temporary file is left") {
    PrunedApp app;
    constexpr std::uint64_t many = 40;
    for (std::uint64_t id = 1; id <= many; ++id)
        (void)app.released(id);
    (void)app.run(app.plan(2));
    CHECK(app.warnings.empty());
    CHECK(read_events(app.layout().events()).size() == many - 2);
    for (std::uint64_t id = 1; id <= many - 2; ++id)
        CHECK(app.ledger().load(ReleaseNumber(id)).status == Status::expired);
    CHECK(app.ledger().load(ReleaseNumber(many)).status == Status::succeeded);
    for (const std::string& name : sys::names_in(app.layout().releases()))
        CHECK_FALSE(is_leftover(name));
    CHECK(sys::names_in(app.layout().trees()).size() == 4); // two trees and their stamps
}

TEST_CASE("trees go even where nothing can be recorded, and slugs stay then") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U})
        (void)app.released(id);
    const auto plan = app.plan(2);
    sys::remove_file(app.layout().manifest(ReleaseNumber(1)));
    sys::make_folders(app.layout().manifest(ReleaseNumber(1)), 0755);
    CHECK_THROWS_AS((void)app.run(plan), Error);
    CHECK_FALSE(app.has_tree(1));
    CHECK(app.has_slug(1));
}

TEST_CASE("a prune that was killed after its records is finished by the next one") {
    PrunedApp app;
    for (const std::uint64_t id : {1U, 2U, 3U})
        (void)app.released(id);
    auto plan = app.plan(2);
    plan.slugs.clear(); // as far as it came
    plan.trees.clear();
    (void)app.run(plan);
    CHECK(app.has_slug(1));
    const auto rest = app.plan(2);
    CHECK(rest.expiring.empty());
    CHECK(rest.slugs == std::vector<SlugId>{numbered_slug(1)});
    CHECK(rest.trees == std::vector<SlugId>{numbered_slug(1)});
    (void)app.run(rest);
    CHECK_FALSE(app.has_slug(1));
    CHECK_FALSE(app.has_tree(1));
}
