#include "core/base/error.hpp"
#include "core/deploy/compare.hpp"
#include "tests/unit/blog_app.hpp"
#include "tests/unit/slug_support.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::deploy;
using shipit::tests::Blog;
using shipit::tests::why_not;

namespace {

std::string told(const std::vector<slug::Change>& changes) {
    std::string text;
    for (const auto& change : changes)
        text += std::string(name_of(change.kind)) + ' ' + change.path + ' ' +
                std::to_string(change.size_before) + ' ' + std::to_string(change.size_after) + '\n';
    return text;
}

ProcessType process(const std::string& name, const std::string& command) {
    ProcessType type;
    type.name = name;
    type.command = command;
    return type;
}

} // namespace

TEST_SUITE_BEGIN("deploy: compare");

TEST_CASE("files that were added, changed, removed or got another mode are told with their sizes") {
    const Blog blog;
    blog.write("same", "1");
    blog.write("edited", "before");
    blog.write("removed", "123");
    blog.write("run", "1", 0644);
    const auto before = blog.release();
    blog.write("edited", "and after");
    blog.write("added", "12345");
    REQUIRE(::unlink((blog.build() / "removed").c_str()) == 0);
    REQUIRE(::chmod((blog.build() / "run").c_str(), 0755) == 0);
    const auto after = blog.release();
    const auto comparison = compare(blog.app, {before, after});
    CHECK(told(*comparison.files) ==
          "added added 0 5\nchanged edited 6 9\nremoved removed 3 0\nmode run 1 1\n");
    CHECK(total_of(*comparison.files, slug::Change::Kind::changed).bytes_after == 9);
    CHECK(total_of(*comparison.files, slug::Change::Kind::mode).files == 1);
    CHECK_FALSE(comparison.is_empty());
    CHECK(compare(blog.app, {after, after}).is_empty());
}

TEST_CASE("config vars are told by name, never by value") {
    const Blog blog;
    blog.write("file", "1");
    const auto before = blog.release({{"GONE", "1"}, {"SAME", "s"}, {"SECRET", "old"}});
    const auto after = blog.release({{"NEW", "1"}, {"SAME", "s"}, {"SECRET", "new"}});
    std::string text;
    for (const auto& change : compare(blog.app, {before, after}).config)
        text += std::string(name_of(change.fate)) + ' ' + change.name + '\n';
    CHECK(text == "removed GONE\nadded NEW\nchanged SECRET\n");
}

TEST_CASE("process types are told with what they were and what they are") {
    const Blog blog;
    blog.write("file", "1");
    const auto before = blog.release({}, {process("clock", "tick"), process("web", "serve")});
    const auto after =
        blog.release({}, {process("web", "serve --fast"), process("worker", "work")});
    const auto changes = compare(blog.app, {before, after}).processes;
    REQUIRE(changes.size() == 3);
    CHECK(changes[0].name == "clock");
    CHECK(changes[0].fate() == Fate::removed);
    CHECK(changes[1].fate() == Fate::changed);
    CHECK(changes[1].before->command == "serve");
    CHECK(changes[1].after->command == "serve --fast");
    CHECK(changes[2].fate() == Fate::added);
}

TEST_CASE("without arguments, what was live before is compared with what is live") {
    const Blog blog;
    CHECK(why_not([&] { (void)releases_to_compare(blog.app, {}, {}); }) ==
          "nothing of 'blog' is deployed");
    blog.write("file", "1");
    const auto first = blog.release();
    CHECK(why_not([&] { (void)releases_to_compare(blog.app, {}, {}); }) ==
          "nothing was live before v1");
    (void)blog.failed();
    blog.write("file", "2");
    const auto live = blog.release();
    (void)blog.failed();
    const auto pair = releases_to_compare(blog.app, {}, {});
    CHECK(pair.before == first);
    CHECK(pair.after == live);
    CHECK(releases_to_compare(blog.app, ReleaseNumber(2), {}).after == live);
}

TEST_CASE("where a slug is gone, that is said, and the rest is told all the same") {
    const Blog blog;
    blog.write("file", "1");
    const auto before = blog.release({{"A", "1"}});
    blog.write("file", "2");
    const auto after = blog.release({{"A", "2"}});
    const auto again = blog.release({{"A", "3"}});
    const slug::Store store(blog.app.layout.releases());
    REQUIRE(store.remove(blog.app.ledger.load(before).slug->id));
    const auto comparison = compare(blog.app, {before, after});
    CHECK_FALSE(comparison.files);
    CHECK(comparison.why_no_files == "the slug of v1 is gone, and its file list with it");
    CHECK(comparison.config.size() == 1);
    // Two releases of one slug have the same files, whether or not it is there.
    REQUIRE(store.remove(blog.app.ledger.load(after).slug->id));
    CHECK(compare(blog.app, {after, again}).files->empty());
}

TEST_CASE("a slug that is damaged, or a release that does not exist, is an error") {
    const Blog blog;
    blog.write("file", "1");
    const auto before = blog.release();
    blog.write("file", "2");
    const auto after = blog.release();
    const auto slug = blog.app.layout.slug(blog.app.ledger.load(before).slug->id);
    REQUIRE(::truncate(slug.c_str(), 50) == 0);
    CHECK(why_not([&] {
              (void)compare(blog.app, {before, after});
          }).find("is damaged") != std::string::npos);
    CHECK(why_not([&] {
              (void)compare(blog.app, {ReleaseNumber(9), after});
          }).find("there is no release v9") != std::string::npos);
}

TEST_SUITE_END();
