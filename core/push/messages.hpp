// What stands in the messages.
#pragma once

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/json.hpp"
#include "core/base/progress.hpp"
#include "core/release/source.hpp"
#include "core/slug/file_list.hpp"
#include "core/slug/limits.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::push {

// Bits, one for each of something.
using Bits = std::vector<bool>;

// --- offer: what the host has of the app ---

struct Offer {
    std::vector<SlugId> slugs;          // newest first
    std::vector<std::string> leave_out; // paths that this host's settings keep out of slugs
    // It knows --no-activate: an older shipit would pass over that, and take the build live.
    bool stores = false;

    [[nodiscard]] std::string text() const;
    [[nodiscard]] static Offer parse(std::string_view text); // throws Error
};

// --- request: what is wanted ---

// Beyond these a request is refused.
inline constexpr std::size_t longest_description = 4096; // bytes
inline constexpr std::chrono::hours longest_time(24 * 366);

struct Options {
    std::string description = {};
    bool force = false;
    bool until_live = false; // --no-wait
    std::chrono::milliseconds lock_patience{0};
    std::optional<std::chrono::milliseconds> trial = {};
    bool no_activate = false;
    bool operator==(const Options&) const = default;
};

struct Request {
    SlugId slug;
    // Of the pusher's: the same for a push that is tried again, so that it finds the deploy that it
    // has begun. 32 hexadecimal digits.
    std::string token;
    std::optional<SlugId> base =
        {}; // a slug that both have: list and pieces are told by what differs
    Options options = {};
    std::optional<release::Source> source = {};
    // Paths that the pusher has left out, as the host keeps them out of slugs, and that are files
    // in the build.
    std::vector<std::string> files_left_out = {};

    [[nodiscard]] std::string text() const;
    // Throws Error for anything that is not as it should be.
    [[nodiscard]] static Request parse(std::string_view text);
};

// A new one, which nobody can guess.
[[nodiscard]] std::string new_token();
[[nodiscard]] bool is_token(std::string_view text);

// --- list ---

// The list with the mtimes of what is not the same in `base` (which may be empty), as bytes. What
// is the same there has the mtime that it has where the list is read.
[[nodiscard]] std::string bytes_of(slug::FileList list, const slug::FileList& base);
// Their reverse, hostile; throws Error (corrupt), or before reading more entries than may be.
[[nodiscard]] slug::FileList list_in(std::string_view bytes, const slug::FileList& base,
                                     const slug::Limits& limits);

// The message: `bytes` by what makes them out of the text of the base's list.
[[nodiscard]] std::string list_message(std::string_view bytes, const slug::FileList& base);
// The bytes again; throws Error if they would be more than `most`.
[[nodiscard]] std::string bytes_in(std::string_view message, const slug::FileList& base,
                                   std::uint64_t most);

// --- need, have ---

[[nodiscard]] std::string message_of(const Bits& bits); // compressed
[[nodiscard]] Bits bits_in(std::string_view message, std::size_t count);

// --- event: one step of Progress, as one line of JSON ---

// Progress that becomes events.
[[nodiscard]] Progress progress_into(const std::function<void(const std::string& event)>& take);
// An event on the progress of whoever reads it, with nothing in it that could drive a terminal.
void tell(const Progress& progress, std::string_view event);

// --- result: how it ended, one line of JSON ---

// A line that a command says in the end.
struct Saying {
    bool is_result = false; // for stdout; else a note
    std::string text;
};

// How a deploy went, as `shipit deploy` would tell it.
struct Result {
    int status = 0;
    std::vector<Saying> said; // in order
    Json json;                // instead, with --json
    std::optional<Error> error;

    [[nodiscard]] static Result of(const Error& error);
    [[nodiscard]] std::string text() const;
    [[nodiscard]] static Result parse(std::string_view text); // throws Error
};

} // namespace shipit::push
