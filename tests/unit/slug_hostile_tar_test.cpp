// Entries of a tar that an attacker would write: where they lead, and what they are.
#include "tests/unit/archive_folder.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::tests;

namespace {

using Entries = std::vector<TarEntry>;

TarEntry a_symlink(const std::string& name, const std::string& target) {
    return {.name = name, .type = '2', .target = target};
}
TarEntry a_hard_link(const std::string& name, const std::string& target) {
    return {.name = name, .type = '1', .target = target};
}

slug::Limits with_outside_links() {
    slug::Limits limits;
    limits.outside_links = true;
    return limits;
}

} // namespace

TEST_SUITE_BEGIN("slug::unpack_archive");

TEST_CASE("a path that leads out of the build is refused, however it is written") {
    const ArchiveFolder here;
    const auto secret = (here.outside() / "secret").string();
    std::vector<Refused> rows;
    for (const char* path : {"../x", "..", "a/..", "a/../../x", "./../x", "a/b/../c",
                             "../../outside/secret", "a/../", ".//../x"}) {
        rows.push_back({path, whole_tar({some_file, {.name = path, .content = "1"}}), "'..'"});
        rows.push_back({path, pax_file(pax_record("path", path)), "'..'"});
        rows.push_back({path, gnu_long('L', path) + whole_tar({some_file}), "'..'"});
        rows.push_back({path, whole_tar({{.name = path, .type = '5', .mode = 0777}}), "'..'"});
        rows.push_back({path, whole_tar({a_symlink(path, "file")}), "'..'"});
    }
    for (const std::string& path : {std::string("/abs"), std::string("//abs"), secret}) {
        rows.push_back({"absolute", pax_file(pax_record("path", path)), "absolute path"});
        rows.push_back({"absolute, a folder",
                        pax(pax_record("path", path)) + whole_tar({some_folder}), "absolute path"});
    }
    here.refuses(rows);
}

TEST_CASE("nothing is written through a symlink of the archive") {
    const ArchiveFolder here;
    const auto outside = here.outside().string();
    std::vector<Refused> rows;
    for (const std::string& target : {outside, std::string("../../outside"), std::string("."),
                                      std::string("folder"), std::string("link")}) {
        rows.push_back({"a file",
                        pax(pax_record("linkpath", target)) + tar(a_symlink("link", "x")) +
                            whole_tar({some_folder, {.name = "link/secret", .content = "evil"}}),
                        "which is no folder"});
        rows.push_back({"a folder",
                        pax(pax_record("linkpath", target)) + tar(a_symlink("link", "x")) +
                            whole_tar({some_folder, {.name = "link/made", .type = '5'}}),
                        "which is no folder"});
        rows.push_back({"a missing folder",
                        pax(pax_record("linkpath", target)) + tar(a_symlink("link", "x")) +
                            whole_tar({some_folder, {.name = "link/a/b/made", .content = "1"}}),
                        "which is no folder"});
        rows.push_back({"a symlink",
                        pax(pax_record("linkpath", target)) + tar(a_symlink("link", "x")) +
                            whole_tar({some_folder, a_symlink("link/made", "x")}),
                        "which is no folder"});
        rows.push_back({"a hard link",
                        pax(pax_record("linkpath", target)) + tar(a_symlink("link", "x")) +
                            whole_tar({some_folder, some_file, a_hard_link("link/made", "file")}),
                        "which is no folder"});
        rows.push_back({"the same name as a file",
                        pax(pax_record("linkpath", target + "/secret")) +
                            tar(a_symlink("link", "x")) +
                            whole_tar({{.name = "link", .content = "evil"}}),
                        "is there twice"});
        rows.push_back({"the same name as a folder",
                        pax(pax_record("linkpath", target)) + tar(a_symlink("link", "x")) +
                            whole_tar({{.name = "link", .type = '5', .mode = 0777}}),
                        "is there twice"});
        rows.push_back({"a folder, then a symlink of its name",
                        tar({.name = "link", .type = '5', .mode = 0777}) +
                            pax(pax_record("linkpath", target)) +
                            whole_tar({a_symlink("link", "x")}),
                        "is there twice"});
    }
    Entries chain{some_folder};
    for (int i = 0; i < 20; i++)
        chain.push_back(a_symlink("folder/l" + std::to_string(i),
                                  i == 0 ? outside : "l" + std::to_string(i - 1)));
    chain.push_back({.name = "folder/l19/secret", .content = "evil"});
    rows.push_back({"a chain of twenty", whole_tar(chain), "which is no folder"});
    rows.push_back(
        {"a loop",
         whole_tar({a_symlink("a", "b"), a_symlink("b", "a"), {.name = "a/x", .content = "1"}}),
         "which is no folder"});
    here.refuses(rows, with_outside_links());
}

