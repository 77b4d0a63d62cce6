#include "core/base/error.hpp"
#include "core/slug/frame_plan.hpp"
#include "core/slug/parts.hpp"
#include "core/slug/seek_table.hpp"
#include "core/slug/tail.hpp"
#include "core/slug/tar_header.hpp"
#include "tests/unit/slug_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace shipit;
using namespace shipit::tests;

namespace {

slug::Entry file(const std::string& path, std::uint64_t size = 0) {
    slug::Entry entry;
    entry.path = path;
    entry.mode = 0644;
    entry.size = size;
    return entry;
}

const std::string empty_hash = "99aa06d3014798d86001c324468d497f";

std::string fault_of(const std::string& text) {
    return why_not([&] { (void)slug::FileList::parse(text); });
}

std::string line(const std::string& path) {
    return "f\t0644\t0\t" + empty_hash + "\t" + path + "\t\n";
}

slug::FileList many_files(int count, std::uint64_t size) {
    slug::FileList list;
    for (int i = 0; i < count; i++)
        list.entries.push_back(file("f" + std::to_string(100000 + i),
                                    size + static_cast<std::uint64_t>(i) * 37 % 5000));
    return list;
}

std::vector<slug::Span> plan_of(const slug::FileList& list, const slug::Cut& cut) {
    return slug::plan_frames(list, slug::extents_of(list), cut);
}

// The first paths of frames say where the cuts are, wherever they have moved to.
std::vector<std::string> cuts_of(const slug::FileList& list, const slug::Cut& cut) {
    const auto extents = slug::extents_of(list);
    std::vector<std::string> cuts;
    for (const auto& span : slug::plan_frames(list, extents, cut))
        cuts.push_back(list.entries[slug::entry_at(extents, span.begin)].path);
    return cuts;
}

} // namespace

TEST_SUITE_BEGIN("slug format");

