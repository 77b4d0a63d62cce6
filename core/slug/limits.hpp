// How big an archive from outside may be, once unpacked, before it is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shipit::slug {

// Keys of app.toml's [slug] table; see shipit.toml(5).
struct Limits {
    std::uint64_t entries = 1'000'000;             // max_entries
    std::uint64_t bytes = std::uint64_t{20} << 30; // max_bytes
    std::uint64_t depth = 128;                     // max_depth: names in a path
    std::uint64_t path_bytes = 4000;               // max_path: in a path
    std::uint64_t name_bytes = 255;                // max_name: between two slashes
    std::uint64_t expansion = 1000;                // max_expansion: bytes unpacked per byte read
    bool outside_links = false; // symlinks that are absolute or lead out of the build
    // How errors tell people to set one of these keys: "shipit -a blog set".
    std::string set_command = "shipit set";
};

// Out of any archive so many bytes may come, whatever `expansion` is.
constexpr std::uint64_t free_expansion = std::uint64_t{64} << 20;
// All names together may take so many bytes per entry allowed; they are held in memory.
constexpr std::uint64_t name_bytes_per_entry = 256;

enum class Limit { entries, bytes, depth, path, name, expansion };

// Throws Error: `why`, which tells limit and value, and how to raise the limit to `enough`, if it
// can be raised so far.
[[noreturn]] void refuse_beyond(const Limits& limits, Limit which, std::uint64_t enough,
                                const std::string& why);

// For more entries than may be.
[[noreturn]] void refuse_entries(const Limits& limits);
// Throws it for the text of a file list, before it is read and takes many times its size.
void require_few_entries(std::string_view list_text, const Limits& limits);

} // namespace shipit::slug
