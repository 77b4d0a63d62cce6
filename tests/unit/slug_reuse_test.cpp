// What a second pack of an app takes from the first.
#include "core/slug/slug_file.hpp"
#include "core/slug/stat_cache.hpp"
#include "tests/unit/slug_support.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::tests;

namespace {

// Some hundred files in frames of a few.
constexpr const char* many_files = "for d in $(seq 20); do mkdir d$d; for f in $(seq 20); do "
                                   "seq $d $((d*f*7)) > d$d/f$f; done; done; "
                                   "head -c 700000 /dev/urandom > big; ln d1/f1 d1/link; ln -s f1 "
                                   "d1/soft; find . -exec touch -h -d 2020-02-02 {} +";

slug::PackOptions after(const slug::Packed& earlier) {
    slug::PackOptions options;
    options.cut.most = 32 << 10;
    options.earlier = earlier.id;
    return options;
}

slug::Packed first_pack(const SlugFolder& folder) {
    slug::PackOptions options;
    options.cut.most = 32 << 10;
    return folder.pack(options);
}

std::int64_t time_of(const SlugFolder& folder, const slug::Packed& packed, const char* path) {
    return folder.store.read_list(packed.id).find(path)->mtime;
}

// The slug is whole, and is the build.
void require_equal_to_build(const SlugFolder& folder, const slug::Packed& packed) {
    folder.store.check(packed.id, packed.sha256);
    const auto file = folder.store.path_of(packed.id).string();
    run(folder.path(), "rm -rf out; mkdir out; zstd -tq " + file + "; tar --zstd -xf " + file +
                           " -C out; diff -r --no-dereference build out");
}

} // namespace

TEST_SUITE_BEGIN("slug::pack, after an earlier slug");

TEST_CASE("a fresh checkout of the same content is the same slug, and nothing is written") {
    SlugFolder folder;
    folder.run_in_build(many_files);
    const auto first = first_pack(folder);
    folder.run_in_build("find . -exec touch -h {} +");
    const auto before = run(folder.path(), "ls -i --time-style=full-iso -l releases");
    const auto second = folder.pack(after(first));
    CHECK(second.stored_already);
    CHECK(second.id == first.id);
    CHECK(second.sha256 == first.sha256);
    CHECK(run(folder.path(), "ls -i --time-style=full-iso -l releases") == before);
}

TEST_CASE("a change costs the frames it is in, all others are copied") {
    SlugFolder folder;
    folder.run_in_build(many_files);
    const auto first = first_pack(folder);
    folder.run_in_build("find . -exec touch -h {} +");
    SUBCASE("a changed file") {
        folder.run_in_build("echo more >> d7/f7");
    }
    SUBCASE("a new file") {
        folder.run_in_build("echo more > d7/new");
    }
    SUBCASE("a file that is gone") {
        folder.run_in_build("rm d7/f7");
    }
    SUBCASE("a file that is executable now") {
        folder.run_in_build("chmod 755 d7/f7");
    }
    SUBCASE("a few bytes of a big file") {
        folder.run_in_build(
            "printf changed. | dd of=big bs=1 seek=300000 conv=notrunc status=none");
    }
    const auto second = folder.pack(after(first));
    CHECK(second.id != first.id);
    CHECK(second.reused_bytes * 10 > second.unpacked * 8);
    CHECK(second.reused_bytes < second.unpacked + second.files * 1024);
    require_equal_to_build(folder, second);
}

TEST_CASE("what did not change keeps its time, and what did has its new one") {
    SlugFolder folder;
    folder.run_in_build(many_files);
    const auto first = first_pack(folder);
    folder.run_in_build("find . -exec touch -h -d 2024-04-04 {} +; echo more >> d7/f7; touch -d "
                        "2024-04-05 d7/f7");
    const auto second = folder.pack(after(first));
    for (const char* path : {"d1/f1", "d1/link", "d1/soft", "d7", "d7/f8", "big"})
        CHECK(time_of(folder, second, path) == time_of(folder, first, path));
    CHECK(time_of(folder, second, "d7/f7") > time_of(folder, second, "d7/f8"));
}

TEST_CASE("a file with two names that changed has one time under both") {
    SlugFolder folder;
    folder.run_in_build(many_files);
    const auto first = first_pack(folder);
    folder.run_in_build("echo more >> d1/f1; touch -d 2024-04-05 d1/f1");
    const auto second = folder.pack(after(first));
    CHECK(time_of(folder, second, "d1/f1") == time_of(folder, second, "d1/link"));
    require_equal_to_build(folder, second);
}

