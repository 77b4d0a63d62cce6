#include "core/base/error.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/config_edit.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::deploy;

namespace {

const ConfigVars vars{{"EMPTY", ""}, {"GREETING", "it's \"$5\"\n"}, {"OLD", "1"}};

struct EditedApp {
    tests::TestFolder root;
    App app = create_app({root.path(), {"alice", ""}, {}}, AppName::parse("blog"));

    EditedApp() { have(vars); }
    void have(const ConfigVars& now) const { config::save_config(app.layout.config_toml(), now); }
};

void write(const ConfigDraft& draft, const std::string& text) {
    sys::replace(draft.file(), text, 0600);
}

} // namespace

TEST_SUITE_BEGIN("deploy: config edit");

TEST_CASE("a draft that is left as it is asks for nothing") {
    const EditedApp blog;
    const ConfigDraft draft(blog.app);
    CHECK(draft.read().vars == vars);
    CHECK(draft.read().uninterpolated_lines.empty());
    const ConfigRequest request = draft.request_for(draft.read().vars);
    CHECK(request.set.empty());
    CHECK(request.unset.empty());
    CHECK(request.expected == vars);
}

TEST_CASE("a draft asks for what was changed in it alone") {
    const EditedApp blog;
    const ConfigDraft draft(blog.app);
    const ConfigRequest request =
        draft.request_for({{"EMPTY", ""}, {"GREETING", "hi"}, {"NEW", "2"}});
    CHECK(request.set == ConfigVars{{"GREETING", "hi"}, {"NEW", "2"}});
    CHECK(request.unset == std::vector<std::string>{"OLD"});
}

TEST_CASE("what a draft cannot mean is refused, and quotes no value") {
    const EditedApp blog;
    const ConfigDraft draft(blog.app);
    write(draft, "# nothing any more\n");
    CHECK_THROWS_WITH_AS((void)draft.read(),
                         "all config vars are gone from the text; nothing was changed", Error);
    write(draft, "A=1\nB='s3cret\n");
    CHECK_THROWS_WITH_AS((void)draft.read(), "blog.env:2: the quote that begins here is not closed",
                         Error);
}

TEST_CASE("an editor that fails, or is not there, is told of") {
    const EditedApp blog;
    const ConfigDraft draft(blog.app);
    CHECK_NOTHROW(draft.edit("true"));
    CHECK_THROWS_WITH_AS(draft.edit("false"),
                         "the editor 'false' exited with status 1; nothing was changed", Error);
    CHECK_THROWS_AS(draft.edit("/nonexistent"), Error);
}

TEST_CASE("a renewed draft has what others changed, and what was changed in it") {
    const EditedApp blog;
    ConfigDraft draft(blog.app);
    write(draft, "EMPTY=\nGREETING=mine\nNEW=2\n");
    const ConfigVars theirs{{"EMPTY", "no more"}, {"GREETING", "theirs"}, {"OLD", "1"}};
    blog.have(theirs);
    draft.renew(blog.app);
    CHECK(draft.before() == theirs);
    CHECK(draft.read().vars ==
          ConfigVars{{"EMPTY", "no more"}, {"GREETING", "mine"}, {"NEW", "2"}});
}

TEST_CASE("a text that cannot be read is not lost when a draft is renewed") {
    const EditedApp blog;
    ConfigDraft draft(blog.app);
    write(draft, "GREETING='mine\n");
    blog.have({{"THEIRS", "1"}});
    draft.renew(blog.app);
    CHECK(sys::read_file(draft.file()) == "GREETING='mine\n");
    CHECK(draft.before() == vars);
}

TEST_SUITE_END();
