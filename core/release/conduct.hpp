// How the processes of a release have behaved: releases/v12.evidence, JSON. The app's supervisor
// writes it, without the app's lock, and nobody else does; it is replaced whole, but not durably:
// after a power cut, what the last minute had to tell may be missing.
#pragma once

#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace shipit::release {

struct Conduct {
    struct Exit {
        WallTime at = {};
        std::string process; // "web.1"
        std::string how;     // "exited with status 1 after 0.2 s"

        bool operator==(const Exit&) const = default;
    };

    std::uint64_t exits = 0;         // of processes that nobody had asked to end
    std::vector<Exit> newest_exits;  // the newest last; not all of them
    std::uint64_t failed_checks = 0; // within its watch
    std::string last_check;          // why the newest of them failed
    std::uint64_t peak_memory = 0;   // bytes; the sum of its processes' peaks
    std::string last_lines;          // what its processes wrote before it failed: "web.1: …"

    bool operator==(const Conduct&) const = default;

    void add_exit(Exit exit);
    void add_failed_check(const std::string& why);
    void add_lines(const std::string& lines); // instead of earlier ones
};

[[nodiscard]] Json json_of(const Conduct& conduct);

// Nothing is known of a release without such a file, or with one that cannot be read.
[[nodiscard]] Conduct read_conduct(const sys::Path& file);
void write_conduct(const sys::Path& file, const Conduct& conduct);

} // namespace shipit::release
