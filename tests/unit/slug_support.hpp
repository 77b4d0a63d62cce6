// What the tests of the room `slug` share: a build made of a few lines, and programs that know the
// formats better than we do.
#pragma once

#include "core/base/error.hpp"
#include "core/slug/pack.hpp"
#include "core/slug/unpack.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::tests {

using sys::Path;

struct ShellResult {
    int status;
    std::string output;
};

// Runs a line of shell in `folder`; stderr goes with stdout.
inline ShellResult shell(const Path& folder, const std::string& line) {
    // The system's own programs, not what some version manager puts before them.
    std::string script =
        "PATH=/usr/bin:/bin:$PATH; cd '" + folder.string() + "' && { " + line + "\n} 2>&1";
    std::array<char*, 4> arguments{const_cast<char*>("sh"), const_cast<char*>("-c"), script.data(),
                                   nullptr};
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const sys::Fd reading(ends[0]);
    sys::Fd writing(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
    pid_t child = 0;
    REQUIRE(::posix_spawn(&child, "/bin/sh", &actions, nullptr, arguments.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    writing.reset();
    ShellResult result{};
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(reading.get(), buffer.data(), buffer.size())) > 0;)
        result.output.append(buffer.data(), static_cast<std::size_t>(n));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    return result;
}

// The same, for lines that must succeed.
inline std::string run(const Path& folder, const std::string& line) {
    const auto result = shell(folder, line);
    INFO(line << ": " << result.output);
    REQUIRE(result.status == 0);
    return result.output;
}

// A folder with build/, releases/, trees/ and staging/.
class SlugFolder {
  public:
    SlugFolder() : store(m_folder / "releases") {
        for (const char* name : {"build", "releases", "trees", "staging"})
            REQUIRE(::mkdir((m_folder / name).c_str(), 0755) == 0);
    }
    [[nodiscard]] Path operator/(const Path& name) const { return m_folder / name; }
    [[nodiscard]] Path build() const { return m_folder / "build"; }
    [[nodiscard]] Path trees() const { return m_folder / "trees"; }
    [[nodiscard]] const Path& path() const { return m_folder.path(); }
    // In build/.
    std::string run_in_build(const std::string& line) const { return run(build(), line); }

    [[nodiscard]] slug::Build open(const Path& what, const slug::Limits& limits = {}) const {
        return slug::Build::open(what, m_folder / "staging", limits, {});
    }
    [[nodiscard]] slug::Packed pack(const slug::PackOptions& options = {}) const {
        return slug::pack(open(build()), store, options);
    }
    [[nodiscard]] slug::Packed pack_archive(const Path& archive,
                                            const slug::Limits& limits = {}) const {
        return slug::pack(open(archive, limits), store, {});
    }
    [[nodiscard]] Path unpack(const slug::Packed& packed,
                              const slug::UnpackOptions& options = {}) const {
        return slug::unpack(store, packed.id, trees(), options);
    }

  private:
    TestFolder m_folder;

  public:
    slug::Store store;
};

// Everything that may be in a build.
inline constexpr const char* everything = R"sh(
umask 022
mkdir -p 'a dir/deep/er' empty bin 'büro' "$(printf 'new\nline')"
printf 'hello\n' > hello.txt
: > nothing
printf '#!/bin/sh\n' > bin/run; chmod 755 bin/run
printf 'secret' > 'a dir/private'; chmod 600 'a dir/private'
ln -s ../hello.txt bin/link
ln -s does/not/exist dangling
ln hello.txt 'a dir/hard'
printf 'x' > "$(printf 'tab\there\\back')"
printf 'y' > "$(printf 'latin-\351')"
head -c 3000000 /dev/urandom > big.bin
head -c 200000 /dev/zero > zeros
chmod 750 'a dir/deep'
n=$(printf 'n%.0s' $(seq 200))
mkdir -p long/$n; printf 'long' > long/$n/$n.txt; ln -s $n/$n/$n long/$n/to
printf 'exactly-100' > long/$(printf 'e%.0s' $(seq 95))
printf 'exactly-101' > long/$(printf 'e%.0s' $(seq 96))
for i in $(seq 300); do printf "file $i\n" > empty/../bin/f$i; done
find . -exec touch -h -d '2021-03-04 05:06:07' {} +
)sh";

// Why an action failed; "" if it did not.
template <class Action>
std::string why_not(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.why();
    }
    return "";
}

} // namespace shipit::tests
