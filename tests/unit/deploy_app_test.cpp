#include "core/deploy/aftermath.hpp"
#include "core/deploy/app.hpp"
#include "core/deploy/status.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::deploy;

TEST_SUITE_BEGIN("deploy: app");

TEST_CASE(
    "what a killed destroy left of an app, its config vars, goes when it is destroyed again") {
    const tests::TestFolder root;
    const Host host{root.path(), {"me", ""}, {}};
    const auto name = AppName::parse("blog");
    const App app = create_app(host, name);
    CHECK_FALSE(finish_destroying(host, name)); // which is there
    sys::replace_durably(app.layout.config_toml(), "KEY = 'secret'\n", 0600);
    sys::rename_durably(app.layout.folder(), app.layout.trash());
    CHECK(finish_destroying(host, name));
    CHECK_FALSE(sys::is_there(app.layout.trash()));
    CHECK_FALSE(finish_destroying(host, name));
}

TEST_CASE("an app that is destroyed while it is looked at is told to be none any more") {
    const tests::TestFolder root;
    const App app = create_app({root.path(), {"me", ""}, {}}, AppName::parse("blog"));
    sys::remove_tree(app.layout.folder());
    try {
        (void)status_of(app);
        FAIL_CHECK("it has a status");
    } catch (const Error& error) {
        CHECK(error.why().find("there is no app 'blog'") == 0);
    }
}

TEST_CASE("whoever locks an app to change it removes what killed commands left, of marks, too") {
    const tests::TestFolder root;
    const App app = create_app({root.path(), {"me", ""}, {}}, AppName::parse("blog"));
    for (const auto& folder : {app.layout.folder(), app.layout.marks(), app.layout.releases()})
        sys::replace_durably(folder / ".new-app.toml-AbCdEf", "", 0600);
    const auto lock = lock_and_tidy(app, "set", std::chrono::milliseconds(0));
    for (const auto& folder : {app.layout.folder(), app.layout.marks(), app.layout.releases()})
        CHECK_FALSE(sys::is_there(folder / ".new-app.toml-AbCdEf"));
}

TEST_CASE("a release of files whose switch was cut short is good once that is finished") {
    const tests::TestFolder root;
    const App app = create_app({root.path(), {"me", ""}, {}}, AppName::parse("blog"));
    auto manifest = app.ledger.begin({ReleaseNumber(1), app.name()});
    manifest.slug = {SlugId::parse("0123456789abcdef0123456789abcdef").value(), 1, 1, 1,
                     std::string(64, '0')};
    manifest.status = release::Status::succeeded;
    app.ledger.save_before_switch(manifest);
    app.ledger.point_at(manifest.number, manifest.slug->id);
    const auto lock = lock_and_tidy(app, "set", std::chrono::milliseconds(0));
    CHECK(app.marks.has(release::MarkKind::good, manifest.number));
}

TEST_CASE("an earlier release that serves stands in for the live one, unless it is kept warm") {
    const auto process = [](unsigned release, const char* state) {
        ProcessFacts facts;
        facts.release = ReleaseNumber(release);
        facts.state = state;
        return facts;
    };
    const ReleaseNumber live(2);
    CHECK(stand_in_for(live, {process(1, "up")}) == ReleaseNumber(1));
    CHECK(stand_in_for(live, {process(1, "up"), process(2, "stopping")}) == ReleaseNumber(1));
    CHECK_FALSE(stand_in_for(live, {process(1, "warm"), process(2, "crashed")}));
    CHECK_FALSE(stand_in_for(live, {process(1, "up"), process(2, "up")})); // at the switch
    CHECK_FALSE(stand_in_for(live, {process(3, "up")}));                   // just before it
    CHECK_FALSE(stand_in_for(live, {}));
}

TEST_SUITE_END();
