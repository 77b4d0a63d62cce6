#include "core/slug/sha256_aside.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <iterator>

using shipit::slug::Sha256;
using shipit::slug::Sha256Aside;

TEST_SUITE_BEGIN("slug::Sha256Aside");

TEST_CASE("pieces of any size, more than may wait, have the SHA-256 of the whole") {
    Sha256 together;
    Sha256Aside aside;
    for (std::size_t i = 0; i < 40; i++) {
        std::string piece = aside.spare();
        piece.assign(i % 2 == 0 ? i : std::size_t{1} << 20, static_cast<char>('a' + i));
        together.add(piece);
        aside.add(std::move(piece));
    }
    CHECK(aside.finish() == together.finish());
}

TEST_CASE("what is given up half-way leaves no thread") {
    const auto threads = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
    };
    const auto before = threads();
    {
        Sha256Aside aside;
        for (int i = 0; i < 10; i++)
            aside.add(std::string(100'000, 'x'));
        CHECK(threads() == before + 1);
    }
    CHECK(threads() == before);
}

TEST_SUITE_END();
