// What headers of a tar claim: modes, times, sizes, maps of sparse files.
#include "tests/unit/archive_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace shipit;
using namespace shipit::tests;

TEST_SUITE_BEGIN("slug::unpack_archive");

TEST_CASE("of a mode the nine permission bits are kept, and the build's own mode is not touched") {
    const ArchiveFolder here;
    const auto list = here.list(whole_tar({{.name = ".", .type = '5', .mode = 0},
                                           {.name = "./", .type = '5', .mode = 07777},
                                           {.name = "suid", .content = "1", .mode = 06755},
                                           {.name = "tmp/", .type = '5', .mode = 01777},
                                           {.name = "tmp/x", .content = "1", .mode = 0100600}}));
    CHECK(list.find("suid")->mode == 0755);
    CHECK(list.find("tmp")->mode == 0777);
    CHECK(list.find("tmp/x")->mode == 0600);
}

TEST_CASE("what its owner could not read is packed by root as it is, and refused to others") {
    const ArchiveFolder here;
    for (const auto& odd : {TarEntry{.name = "odd", .content = "1", .mode = 0},
                            TarEntry{.name = "odd", .content = "1", .mode = 0244},
                            TarEntry{.name = "odd/", .type = '5', .mode = 0},
                            TarEntry{.name = "odd/", .type = '5', .mode = 0111}}) {
        CAPTURE(odd.mode);
        const auto archive =
            whole_tar({some_file, odd,
                       odd.type == '5' ? TarEntry{.name = "odd/x", .content = "1"} : some_folder});
        if (::geteuid() == 0)
            CHECK(here.list(archive).find("odd")->mode == odd.mode);
        else
            CHECK(here.refusal(archive).find("its owner could not read it") != std::string::npos);
    }
}