TEST_CASE("a symlink that leads out of the build is refused unless the host allows it") {
    const ArchiveFolder here;
    here.refuses(
        {{"absolute", whole_tar({a_symlink("l", "/etc/passwd")}), "leads out of the build"},
         {"relative", whole_tar({a_symlink("l", "../x")}), "leads out of the build"},
         {"out of a folder", whole_tar({a_symlink("d/l", "../../x")}), "leads out of the build"},
         {"there and back", whole_tar({a_symlink("d/l", "x/../../../d")}),
          "leads out of the build"},
         {"nowhere", whole_tar({a_symlink("l", "")}), "without a readable target"},
         {"far away", gnu_long('K', std::string(4096, 'x')) + whole_tar({a_symlink("l", "x")}),
          "empty or too long target"}});
    const auto list =
        here.list(whole_tar({some_file, a_symlink("l", "/usr/bin/python3")}), with_outside_links());
    CHECK(list.find("l")->target == "/usr/bin/python3");
}

TEST_CASE("a hard link leads to a file that came before it, and has no content") {
    const ArchiveFolder here;
    const auto outside = here.outside().string();
    const std::vector<Refused> rows{
        {"outside", whole_tar({a_hard_link("l", "../../outside/secret")}), "'..'"},
        {"absolute",
         pax(pax_record("linkpath", outside + "/secret")) + whole_tar({a_hard_link("l", "x")}),
         "absolute path"},
        {"outside, by pax",
         pax(pax_record("linkpath", "../../outside/secret")) + whole_tar({a_hard_link("l", "x")}),
         "'..'"},
        {"outside, by a GNU name",
         gnu_long('K', "../../outside/secret") + whole_tar({a_hard_link("l", "x")}), "'..'"},
        {"through a symlink", whole_tar({a_symlink("d", outside), a_hard_link("l", "d/secret")}),
         "which is no file before it"},
        {"to itself", whole_tar({a_hard_link("l", "l")}), "which is no file before it"},
        {"to a folder", whole_tar({some_folder, a_hard_link("l", "folder")}),
         "which is no file before it"},
        {"to nothing", whole_tar({some_file, a_hard_link("l", "missing")}),
         "which is no file before it"},
        {"to a later file", whole_tar({a_hard_link("l", "file"), some_file}),
         "which is no file before it"},
        {"to the build", whole_tar({some_file, a_hard_link("l", ".")}),
         "which is no file before it"},
        {"of the build", whole_tar({some_file, a_hard_link(".", "file")}),
         "names the build itself"},
        {"over a file",
         whole_tar({some_file, {.name = "b", .content = "2"}, a_hard_link("b", "file")}),
         "is there twice"},
        {"with content",
         tar({.name = "a",
              .content = "1",
              .magic = {"ustar\0"
                        "00",
                        8}}) +
             pax(pax_record("size", "4")) +
             tar({.name = "l",
                  .content = "evil",
                  .type = '1',
                  .target = "a",
                  .magic = {"ustar\0"
                            "00",
                            8}}) +
             tar_end,
         "has content and is no file"}};
    here.refuses(rows, with_outside_links());
    const auto list =
        here.list(whole_tar({some_file, a_hard_link("l", "./file"), a_hard_link("m", "l")}));
    CHECK(list.find("l")->target == "file");
    CHECK(list.find("m")->target == "file");
}

