#include "core/sys/capture.hpp"
#include "core/sys/file.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include <unistd.h>

using namespace shipit;
using namespace shipit::sys;
using namespace std::chrono_literals;

namespace {

std::optional<std::string> answer_of(const std::string& script, std::size_t limit = 1000,
                                     std::chrono::milliseconds patience = 20s) {
    const Question question{.program = "/bin/sh",
                            .arguments = {"-c", script},
                            .environment = {"PATH=/usr/bin:/bin", "A=b c"},
                            .become = {}};
    return answer_to(question, Deadline(patience), limit);
}

} // namespace

TEST_SUITE_BEGIN("sys: capture");

TEST_CASE("what a program says is its answer, if it ends well") {
    CHECK(answer_of("echo \"$A\"; echo no >&2") == "b c\n");
    CHECK(answer_of("true") == "");
    CHECK_FALSE(answer_of("echo x; exit 3"));
    CHECK_FALSE(answer_of("echo x; kill -9 $$"));
    CHECK_FALSE(answer_of("cat; exit 1")); // its stdin is empty, not ours
}

TEST_CASE("a program that is not there has no answer") {
    const Question question{
        .program = "/nonexistent", .arguments = {}, .environment = {}, .become = {}};
    CHECK_FALSE(answer_to(question, Deadline(20s), 10));
}

TEST_CASE("a program that says too much is cut off") {
    const auto answer = answer_of("while :; do echo yes; done", 10);
    REQUIRE(answer);
    CHECK(answer->size() >= 10);
}

TEST_CASE("a program that takes too long is not waited for, whether or not it is silent") {
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(answer_of("sleep 60", 10, 100ms));
    CHECK_FALSE(answer_of("exec >&-; sleep 60", 10, 100ms));
    CHECK_FALSE(answer_of("sleep 60 & sleep 60", 10, 100ms));
    CHECK(std::chrono::steady_clock::now() - begin < 30s);
}

TEST_CASE("root can ask as somebody else" * doctest::skip(::geteuid() != 0)) {
    const Question question{.program = "/usr/bin/id",
                            .arguments = {"-u"},
                            .environment = {},
                            .become = std::pair<uid_t, gid_t>(12345, 12345)};
    CHECK(answer_to(question, Deadline(20s), 100) == "12345\n");
}

TEST_CASE("programs are found by their names, as absolute paths") {
    const auto shell = find_program("sh");
    REQUIRE(shell.has_value());
    CHECK(Path(*shell).is_absolute());
    CHECK_FALSE(find_program("no-such-program").has_value());
    CHECK_FALSE(find_program("").has_value());
}
