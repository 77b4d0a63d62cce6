// How the stream of an archive may begin and end, and what may be around it.
#include "core/slug/archive_reader.hpp"
#include "tests/unit/archive_folder.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace shipit;
using namespace shipit::tests;
using namespace std::string_view_literals;

namespace {

// With content that looks like the end of a tar, and a last entry that has none.
const std::string three_files = whole_tar({{.name = "a", .content = std::string(700, '1')},
                                           {.name = "zeros", .content = std::string(3000, '\0')},
                                           {.name = "d/", .type = '5', .mode = 0755},
                                           {.name = "d/b", .content = "2"},
                                           {.name = "d/empty"}});
const std::string several_blocks =
    whole_tar({{.name = "big", .content = std::string(300'000, 'b')}, some_file});

// Writes into a pipe from a thread of its own, as a sender does.
class Sender {
  public:
    explicit Sender(std::vector<std::string> pieces) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        m_reading = sys::Fd(ends[0]);
        m_thread = std::thread([this, fd = ends[1], pieces = std::move(pieces)] {
            const sys::Fd writing(fd);
            for (const auto& piece : pieces) {
                const auto n = ::write(writing.get(), piece.data(), piece.size());
                m_sent += n < 0 ? 0 : static_cast<std::size_t>(n);
            }
        });
    }
    ~Sender() {
        if (m_thread.joinable())
            m_thread.join();
    }
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;
    [[nodiscard]] int fd() const { return m_reading.get(); }
    std::size_t sent() {
        m_thread.join();
        return m_sent;
    }

  private:
    sys::Fd m_reading;
    std::thread m_thread;
    std::size_t m_sent = 0;
};

} // namespace

TEST_SUITE_BEGIN("slug::unpack_archive");

TEST_CASE("a tar that ends early is refused, at the border of an entry too") {
    const ArchiveFolder here;
    const auto end = three_files.size();
    const auto step_at = [](std::size_t cut) -> std::size_t {
        if (cut % 512 == 0)
            return 1;
        return cut % 512 == 1 ? 255 : 256;
    };
    for (std::size_t cut = 0; cut < end; cut += step_at(cut)) {
        CAPTURE(cut);
        CHECK(here.refusal(three_files.substr(0, cut)) != "");
    }
    here.refuses(
        {{"without the blocks of zeros", three_files.substr(0, end - 1024), "it is cut off"},
         {"with one of them", three_files.substr(0, end - 512), "it is cut off"},
         {"with all but a byte of them", three_files.substr(0, end - 1), "it is cut off"}});
    CHECK(here.list(three_files).files() == 4);
}

TEST_CASE("nothing but zeros may follow the end of a tar") {
    const ArchiveFolder here;
    const auto taken = here.list(three_files).id();
    for (const auto zeros : std::initializer_list<std::size_t>{1, 511, 512, 10240, 1 << 20}) {
        CAPTURE(zeros);
        CHECK(here.list(three_files + std::string(zeros, '\0')).id() == taken);
    }
    const ArchiveFolder there;
    there.refuses(
        {{"text", three_files + "garbage", "behind its end"},
         {"text after zeros", three_files + std::string(1 << 20, '\0') + "x", "behind its end"},
         {"a second archive", three_files + three_files, "behind its end"},
         {"an entry between the blocks of zeros",
          tar(some_file) + std::string(512, '\0') + whole_tar({{.name = "hidden", .content = "1"}}),
          "behind its end"}});
}

TEST_CASE("what is empty, or no archive, is refused") {
    const ArchiveFolder here;
    std::string random;
    for (std::uint32_t i = 1; i < 20'000; i++)
        random += static_cast<char>(i * 2654435761U >> 24U);
    here.refuses(
        {{"no byte", "", "is empty"},
         {"one byte", "x", "no archive"},
         {"blocks of zeros", std::string(10240, '\0'), "is empty"},
         {"a gzip of nothing", gzip(""), ""},
         {"a zstd of nothing", zstd(""), ""},
         {"an xz of nothing", xz(""), ""},
         {"a gzip of zeros", gzip(std::string(10240, '\0')), "is empty"},
         {"text", "just text, and a second line\n", "no archive"},
         {"random bytes", random, "no archive"},
         {"a gzip of text", gzip("just text"), "no archive"},
         {"a folder only", whole_tar({{.name = "d/", .type = '5', .mode = 0755}}), "is empty"}});
}

TEST_CASE("of compressions only gzip, bzip2, xz and zstd are known, and of formats tar and zip") {
    const ArchiveFolder here;
    here.folder().run_in_build(
        "mkdir ../bin; for p in lrzip lzop grzip gzip bzip2 xz zstd unzip; do printf "
        "'#!/bin/sh\\ntouch \"$0.ran\"\\n' > ../bin/$p; chmod 755 ../bin/$p; done");
    const std::string path = std::getenv("PATH");
    REQUIRE(::setenv("PATH", ((here.folder() / "bin").string() + ':' + path).c_str(), 1) == 0);
    std::vector<std::string> archives;
    for (const std::string_view magic :
         {"LRZI\0\6"sv, "LZIP\1"sv, "\x89LZO\0\r\n\x1a\n"sv, "\x1f\x9d\x90"sv, "GRZipII\0\2\4:)"sv,
          "\x04\x22\x4d\x18"sv, "begin 644 x\n"sv, "\xed\xab\xee\xdb"sv, "\x5d\0\0\x80\0"sv,
          // 7zip, RAR, CAB, cpio, ar, xar, WARC, mtree
          "7z\xbc\xaf\x27\x1c"sv, "Rar!\x1a\7\0"sv, "MSCF\0\0\0\0"sv, "070701"sv, "!<arch>\n"sv,
          "xar!"sv, "WARC/1.0\r\n"sv, "#mtree\nx contents=/etc/passwd\n"sv}) {
        archives.push_back(std::string(magic) + three_files);
        CAPTURE(magic);
        CHECK(here.folder().path() != "");
        std::ofstream(here.folder() / "archive", std::ios::binary) << archives.back();
        CHECK(why_not([&] { (void)here.folder().open(here.folder() / "archive"); }) != "");
    }
    REQUIRE(::setenv("PATH", path.c_str(), 1) == 0);
    CHECK(run(here.folder().path(), "ls bin | grep ran || true") == "");
    run(here.folder().path(), "rm -r bin");
}

TEST_CASE("a compressed tar is taken as it is written by others, and only once compressed") {
    const ArchiveFolder here;
    const auto plain = here.list(several_blocks).id();
    CHECK(here.list(gzip(several_blocks)).id() == plain);
    CHECK(here.list(xz(several_blocks)).id() == plain);
    CHECK(here.list(zstd(several_blocks)).id() == plain);
    const ArchiveFolder there;
    there.refuses({{"gzip of gzip", gzip(gzip(several_blocks)), "no archive"},
                   {"gzip of zstd", gzip(zstd(several_blocks)), "no archive"},
                   {"zstd of gzip", zstd(gzip(several_blocks)), "no archive"},
                   {"zstd of zstd", zstd(zstd(several_blocks)), "compressed more than once"},
                   {"xz of zstd of xz", xz(zstd(xz(several_blocks))), "compressed more than once"},
                   {"gzip of zip", gzip(zip({{.name = "a"}})), "no archive"}});
}

TEST_CASE("a compressed stream that ends early is refused, and so is one that is damaged") {
    const ArchiveFolder here;
    for (const auto& whole : {gzip(several_blocks), xz(several_blocks), zstd(several_blocks)})
        for (const auto missing :
             std::initializer_list<std::size_t>{1, 4, 5, 8, 9, 12, 20, 100, 600, 1100, 70'000}) {
            CAPTURE(missing);
            CHECK(here.refusal(whole.substr(0, whole.size() - missing)) != "");
        }
    for (const auto& whole : {gzip(several_blocks), xz(several_blocks), zstd(several_blocks)})
        for (std::size_t at = 40; at < whole.size(); at += 997) {
            auto flipped = whole;
            flipped[at] = static_cast<char>(flipped[at] ^ 4);
            CAPTURE(at);
            CHECK(here.refusal(flipped) != "");
        }
}

TEST_CASE("what gzip says of length and CRC is checked, of every member") {
    const ArchiveFolder here;
    const auto middle = several_blocks.size() / 2;
    const auto first = gzip(several_blocks.substr(0, middle));
    const auto second = gzip(several_blocks.substr(middle));
    CHECK(here.list(first + second).id() == here.list(several_blocks).id());
    const ArchiveFolder there;
    for (const auto& whole : {first, second})
        for (const auto from_end : std::initializer_list<std::size_t>{1, 4, 5, 8}) {
            auto wrong = whole;
            wrong[wrong.size() - from_end] = static_cast<char>(wrong[wrong.size() - from_end] ^ 1);
            CHECK(there.refusal(whole == first ? wrong + second : first + wrong)
                      .find("it is damaged") != std::string::npos);
        }
}

TEST_CASE("nothing but zeros may follow a compressed stream") {
    const ArchiveFolder here;
    CHECK(here.list(gzip(three_files) + std::string(10240, '\0')).files() == 4);
    const ArchiveFolder there;
    there.refuses({{"gzip", gzip(three_files) + "garbage", "behind its end"},
                   {"gzip, after zeros", gzip(three_files) + std::string(300'000, '\0') + "x",
                    "behind its end"},
                   {"gzip, like another member", gzip(three_files) + "\x1f\x8b\x08garbage", ""},
                   {"gzip, another tar", gzip(three_files) + gzip(three_files), "behind its end"},
                   {"gzip, a plain tar", gzip(three_files) + three_files, "behind its end"},
                   {"xz", xz(three_files) + "garbage", ""},
                   {"xz, a plain tar", xz(three_files) + three_files, ""},
                   {"zstd", zstd(three_files) + "garbage", ""},
                   {"zstd, another tar", zstd(three_files) + zstd(three_files), "behind its end"}});
    const auto& folder = there.folder();
    run(folder.path(), "mkdir b; echo 1 > b/a; tar cjf archive -C b . && cp archive good; printf "
                       "garbage >> archive");
    CHECK(why_not([&] { (void)folder.open(folder / "archive"); }).find("behind its end") !=
          std::string::npos);
    run(folder.path(), "head -c 100000 /dev/zero >> good");
    CHECK(why_not([&] { (void)folder.open(folder / "good"); }) == "");
}

TEST_CASE("zstd frames that want much memory or a dictionary are refused, others are passed over") {
    const ArchiveFolder here;
    const auto plain = here.list(three_files).id();
    const auto half = three_files.size() / 2;
    CHECK(here.list(zstd(three_files.substr(0, half)) + zstd_skippable("note", 4) +
                    zstd(three_files.substr(half)) + zstd_skippable("", 0))
              .id() == plain);
    const ArchiveFolder there;
    there.refuses(
        {{"a window of 2 GiB", zstd(three_files, std::string_view("\0\xA8", 2)), "memory"},
         {"a dictionary", zstd(three_files, std::string_view("\1\x38\x07", 3)), ""},
         {"a skippable frame of 4 GiB", zstd(three_files) + zstd_skippable("x", 0xFFFFFFFF), ""},
         {"nothing but skippable frames", zstd_skippable("x", 1) + zstd_skippable("x", 1), ""}});
}

TEST_CASE("what unpacks to far more than it is is refused") {
    const ArchiveFolder here;
    const auto size = std::uint64_t{300} << 20;
    const auto header = tar({.name = "zeros", .size = "02260000000"});
    const auto bomb = zstd(header) + zstd_of_one_byte('\0', size) + zstd(tar_end);
    here.refuses({{"in one frame", bomb, "slug.max_expansion (1000)"},
                  {"behind the end", zstd(three_files) + zstd_of_one_byte('\0', size),
                   "slug.max_expansion (1000)"}});
    std::string frames = zstd(header);
    for (int i = 0; i < 300; i++)
        frames += zstd_of_one_byte('\0', 1 << 20);
    here.refuses({{"in many frames", frames + zstd(tar_end), "slug.max_expansion (1000)"}});
    slug::Limits limits;
    limits.expansion = 100'000;
    limits.bytes = size;
    CHECK(here.list(bomb, limits).unpacked() == size);
}

TEST_CASE("a slow sender is waited for, and what it sends in small pieces is one archive") {
    const ArchiveFolder here;
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < three_files.size(); at += 7)
        pieces.push_back(three_files.substr(at, 7));
    const Sender sender(pieces);
    slug::unpack_archive(sender.fd(), here.folder() / "staging", {}, {});
    CHECK(run(here.folder() / "staging", "find . -type f | sort") ==
          "./a\n./d/b\n./d/empty\n./zeros\n");
}

TEST_CASE("a sender is heard out before its archive is refused") {
    const ArchiveFolder here;
    Sender sender({whole_tar({{.name = "../x", .content = "1"}}), std::string(3 << 20, 'x')});
    CHECK(why_not([&] {
              slug::unpack_archive(sender.fd(), here.folder() / "staging", {}, {});
          }).find("'..'") != std::string::npos);
    CHECK(sender.sent() > (3 << 20));
}

TEST_CASE("no locale changes what names are") {
    const ArchiveFolder here;
    const auto archive =
        pax(pax_record("path", "caf\xc3\xa9/\xf0\x9f\x9a\xa2")) + whole_tar({some_file});
    const char* before = ::setlocale(LC_ALL, nullptr);
    const std::string kept = before;
    for (const char* locale : {"C", "C.UTF-8"}) {
        REQUIRE(::setlocale(LC_ALL, locale) != nullptr);
        CHECK(here.list(archive).find("caf\xc3\xa9/\xf0\x9f\x9a\xa2") != nullptr);
    }
    REQUIRE(::setlocale(LC_ALL, kept.c_str()) != nullptr);
    const ArchiveFolder there;
    there.refuses(
        {{"not UTF-8, where pax demands it",
          pax(pax_record("path", "latin-\xe9")) + whole_tar({some_file}), "latin-\\xe9"}});
}

TEST_SUITE_END();
