// Where fuzz targets let things be unpacked: a folder on tmpfs, with a secret beside it that
// nothing may touch and a neighbourhood where nothing may appear.
#pragma once

#include "core/sys/file.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace shipit::fuzz {

using sys::Path;

class Scratch {
  public:
    Scratch() : m_folder(sys::is_there("/dev/shm") ? "/dev/shm" : "/tmp", "shipit-fuzz-") {
        sys::make_folders(m_folder.path() / "outside", 0755);
        sys::replace_durably(m_folder.path() / "outside/secret", "secret", 0600);
        sys::make_folders(m_folder.path() / "inside", 0700);
        m_secret = state_of(m_folder.path() / "outside/secret");
        m_outside = state_of(m_folder.path() / "outside");
    }

    // Empty at first, and after each start_again.
    [[nodiscard]] Path inside() const { return m_folder.path() / "inside"; }

    void start_again() const {
        for (const auto& name : sys::names_in(inside()))
            sys::remove_tree(inside() / name);
    }

    // Ends the process, as a crash does, if anything has left its folder.
    void require_untouched() const {
        using Names = std::vector<std::string>;
        const auto& here = m_folder.path();
        require(sys::names_in(here) == Names{"inside", "outside"},
                "something is beside the folder");
        require(sys::names_in(here / "outside") == Names{"secret"}, "something is outside");
        require(state_of(here / "outside/secret") == m_secret, "the secret was touched");
        require(state_of(here / "outside") == m_outside, "the folder outside was touched");
    }

    static void require(bool holds, const char* otherwise) {
        if (holds)
            return;
        (void)std::fprintf(stderr, "fuzz: %s\n", otherwise);
        std::abort();
    }

  private:
    // All that a change would change, the time of the last access apart.
    static std::string state_of(const Path& path) {
        struct stat status {};
        require(::lstat(path.c_str(), &status) == 0, "what was outside is gone");
        std::string state;
        for (const auto number :
             {static_cast<long long>(status.st_ino), static_cast<long long>(status.st_mode),
              static_cast<long long>(status.st_nlink), static_cast<long long>(status.st_size),
              static_cast<long long>(status.st_ctim.tv_sec),
              static_cast<long long>(status.st_ctim.tv_nsec)})
            state += std::to_string(number) + ' ';
        return state;
    }

    sys::TempFolder m_folder;
    std::string m_secret;
    std::string m_outside;
};

} // namespace shipit::fuzz
