#include "core/base/error.hpp"
#include "core/deploy/report.hpp"
#include "tests/unit/blog_app.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace shipit;
using namespace shipit::deploy;
using shipit::tests::Blog;
using shipit::tests::TestFolder;

namespace {

mode_t mode_of(const sys::Path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status.st_mode & ALLPERMS;
}

} // namespace

TEST_SUITE_BEGIN("deploy: report");

TEST_CASE("each release is compared with what was live when it was made") {
    const Blog blog;
    blog.write("page", "one");
    const auto first = blog.release({{"KEY", "secret"}});
    const auto failed = blog.failed();
    blog.write("page", "two!");
    blog.write("new", "");
    const auto last = blog.release({{"KEY", "other"}});
    const auto report = report_of(blog.app, 10);
    REQUIRE(report.releases.size() == 3);
    CHECK(report.releases[0].number == last);
    CHECK(report.releases[0].is_live);
    REQUIRE(report.releases[0].difference);
    CHECK(report.releases[0].difference->from == first);
    CHECK(report.releases[0].difference->added == 1);
    CHECK(report.releases[0].difference->changed == 1);
    CHECK(report.releases[0].difference->config == std::vector<std::string>{"KEY changed"});
    CHECK(report.releases[1].number == failed);
    CHECK(report.releases[1].has_failed());
    REQUIRE(report.releases[1].difference);
    CHECK(report.releases[1].difference->from == first);
    CHECK_FALSE(report.releases[2].difference);
    CHECK(page::html_of(report).find("secret") == std::string::npos);
}

TEST_CASE("what is not shown is counted: earlier releases, and files of a large difference") {
    const Blog blog;
    blog.write("page", "one");
    const auto first = blog.release();
    for (int i = 0; i < 60; ++i)
        blog.write("file" + std::to_string(i), "x");
    (void)blog.release();
    const auto report = report_of(blog.app, 1);
    CHECK(report.earlier == 1);
    REQUIRE(report.releases.size() == 1);
    REQUIRE(report.releases[0].difference); // also with what is not shown
    CHECK(report.releases[0].difference->from == first);
    CHECK(report.releases[0].difference->added == 60);
    CHECK(report.releases[0].difference->files.size() == 50);
    CHECK(page::html_of(report).find("and 10 more") != std::string::npos);
}

TEST_CASE("damaged records and slugs that are gone are told of") {
    const Blog blog;
    blog.write("page", "one");
    const auto first = blog.release();
    blog.write("page", "two");
    (void)blog.release();
    const auto slug = blog.app.ledger.load(first).slug.value().id;
    sys::remove_file(blog.app.layout.slug(slug));
    auto report = report_of(blog.app, 10);
    REQUIRE(report.releases[0].difference);
    CHECK(report.releases[0].difference->why_no_files.find("is gone") != std::string::npos);
    sys::replace_durably(blog.app.layout.manifest(first), "junk", 0600);
    report = report_of(blog.app, 10);
    CHECK_FALSE(report.releases[0].difference);
    CHECK(report.releases[1].complaint.find("v1.toml") != std::string::npos);
}

TEST_CASE("a report is its owner's alone, and takes the place of a file as it was") {
    const TestFolder folder;
    const auto file = folder / "report.html";
    write_report(file, "one");
    CHECK(mode_of(file) == 0600);
    REQUIRE(::chmod(file.c_str(), 0644) == 0);
    std::filesystem::create_symlink("report.html", folder / "link");
    write_report(folder / "link", "two");
    CHECK(sys::read_file(file) == "two");
    CHECK(mode_of(file) == 0644);
    CHECK(sys::link_target(folder / "link") == "report.html");
}

TEST_CASE("what is no file is not replaced by a report") {
    const TestFolder folder;
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    CHECK_THROWS_AS(write_report(folder / "pipe", "x"), Error);
    CHECK_THROWS_AS(write_report(folder.path(), "x"), Error);
    CHECK_THROWS_AS(write_report(folder / "missing" / "report.html", "x"), Error);
    CHECK(std::filesystem::is_fifo(folder / "pipe"));
}

TEST_SUITE_END();