TEST_CASE("the slug is the same whether anything was taken from an earlier one or not") {
    SlugFolder folder;
    folder.run_in_build(many_files);
    const auto first = first_pack(folder);
    folder.run_in_build("echo more >> d7/f7");
    const auto second = folder.pack(after(first));
    run(folder.path(), "rm releases/*");
    CHECK(first_pack(folder).id == second.id);
}

TEST_CASE("a slug of which only the end is whole still gives nothing wrong to the next") {
    SlugFolder folder;
    folder.run_in_build(many_files);
    const auto first = first_pack(folder);
    folder.run_in_build("echo more >> d7/f7");
    SUBCASE("its end is gone, too: it is passed over") {
        run(folder.path(), "truncate -s -5 releases/*.zst");
        std::vector<std::string> warnings;
        auto options = after(first);
        options.progress.warn = [&](const std::string& warning) { warnings.push_back(warning); };
        const auto second = folder.pack(options);
        CHECK(warnings.size() == 1);
        CHECK(second.reused_frames == 0);
        require_equal_to_build(folder, second);
    }
    SUBCASE(
        "what was copied is found damaged when it is unpacked, and not taken when packed anew") {
        run(folder.path(),
            "printf XXXX | dd of=\"$(ls releases/*.zst)\" bs=1 seek=600 conv=notrunc "
            "status=none");
        const auto second = folder.pack(after(first));
        CHECK(second.reused_frames > 0);
        CHECK_FALSE(why_not([&] { (void)folder.unpack(second); }).empty());
        auto options = after(first);
        options.anew = true;
        const auto third = folder.pack(options);
        CHECK(third.id == second.id);
        CHECK(third.reused_frames == 0);
        require_equal_to_build(folder, third);
    }
}

TEST_CASE("with a stat cache, a file that did not change is not read") {
    SlugFolder folder;
    folder.run_in_build(many_files);
    const auto first = first_pack(folder);
    // A cache can only be told from the truth by one that is not true: whoever reads d7/f7 sees it.
    folder.run_in_build("printf x | dd of=d7/f7 conv=notrunc status=none");
    const auto list = folder.store.read_list(first.id);
    const auto build = folder.open(folder.build());
    const auto walked = slug::walk(build.fd(), "build", {});
    slug::StatCache cache;
    for (std::size_t i = 0; i < walked.list.entries.size(); i++)
        if (walked.list.entries[i].type == slug::Type::file)
            cache.add(walked.identities[i], list.find(walked.list.entries[i].path)->hash,
                      slug::StatCache::now() + std::chrono::minutes(1));
    cache.save(folder / "cache", slug::StatCache::now());
    auto options = after(first);
    options.stat_cache = folder / "cache";
    const auto second = folder.pack(options);
    CHECK(second.stored_already);
    CHECK(second.id == first.id);
}

TEST_CASE("a stat cache that is wrong is noticed where the file is read, and then not believed") {
    SlugFolder folder;
    folder.run_in_build("echo right > a; echo b > b");
    const auto right = folder.pack();
    run(folder.path(), "rm releases/*");
    struct stat status {};
    REQUIRE(::stat((folder.build() / "a").c_str(), &status) == 0);
    slug::StatCache cache;
    cache.add(slug::identity_of(status), slug::hash_of("wrong"),
              slug::StatCache::now() + std::chrono::minutes(1));
    cache.save(folder / "cache", slug::StatCache::now());
    slug::PackOptions options;
    options.stat_cache = folder / "cache";
    const auto packed = folder.pack(options);
    CHECK(packed.id == right.id);
    require_equal_to_build(folder, packed);
}

TEST_CASE("a stat cache that cannot be written is an aid that is missing, no failure") {
    SlugFolder folder;
    folder.run_in_build("echo a > a");
    std::vector<std::string> warnings;
    slug::PackOptions options;
    options.stat_cache = folder / "no/such/folder/cache";
    options.progress.warn = [&](const std::string& warning) { warnings.push_back(warning); };
    require_equal_to_build(folder, folder.pack(options));
    CHECK(warnings.size() == 1);
}

TEST_SUITE_END();
