#include "core/slug/stat_cache.hpp"
#include "tests/unit/slug_support.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace shipit;
using namespace shipit::tests;
using slug::Identity;
using slug::StatCache;

namespace {

constexpr std::int64_t second = 1'000'000'000;
const StatCache::Time noon = std::chrono::hours(12);

// A file that is a minute old at noon.
Identity old_file() {
    const auto then = (noon - std::chrono::minutes(1)).count();
    return {.device = 1, .inode = 2, .size = 3, .mtime_ns = then, .ctime_ns = then};
}

// A cache that was saved at noon.
StatCache saved(const Path& file, const Identity& identity) {
    StatCache cache;
    cache.add(identity, slug::hash_of("content"), noon);
    cache.save(file, noon);
    return StatCache::load(file, noon + std::chrono::hours(1));
}

Identity look_at(const Path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return slug::identity_of(status);
}

// As if the files had been packed long after they were made.
StatCache cached(const Path& file, const Path& cache_file) {
    StatCache cache;
    cache.add(look_at(file), slug::hash_of("x"), StatCache::now() + std::chrono::minutes(1));
    cache.save(cache_file, StatCache::now());
    return StatCache::load(cache_file, StatCache::now());
}

} // namespace

TEST_SUITE_BEGIN("slug::StatCache");

TEST_CASE("a file that is as it was is found, any other is not") {
    TestFolder folder;
    const auto cache = saved(folder / "cache", old_file());
    CHECK(cache.find(old_file()) == slug::hash_of("content"));
    const auto changed = [&](const std::function<void(Identity&)>& change) {
        auto file = old_file();
        change(file);
        return !cache.find(file).has_value();
    };
    CHECK(changed([](Identity& file) { file.device++; }));
    CHECK(changed([](Identity& file) { file.inode++; }));
    CHECK(changed([](Identity& file) { file.size++; }));
    CHECK(changed([](Identity& file) { file.mtime_ns++; }));
    CHECK(changed([](Identity& file) { file.ctime_ns++; }));
}

TEST_CASE("a file that may change again at the same tick of the clock is not remembered") {
    TestFolder folder;
    auto file = old_file();
    SUBCASE("just modified") {
        file.mtime_ns = noon.count() - second;
    }
    SUBCASE("just touched by chmod, rename or touch -r") {
        file.ctime_ns = noon.count() - second;
    }
    SUBCASE("modified in the future") {
        file.mtime_ns = noon.count() + 3600 * second;
    }
    SUBCASE("of a ctime in the future: the clock was set back since") {
        file.ctime_ns = noon.count() + 3600 * second;
    }
    CHECK(saved(folder / "cache", file).size() == 0);
}

TEST_CASE("a cache from before the clock was set back is thrown away") {
    TestFolder folder;
    CHECK(saved(folder / "cache", old_file()).size() == 1);
    CHECK(StatCache::load(folder / "cache", noon - std::chrono::seconds(1)).size() == 0);
}

TEST_CASE("a file rewritten with the same size and mtime is seen") {
    TestFolder folder;
    run(folder.path(), "echo one > f; touch -d 2020-01-01 f; touch -r f reference");
    const auto cache = cached(folder / "f", folder / "cache");
    REQUIRE(cache.find(look_at(folder / "f")));
    run(folder.path(), "echo two > f; touch -r reference f");
    CHECK_FALSE(cache.find(look_at(folder / "f")));
}

TEST_CASE("a file that replaced another one, and took its size and mtime, is seen") {
    TestFolder folder;
    run(folder.path(), "echo one > f; touch -d 2020-01-01 f; touch -r f reference");
    const auto cache = cached(folder / "f", folder / "cache");
    SUBCASE("by rename") {
        run(folder.path(), "echo two > g; touch -r reference g; mv g f");
    }
    SUBCASE("on a file system that gives its inode number again") {
        run(folder.path(), "rm f; echo two > f; touch -r reference f");
    }
    CHECK_FALSE(cache.find(look_at(folder / "f")));
}

TEST_CASE("no cache, a damaged one and one of another kind are empty ones") {
    TestFolder folder;
    const auto file = folder / "cache";
    CHECK(StatCache::load(file, noon).size() == 0);
    (void)saved(file, old_file());
    SUBCASE("some bytes are wrong") {
        run(folder.path(), "printf changed. | dd of=cache bs=1 seek=60 conv=notrunc status=none");
    }
    SUBCASE("its end is missing") {
        run(folder.path(), "truncate -s -1 cache");
    }
    SUBCASE("it is empty, as after a power cut") {
        run(folder.path(), ": > cache");
    }
    SUBCASE("it is something else") {
        run(folder.path(), "seq 1000 > cache");
    }
    CHECK(StatCache::load(file, noon + std::chrono::hours(1)).size() == 0);
}

TEST_SUITE_END();
