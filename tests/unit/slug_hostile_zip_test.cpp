// Zip files that an attacker would write.
#include "tests/unit/archive_folder.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::tests;

namespace {

ZipEntry a_zipped_symlink(const std::string& name, const std::string& target) {
    return {.name = name, .content = target, .mode = 0120777};
}

} // namespace

TEST_SUITE_BEGIN("slug::unpack_archive");

TEST_CASE("a zip's entries lead nowhere but into the build") {
    const ArchiveFolder here;
    const auto outside = here.outside().string();
    const ZipEntry file{.name = "file", .content = "1"};
    slug::Limits limits;
    limits.outside_links = true;
    here.refuses(
        {{"..", zip({file, {.name = "../x", .content = "1"}}), "'..'"},
         {"a/../..", zip({file, {.name = "a/../../x", .content = "1"}}), "'..'"},
         {"absolute", zip({file, {.name = "/abs", .content = "1"}}), "absolute path"},
         {"with backslashes, by DOS",
          zip({file, {.name = "..\\..\\x", .content = "1", .mode = 0, .system = 0}}), "'..'"},
         {"through a link",
          zip({a_zipped_symlink("l", outside), {.name = "l/secret", .content = "evil"}}),
          "which is no folder"},
         {"over a link",
          zip({a_zipped_symlink("l", outside + "/secret"), {.name = "l", .content = "evil"}}),
          "is there twice"},
         {"an empty link", zip({a_zipped_symlink("l", ""), file}), "empty or too long target"},
         {"a device", zip({{.name = "x", .mode = 0060666}}), "is no file, folder or link"},
         {"a socket", zip({{.name = "x", .mode = 0140666}}), "is no file, folder or link"},
         {"twice", zip({file, file}), "is there twice"},
         {"twice, as a folder", zip({file, {.name = "file/", .mode = 040755}}), "is there twice"},
         {"in a file", zip({file, {.name = "file/x", .content = "1"}}), "which is no folder"}},
        limits);
    here.refuses({{"a link out of the build", zip({a_zipped_symlink("l", "/etc/passwd")}),
                   "leads out of the build"}});
}

TEST_CASE("a zip's modes are kept, without set-uid, and DOS gets usual ones") {
    const ArchiveFolder here;
    const auto list = here.list(zip({{.name = "run", .content = "1", .mode = 0106755},
                                     {.name = "d/", .mode = 040750},
                                     {.name = "piped", .content = "3", .mode = 0010644},
                                     {.name = "dos", .content = "2", .mode = 0, .system = 0},
                                     a_zipped_symlink("d/l", "../run")}));
    CHECK(list.find("run")->mode == 0755);
    CHECK(list.find("d")->mode == 0750);
    CHECK((list.find("dos")->mode & 0600U) == 0600);
    // Info-ZIP takes what comes from a pipe for a pipe; it is a file.
    CHECK(list.find("piped")->type == slug::Type::file);
    CHECK(list.find("d/l")->target == "../run");
}

TEST_CASE("a zip that is cut off, damaged or more than itself is refused") {
    const ArchiveFolder here;
    const auto whole =
        zip({{.name = "a", .content = std::string(2000, 'a')}, {.name = "d/b", .content = "b"}});
    for (std::size_t cut = 4; cut < whole.size(); cut += 13) {
        CAPTURE(cut);
        CHECK(here.refusal(whole.substr(0, cut)) != "");
    }
    here.refuses(
        {{"all but a byte", whole.substr(0, whole.size() - 1), "it is cut off"},
         {"with something behind it", whole + "garbage", "behind its end"},
         {"with a block behind it", whole + std::string(512, 'x'), "behind its end"},
         {"two of them", whole + whole, "its directory is not where it says"},
         {"with a tar behind it", whole + whole_tar({{.name = "a", .content = "1"}}),
          "behind its end"},
         {"with nothing in it", zip({}), "is empty"},
         {"one of several parts", zip({{.name = "a"}}, {.part = 1}), "in several parts"},
         {"that counts more entries than it has", zip({{.name = "a"}}, {.more_entries = 1}),
          "has not the size it claims"},
         {"that counts fewer", zip({{.name = "a"}, {.name = "b"}}, {.more_entries = -1}),
          "has not the size it claims"},
         {"whose directory is longer", zip({{.name = "a"}}, {.longer = 1}), "not where it says"},
         {"whose directory is shorter", zip({{.name = "a"}}, {.longer = -1}), "not where it says"},
         {"with a wrong CRC", zip({{.name = "a", .content = "1", .spoil_crc = 1}}), "CRC"},
         {"with a size that lies", zip({{.name = "a", .content = "1", .claimed = 5}}), ""},
         {"that is encrypted", zip({{.name = "a", .content = std::string(20, 'x'), .flags = 1}}),
          ""},
         {"with an unknown method", zip({{.name = "a", .content = "1", .method = 77}}), ""},
         {"whose entry is nowhere", zip({{.name = "a", .content = "1", .local_at = 5}}), ""},
         {"whose entry is behind its end",
          zip({{.name = "a", .content = "1", .local_at = 1U << 30U}}), ""}});
    CHECK(here.list(zip({{.name = "a", .content = "1"}}, {.comment = "a comment"})).files() == 1);
}

TEST_CASE("a zip may not claim more than the limits allow") {
    const ArchiveFolder here;
    slug::Limits limits;
    limits.entries = 3;
    std::vector<ZipEntry> entries(4);
    for (std::size_t i = 0; i < entries.size(); i++)
        entries[i].name = std::string(1, static_cast<char>('a' + i));
    here.refuses({{"entries", zip(entries), "slug.max_entries (3)"}}, limits);
    here.refuses({{"bytes",
                   zip({{.name = "a", .content = "1", .claimed = 0xF0000000},
                        {.name = "b", .content = "1", .claimed = 0xF0000000}}),
                   ""}});
    limits = {};
    limits.bytes = 1000;
    here.refuses({{"bytes", zip({{.name = "a", .content = "1", .claimed = 2000}}),
                   "slug.max_bytes (1000 B)"},
                  {"bytes packed", zip({{.name = "a", .content = std::string(2000, 'x')}}),
                   "slug.max_bytes (1000 B)"}},
                 limits);
    here.folder().run_in_build(
        "head -c 100M /dev/zero > z && python3 -c \"import zipfile; z = "
        "zipfile.ZipFile('../archive', 'w', zipfile.ZIP_DEFLATED); z.write('z')\" && rm z");
    limits = {};
    limits.expansion = 500;
    CHECK(why_not([&] {
              (void)here.folder().open(here.folder() / "archive", limits);
          }).find("slug.max_expansion (500)") != std::string::npos);
}

TEST_CASE("zip64, as large zips are written, is read") {
    const ArchiveFolder here;
    here.folder().run_in_build(
        "python3 -c \"import zipfile\nz = zipfile.ZipFile('../archive', 'w')\nfor i in "
        "range(66000): z.writestr('d%d/f%d' % (i % 97, i), '')\nz.close()\"");
    const auto build = here.folder().open(here.folder() / "archive");
    CHECK(run(build.folder(), "find . -type f | wc -l") == "66000\n");
}

TEST_SUITE_END();
