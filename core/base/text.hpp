// Text in and out: what people type (durations, sizes), what they read (times, sizes, quoted
// names).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shipit {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// --- Cutting and joining ---

[[nodiscard]] std::string_view trimmed(std::string_view text);
// Every piece between separators, empty ones too; one piece for an empty text.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string joined(std::span<const std::string> pieces, std::string_view separator);
// No more of them than people read, and how many that leaves: "a; b; and 1234 more".
inline constexpr std::size_t few_to_read = 10;
[[nodiscard]] std::string joined_briefly(std::span<const std::string> pieces,
                                         std::string_view separator);

// --- Showing foreign text ---

// `text` with everything that could drive a terminal made visible: control characters (tab and
// newline too), C1 controls, bidirectional overrides and invalid UTF-8 as \n, \t, \x1b, \u202e.
[[nodiscard]] std::string printable(std::string_view text);
// As printable, but newlines and tabs stay: for several lines of an app's output.
[[nodiscard]] std::string printable_lines(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);
// The whole characters that `text` begins with, of at most `most` bytes; bytes that are not UTF-8
// count as characters.
[[nodiscard]] std::string_view beginning_of(std::string_view text, std::size_t most);
// How a POSIX shell reads `text` back as one word; unquoted where that is safe.
[[nodiscard]] std::string shell_quoted(std::string_view text);
// Columns that `text` takes on a terminal (wcwidth(3) in a UTF-8 locale).
[[nodiscard]] std::size_t columns(std::string_view text);
// `text` cut to at most `width` columns, ending in "…" where it was cut.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t width);
// `text` in lines of at most `width` columns, broken at blanks; a longer word has its line alone.
// At least one.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width);

// --- Guessing what was meant ---

// The candidate nearest to `typed` by edit distance (with transpositions), if one is near enough
// to be what was meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view typed,
                                                 std::span<const std::string> candidates);
// What to do next about a word that is none of `candidates`: "did you mean 'web'?", or `otherwise`.
[[nodiscard]] std::string meant_or(std::string_view typed, std::span<const std::string> candidates,
                                   std::string otherwise);

// --- Amounts and times ---

// "1 slug", "2 slugs", "0 slugs", of a word that takes an s.
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view one);
// "250ms", "30s", "10m", "2h", "30d", "1w", and sums like "1h30m". Nothing for anything else,
// negative or overflowing.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// The shortest of the forms above that is exact: 90000 ms is "90s", 600000 ms "10m".
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);
// "4096", "64K", "500M", "5G", "1T" (powers of 1024; an optional "B" or "iB" follows). In bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
// For people: "812 B", "4.2 KB", "31 MB", "1.1 GB" (powers of 1024).
[[nodiscard]] std::string size_text(std::uint64_t bytes);

// RFC 3339 in UTC with milliseconds: "2026-11-22T22:39:49.123Z".
[[nodiscard]] std::string time_text(WallTime time);
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);
// "5 seconds ago", "3 minutes ago", "2 hours ago", "4 days ago"; "in the future" for clocks set
// back.
[[nodiscard]] std::string time_ago(WallTime time, WallTime now);

} // namespace shipit
