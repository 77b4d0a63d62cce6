#include "core/slug/limits.hpp"
#include "core/slug/tail.hpp"
#include "tests/unit/archive_folder.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::tests;

TEST_SUITE_BEGIN("slug::Limits");

TEST_CASE("each limit says what it is, and how it is raised") {
    const ArchiveFolder here;
    const auto next = [&](slug::Limits limits, const std::string& archive) {
        std::ofstream(here.folder() / "archive") << archive;
        limits.set_command = "shipit -a blog set";
        try {
            (void)here.folder().open(here.folder() / "archive", limits);
        } catch (const Error& error) {
            return error.why() + " | " + error.next();
        }
        return std::string();
    };
    const auto archive = whole_tar(
        {{.name = "a/b/c", .content = std::string(5000, 'x')}, {.name = "a/dd", .content = "1"}});
    slug::Limits limits;
    limits.entries = 1;
    CHECK(next(limits, archive) == "it has more entries than slug.max_entries (1) | if that is "
                                   "meant: shipit -a blog set slug.max_entries=2");
    limits = {};
    limits.bytes = 4096;
    CHECK(next(limits, archive) == "it unpacks to more than slug.max_bytes (4.0 KB) | if that is "
                                   "meant: shipit -a blog set slug.max_bytes=1G");
    limits = {};
    limits.depth = 2;
    CHECK(next(limits, archive) == "the archive's entry 'a/b/c' is 3 folders deep; slug.max_depth "
                                   "is 2 | if that is meant: shipit -a blog set slug.max_depth=3");
    limits = {};
    limits.path_bytes = 4;
    CHECK(next(limits, archive) ==
          "the archive's entry 'a/b/c' has a path of 5 bytes; slug.max_path is 4 | if that is "
          "meant: shipit -a blog set slug.max_path=5");
    limits = {};
    limits.name_bytes = 1;
    CHECK(next(limits, archive) ==
          "the archive's entry 'a/dd' has a name of 2 bytes; slug.max_name is 1 | if that is "
          "meant: shipit -a blog set slug.max_name=2");
    // What no file system takes cannot be allowed.
    CHECK(next({}, whole_tar({{.name = std::string(99, 'n')}})) == "");
    CHECK(
        next({}, gnu_long('L', std::string(256, 'n')) + whole_tar({some_file}))
            .ends_with("has a name of 256 bytes; slug.max_name is 255 | the limit cannot be raised "
                       "so far: change the build"));
}

TEST_CASE("a slug of more lines than entries may be is refused before they are read") {
    slug::Limits limits;
    limits.entries = 3;
    const auto refusal = [&](std::string_view lines) {
        return why_not(
            [&] { (void)slug::parse_list_frame(slug::list_frame({}, lines, {}, 1), &limits); });
    };
    CHECK(refusal("\n\n\n").find("line 1") != std::string::npos);
    CHECK(refusal("\n\n\n\n") == "it has more entries than slug.max_entries (3)");
}

TEST_CASE("paths as deep and as long as the limits allow are taken, and no more") {
    const ArchiveFolder here;
    const auto deep = [](std::size_t depth) {
        std::string path = "d";
        while (--depth > 0)
            path += "/d";
        return path;
    };
    const auto long_path = [](std::size_t size) {
        std::string path;
        while (path.size() + 201 < size)
            path += std::string(200, 'p') + '/';
        return path + std::string(size - path.size(), 'e');
    };
    CHECK(here.list(gnu_long('L', deep(128)) + whole_tar({some_file})).entries.size() == 128);
    CHECK(here.list(gnu_long('L', long_path(4000)) + whole_tar({some_file})).files() == 1);
    here.refuses(
        {{"129 deep", gnu_long('L', deep(129)) + whole_tar({some_file}), "slug.max_depth is 128"},
         {"2000 deep", gnu_long('L', deep(2000)) + whole_tar({some_file}), "slug.max_depth is 128"},
         {"500,000 deep", gnu_long('L', deep(500'000)) + whole_tar({some_file}),
          "slug.max_depth is 128"},
         {"4001 bytes", gnu_long('L', long_path(4001)) + whole_tar({some_file}),
          "slug.max_path is 4000"}});
}

TEST_CASE("names take no more memory than the number of entries allows") {
    const ArchiveFolder here;
    slug::Limits limits;
    limits.entries = 10;
    std::string archive;
    for (char c = 'a'; c < 'e'; c++)
        archive += gnu_long('L', std::string(200, c) + '/' + std::string(200, c) + '/' +
                                     std::string(200, c) + '/' + std::string(200, c)) +
                   tar(some_file);
    here.refuses(
        {{"long names", archive + tar_end, "its names take more than 256 bytes for each entry"}},
        limits);
}

TEST_CASE("folders that no entry names count as entries, too") {
    const ArchiveFolder here;
    slug::Limits limits;
    limits.entries = 10;
    here.refuses({{"one deep file",
                   whole_tar({{.name = "a/b/c/d/e/f/g/h/i/j", .content = "1"},
                              {.name = "a/b/x", .content = "1"}}),
                   "slug.max_entries (10)"}},
                 limits);
}

TEST_SUITE_END();