TEST_CASE("a hard link to a symlink is a symlink, and leads no further out where it lies") {
    const ArchiveFolder here;
    const auto list = here.list(whole_tar({some_folder, a_symlink("folder/s", "x/y"),
                                           a_hard_link("l", "folder/s"), a_hard_link("m", "l")}));
    for (const char* path : {"folder/s", "l", "m"}) {
        CHECK(list.find(path)->type == slug::Type::symlink);
        CHECK(list.find(path)->target == "x/y");
    }
    const auto further_up =
        whole_tar({some_folder, a_symlink("folder/s", "../x"), a_hard_link("l", "folder/s")});
    here.refuses({{"further up", further_up, "'l' is a symlink that leads out of the build"}});
    CHECK(here.list(further_up, with_outside_links()).find("l")->target == "../x");
    here.refuses(
        {{"over a file", whole_tar({some_file, a_symlink("s", "x"), a_hard_link("file", "s")}),
          "is there twice"}});
}

TEST_CASE("what a symlink leads to counts among the names once more for each hard link to it") {
    const ArchiveFolder here;
    slug::Limits few;
    few.entries = 30;
    std::string bytes = gnu_long('K', std::string(4000, 'x')) + tar(a_symlink("s", "x"));
    for (int i = 0; i < 20; i++)
        bytes += tar(a_hard_link("l" + std::to_string(i), "s"));
    here.refuses({{"too many", bytes + tar_end, "its names take more than"}}, few);
}

TEST_CASE("what is no file, folder or link is refused") {
    const ArchiveFolder here;
    std::vector<Refused> rows;
    for (const char type : {'3', '4', '6'})
        rows.push_back({"device or FIFO",
                        whole_tar({some_file, {.name = "x", .type = type, .mode = 0666}}),
                        "is no file, folder or link"});
    rows.push_back({"the rest of a file from another tape",
                    whole_tar({some_file, {.name = "x", .content = "1", .type = 'M'}}),
                    "is no file, folder or link"});
    here.refuses(rows);
    for (const char type : {'7', 'Z'}) { // contiguous; of an unknown kind: files, says POSIX
        const auto list = here.list(whole_tar({{.name = "x", .content = "1", .type = type}}));
        CHECK(list.find("x")->type == slug::Type::file);
    }
}

TEST_CASE("a name is there once, however it is spelt") {
    const ArchiveFolder here;
    const auto named = [](const std::string& name, char type = '0') {
        return TarEntry{
            .name = name, .content = type == '0' ? "2" : "", .type = type, .mode = 0755};
    };
    here.refuses(
        {{"a, a", whole_tar({named("a"), named("a")}), "is there twice"},
         {"a, ./a", whole_tar({named("a"), named("./a")}), "is there twice"},
         {"d/a, d//a", whole_tar({named("d/a"), named("d//a")}), "is there twice"},
         {"a, a/", whole_tar({named("a"), named("a/", '5')}), "is there twice"},
         {"d/, d", whole_tar({named("d/", '5'), named("d")}), "is there twice"},
         {"d/, d/", whole_tar({named("d/", '5'), named("d/", '5')}), "is there twice"},
         {"d/a, d", whole_tar({named("d/a"), named("d")}), "is there twice"},
         {"a, a/b", whole_tar({named("a"), named("a/b")}), "which is no folder"},
         {"a, a/b/c", whole_tar({named("a"), named("a/b/c")}), "which is no folder"},
         {"link, link", whole_tar({a_symlink("l", "x"), a_symlink("l", "y")}), "is there twice"}});
}

TEST_CASE("names that differ in case, or in how Unicode spells them, are different") {
    const ArchiveFolder here;
    const auto list = here.list(whole_tar({{.name = "a"},
                                           {.name = "A"},
                                           {.name = "caf\xc3\xa9"},
                                           {.name = "cafe\xcc\x81"},
                                           {.name = "latin-\xe9"},
                                           {.name = "\xff\xfe"},
                                           {.name = "new\nline\x1b[2J"},
                                           {.name = "con"},
                                           {.name = "dot. "},
                                           {.name = "a\\b"},
                                           {.name = "-rf"}}));
    CHECK(list.entries.size() == 11);
    CHECK(list.find("latin-\xe9") != nullptr);
    CHECK(list.find("a\\b") != nullptr);
}

TEST_CASE("errors show names without driving the terminal") {
    const ArchiveFolder here;
    const auto why = here.refusal(whole_tar({{.name = "../\x1b[2J\n\xc2\x9b", .content = "1"}}));
    CHECK(why == "the archive's entry '../\\x1b[2J\\n\\u009b' leads out of the build ('..')");
}

TEST_SUITE_END();