TEST_CASE("the hashes are those of xxhsum and sha256sum") {
    CHECK(slug::hash_of("").hex() == empty_hash);
    CHECK(slug::hash_of("hello\n").hex() == "6bba86c7e069f56d5a10b435f1c8e49c");
    slug::Hasher hasher;
    hasher.add("hel");
    hasher.add("lo\n");
    CHECK(hasher.result() == slug::hash_of("hello\n"));
    CHECK(slug::Hash::parse(empty_hash)->hex() == empty_hash);
    CHECK(slug::Hash::from_bytes(slug::hash_of("x").bytes().data()) == slug::hash_of("x"));
    CHECK_FALSE(slug::Hash::parse("99AA06d3014798d86001c324468d497f"));
    slug::Sha256 sha256;
    sha256.add("hello\n");
    CHECK(sha256.finish() == "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
}

TEST_CASE("a list's text is read back as it was") {
    slug::FileList list;
    list.entries.push_back(file("a\tb\\c\nd\xff"));
    list.entries.back().hash = slug::hash_of("");
    list.entries.push_back(file("d"));
    list.entries.back().type = slug::Type::folder;
    list.entries.push_back(file("d/l"));
    list.entries.back().type = slug::Type::symlink;
    list.entries.back().target = "to\nnowhere";
    CHECK(list.text() ==
          "f\t0644\t0\t" + empty_hash +
              "\ta\\tb\\\\c\\nd\xff\t\nd\t0644\t-\t-\td\t\nl\t-\t-\t-\td/l\tto\\nnowhere\n");
    const auto again = slug::FileList::parse(list.text());
    CHECK(again.text() == list.text());
    CHECK(again.entries[0].path == list.entries[0].path);
    CHECK(again.find("d/l")->target == "to\nnowhere");
    CHECK(again.find("d/m") == nullptr);
    CHECK(list.id().text() == slug::hash_of(list.text()).hex());
}

TEST_CASE("folders come before what is in them, and that before what is beside them") {
    CHECK(slug::path_before("a", "a/b"));
    CHECK(slug::path_before("a/b", "a-b"));
    CHECK(slug::path_before("a/b/c", "a/bc"));
    CHECK(slug::path_before("a", "b"));
    CHECK(slug::path_before("a", "\xff"));
    CHECK_FALSE(slug::path_before("a", "a"));
    CHECK_FALSE(slug::path_before("a-b", "a/b"));
}

TEST_CASE("a list that would write elsewhere, or is out of order, is refused by line") {
    CHECK(fault_of(line("a") + line("b")) == "");
    for (const std::string& bad :
         {line("../a"),
          line("/a"),
          line("a/../b"),
          line("a//b"),
          line("a/"),
          line("."),
          line(""),
          line("a/b"),
          line(std::string(256, 'a')),
          std::string("d\t0755\t-\t-\td\t\n") + line("e") + line("d/f"),
          line("b") + line("a"),
          line("a") + line("a"),
          line("a") + line("a/b"),
          std::string("l\t-\t-\t-\td\t/tmp\n") + line("d/f"),
          std::string("h\t-\t-\t-\tb\ta\n"),
          std::string("h\t-\t-\t-\tb\tb\n"),
          std::string("f\t4755\t0\t") + empty_hash + "\ta\t\n",
          std::string("f\t0644\t-1\t") + empty_hash + "\ta\t\n",
          std::string("f\t0644\t007\t") + empty_hash + "\ta\t\n",
          std::string("f\t0644\t99999999999999999999\t") + empty_hash + "\ta\t\n",
          std::string("f\t0644\t0\t-\ta\t\n"),
          std::string("x\t0644\t0\t-\ta\t\n"),
          std::string("l\t-\t-\t-\ta\t\n"),
          line("a").substr(0, 20),
          std::string("f\t0644\t0\t") + empty_hash + "\ta\\q\t\n",
          std::string("d\t755\t-\t-\td\t\n")}) {
        CAPTURE(bad);
        CHECK(fault_of(bad).find("of the slug's file list is wrong") != std::string::npos);
    }
    CHECK(fault_of(line("b") + line("a")).starts_with("line 2 "));
}

TEST_CASE("a tar header is a checked block, and its size is known before") {
    auto entry = file("name", 5);
    for (const std::size_t length : {1U, 99U, 100U, 101U, 255U, 511U, 512U, 600U}) {
        std::string path;
        while (path.size() < length)
            path += path.size() % 200 == 199 ? '/' : 'p';
        entry.path = path;
        CHECK(slug::tar_header(entry).size() == slug::tar_header_size(entry));
        CHECK(slug::tar_header(entry).size() % 512 == 0);
    }
    entry.path = "x";
    entry.type = slug::Type::symlink;
    entry.target = std::string(150, 't');
    CHECK(slug::tar_header_size(entry) == 3 * 512);
    CHECK(slug::clamped_mtime(-5) == 0);
    CHECK(slug::clamped_mtime(std::int64_t{1} << 40) == 8589934591);
}

TEST_CASE("a file of more than 8 GiB has a size that tar understands") {
    const TestFolder folder;
    const auto header = slug::tar_header(file("huge", std::uint64_t{12} << 30));
    sys::replace_durably(folder / "h", header, 0600);
    CHECK(run(folder.path(),
              "python3 -c \"import tarfile; print(tarfile.TarInfo.frombuf(open('h','rb').read(), "
              "'utf-8', 'strict').size)\"") == "12884901888\n");
}

TEST_CASE("frames cover the stream without gaps, and none is too big") {
    slug::Cut cut;
    cut.most = 128 << 10;
    auto list = many_files(3000, 100);
    list.entries.push_back(file("g", 1'000'000));
    list.entries.push_back(file("h", 7));
    const auto spans = plan_of(list, cut);
    std::uint64_t at = 0;
    for (const auto& span : spans) {
        CHECK(span.begin == at);
        CHECK(span.size() > 0);
        CHECK(span.size() <= cut.most);
        at = span.end;
    }
    CHECK(at == slug::extents_of(list).back().end);
    CHECK(spans.size() > at / cut.most);
    CHECK(spans.size() < at / (cut.lightest() / 25)); // what weighs most for its bytes
}

TEST_CASE("big files share a frame, and small ones have smaller frames") {
    const slug::Cut cut;
    const auto big = plan_of(many_files(300, 1'000'000), cut);
    const auto small = plan_of(many_files(30'000, 10'000), cut);
    CHECK(big.size() < 300 / 2);
    CHECK(small.size() > 2 * big.size());
}

TEST_CASE("a change moves a few cuts only") {
    slug::Cut cut;
    cut.most = 128 << 10;
    auto list = many_files(3000, 100);
    const auto before = cuts_of(list, cut);
    list.entries.erase(list.entries.begin() + 1000);
    list.entries[2000].size += 30000;
    const auto after = cuts_of(list, cut);
    std::vector<std::string> kept;
    std::set_intersection(before.begin(), before.end(), after.begin(), after.end(),
                          std::back_inserter(kept));
    CHECK(before.size() > 50);
    CHECK(kept.size() + 5 > before.size());
}

TEST_CASE("the parts of all frames are the stream") {
    slug::Cut cut;
    cut.most = 16 << 10;
    auto list = many_files(50, 3000);
    list.entries.push_back(file("g", 100'000));
    const auto extents = slug::extents_of(list);
    std::uint64_t sum = 0;
    for (const auto& span : slug::plan_frames(list, extents, cut)) {
        std::size_t at = 0;
        for (const auto& part : slug::parts_in(list, extents, span)) {
            CHECK(part.at == at);
            at += part.size;
        }
        CHECK(at == span.size());
        sum += at;
    }
    CHECK(sum == extents.back().end);
    const auto end = slug::parts_in(list, extents, {sum, sum + 1024});
    REQUIRE(end.size() == 1);
    CHECK(end[0].kind == slug::Part::Kind::padding);
}

TEST_CASE("a seek table is read back, and must fill the file") {
    const std::vector<slug::Frame> frames = {{0, 10, 100}, {10, 20, 0}, {30, 5, 50}};
    const auto table = slug::seek_table(frames);
    CHECK(slug::seek_table_size(std::string_view(table).substr(table.size() - 9)) == table.size());
    const auto again = slug::parse_seek_table(table, 35 + table.size());
    REQUIRE(again.size() == 3);
    CHECK(again[2].at == 30);
    CHECK(again[1].unpacked == 0);
    CHECK(why_not([&] { (void)slug::parse_seek_table(table, 36 + table.size()); }) != "");
    CHECK(why_not([&] { (void)slug::seek_table_size("123456789"); }) != "");
}

TEST_CASE("a list frame of a later format is refused with advice") {
    slug::FileList list;
    list.entries.push_back(file("a"));
    list.entries[0].hash = slug::hash_of("");
    auto frame = slug::list_frame(list, list.text(), {slug::hash_of("x")}, 3);
    const auto tail = slug::parse_list_frame(frame);
    CHECK(tail.id == slug::id_of_text(list.text()));
    REQUIRE(tail.frame_hashes.size() == 1);
    CHECK(tail.frame_hashes[0] == slug::hash_of("x"));
    frame[16] = 2;
    CHECK(why_not([&] { (void)slug::parse_list_frame(frame); }) ==
          "the slug's format is version 2, this shipit reads version 1");
}

TEST_CASE("a slug is readable without shipit") {
    SlugFolder folder;
    folder.run_in_build(everything);
    slug::PackOptions options;
    options.cut.most = 512 << 10;
    const auto packed = folder.pack(options);
    const auto script = Path(SHIPIT_SOURCES) / "tests/e2e/read_slug.py";
    if (shell("/", "command -v xxhsum && command -v zstd").status != 0)
        return;
    CHECK(run(folder.path(),
              "python3 " + script.string() + " " + folder.store.path_of(packed.id).string()) ==
          packed.id.text() + "\n");
}

TEST_SUITE_END();