TEST_CASE("owners, extended attributes and flags are no part of a build") {
    const ArchiveFolder here;
    const auto plain = here.list(whole_tar({some_file})).id();
    for (const auto& records :
         {pax_record("uid", "2147483648") + pax_record("gid", "-1"),
          pax_record("uname", "no such user"),
          pax_record("SCHILY.xattr.security.capability",
                     std::string("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20)),
          pax_record("SCHILY.xattr.security.selinux", "system_u:object_r:shadow_t:s0"),
          pax_record("LIBARCHIVE.xattr.user.x", "MQ=="),
          pax_record("SCHILY.fflags", "immutable,append"),
          pax_record("atime", "1.5") + pax_record("ctime", "-1")}) {
        CAPTURE(records);
        CHECK(here.list(pax_file(records)).id() == plain);
    }
}

TEST_CASE("an ACL leaves a mode as stat(2) shows it") {
    const ArchiveFolder here;
    // The group's bits of a mode are the mask's when there is one.
    const auto with_acl =
        pax_file(pax_record("SCHILY.acl.access",
                            "user::rw-,user:www-data:rwx,group::r--,mask::rwx,other::r--"),
                 {.name = "file", .content = "1", .mode = 0674});
    CHECK(here.list(with_acl).find("file")->mode == 0674);
    const auto on_folder =
        pax(pax_record("SCHILY.acl.access", "user::rwx,group::r-x,other::r-x") +
            pax_record("SCHILY.acl.default", "user::rwx,group::rwx,other::---")) +
        tar(some_folder) + whole_tar({some_file});
    CHECK(here.list(on_folder).find("folder")->mode == 0755);
}

TEST_CASE("a time that no header can tell becomes the nearest one that can be told") {
    const auto mtime_of = [&](const char* mtime) {
        const ArchiveFolder here; // one slug has the times that it had first
        return here.list(pax_file(pax_record("mtime", mtime))).find("file")->mtime;
    };
    CHECK(mtime_of("1.5") == 1);
    CHECK(mtime_of("-8589934592") == 0);
    CHECK(mtime_of("not-a-number") == 0);
    // As far as the file system under the test goes.
    CHECK(mtime_of("1099511627776") > 1'600'000'000);
    CHECK(mtime_of("1e400") >= 0);
}

TEST_CASE("global pax headers, as git makes them, change nothing") {
    const ArchiveFolder here;
    const auto plain = here.list(whole_tar({some_file})).id();
    CHECK(here.list(pax(pax_record("comment", std::string(40, 'c')), 'g') + whole_tar({some_file}))
              .id() == plain);
    CHECK(here.list(pax(pax_record("path", "../x") + pax_record("size", "-1"), 'g') +
                    whole_tar({some_file}))
              .id() == plain);
}

TEST_CASE("sizes that lie are refused") {
    const ArchiveFolder here;
    const auto sized = [](std::string_view size) { return pax_file(pax_record("size", size)); };
    here.refuses(
        {{"pax, negative", sized("-1"), ""},
         {"pax, overflowing", sized("99999999999999999999999"), ""},
         {"pax, more than there is", sized("100000"), ""},
         {"pax, a block more", sized("1000"), ""},
         {"octal, more than there is",
          whole_tar({{.name = "x", .content = "1", .size = "00000777777 "}}), ""},
         {"base 256, negative",
          whole_tar({{.name = "x", .content = "1", .size = std::string(12, '\xff')}}), ""},
         {"base 256, enormous",
          whole_tar({{.name = "x",
                      .content = "1",
                      .size = "\x80" + std::string(3, '\0') + std::string(8, '\x7f')}}),
          ""},
         {"too large",
          whole_tar({{.name = "x",
                      .content = "1",
                      .size = "\x80" + std::string(5, '\0') + "\1" + std::string(5, '\0')}}),
          "slug.max_bytes (20 GB)"},
         {"a folder's",
          whole_tar({{.name = "d/", .content = "data", .type = '5', .mode = 0755}, some_file}), ""},
         {"that of a file with a folder's name",
          whole_tar({{.name = "d/", .content = "data"}, some_file}), "has content and is no file"},
         {"that of a list of folders",
          whole_tar({{.name = "d/", .content = "Yfile", .type = 'D', .mode = 0755}, some_file}),
          "has content and is no file"}});
}

TEST_CASE("sparse files come whole, and their maps are not believed") {
    const ArchiveFolder here;
    const auto sparse = [](const std::string& map, const std::string& real_size,
                           const std::string& content) {
        return pax(pax_record("GNU.sparse.size", real_size) +
                   pax_record("GNU.sparse.numblocks",
                              std::to_string((1 + std::count(map.begin(), map.end(), ',')) / 2)) +
                   pax_record("GNU.sparse.map", map)) +
               tar({.name = "sparse", .content = content}) + tar_end;
    };
    const auto list = here.list(sparse("0,1,99,1", "1000", "ab"));
    CHECK(list.find("sparse")->size == 1000);
    std::string content(1000, '\0');
    content[0] = 'a';
    content[99] = 'b';
    CHECK(list.find("sparse")->hash == slug::hash_of(content));
    here.refuses(
        {{"of a petabyte", sparse("0,1", "1125899906842624", "a"), "slug.max_bytes (20 GB)"},
         {"of 19 GiB of nothing", sparse("0,1", "20401094656", "a"), "slug.max_expansion (1000)"},
         {"with a place beyond its end", sparse("0,1,1125899906842624,1", "100", "ab"), ""},
         {"with a negative place", sparse("-100,2", "100", "ab"), ""}});
    std::string map; // in the content, as version 1.0 has it, and without end
    for (int i = 0; i < 6'000'000; i++)
        map += "0\n";
    here.refuses(
        {{"with an endless map",
          pax(pax_record("GNU.sparse.major", "1") + pax_record("GNU.sparse.minor", "0") +
              pax_record("GNU.sparse.name", "sparse") + pax_record("GNU.sparse.realsize", "1")) +
              whole_tar({{.name = "x", .content = "5999999\n" + map}}),
          "header is larger than 4.0 MB"}});
}

TEST_CASE("headers that contradict themselves are refused") {
    const ArchiveFolder here;
    here.refuses({{"a record longer than its header", pax_file("999 path=x\n"), ""},
                  {"a record shorter than it says", pax_file("3 path=x\n"), ""},
                  {"a record without a newline", pax_file("9 path=xyz"), ""},
                  {"a record without '='", pax_file("8 pathx\n"), ""},
                  {"a record without a length", pax_file("path=x\n"), ""},
                  {"a long name of 8 MiB",
                   gnu_long('L', std::string(std::size_t{8} << 20, 'n')) + whole_tar({some_file}),
                   "too large"},
                  {"a long name of nothing", gnu_long('L', "x"), ""},
                  {"a long name and no entry", gnu_long('L', "x") + tar_end, ""},
                  {"extended headers and no entry", pax(pax_record("path", "x")) + tar_end, ""},
                  {"no name", whole_tar({{.name = "", .content = "1"}}), "names the build itself"},
                  {"a file with the build's name", whole_tar({{.name = "./.", .content = "1"}}),
                   "names the build itself"},
                  {"a symlink with the build's name",
                   whole_tar({{.name = ".", .type = '2', .target = "x"}, some_file}),
                   "names the build itself"}});
}

TEST_CASE("a name is cut at a NUL, and judged as it was cut") {
    const ArchiveFolder here;
    const std::string cut("fine\0/../../outside/secret", 26);
    CHECK(here.list(pax_file(pax_record("path", cut))).find("fine") != nullptr);
    here.refuses(
        {{"out of the build", pax_file(pax_record("path", std::string("../x\0fine", 9))), "'..'"}});
}

TEST_CASE("a header whose checksum is wrong is refused, wherever it stands") {
    const ArchiveFolder here;
    for (std::size_t spoiled = 0; spoiled < 3; spoiled++) {
        std::vector<TarEntry> entries{{.name = "a", .content = "1"},
                                      {.name = "b", .content = "2"},
                                      {.name = "c", .content = "3"}};
        entries[spoiled].spoil_checksum = 1;
        CAPTURE(spoiled);
        CHECK(here.refusal(whole_tar(entries)) != "");
    }
    std::string random;
    for (std::uint32_t i = 0; i < 512; i++)
        random += static_cast<char>(i * 2654435761U >> 24U);
    here.refuses({{"random bytes", tar(some_file) + random + tar_end, ""}});
}

TEST_SUITE_END();
