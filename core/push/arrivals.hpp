// What has arrived of pushes that are not over: ROOT/APP/push/
//
//   SLUG-KEY/N      piece N of the plan that KEY stands for, whole, as it came
//   SLUG-TOKEN.run  the deploy of a push: its events, and in the end its result; what is to be made
//                   of the slug is in the name, too (run.cpp)
//
// Pieces are of use only to a push of the same list against the same base: KEY is the hash of both
// and of what was needed. They go when SLUG is stored, by the next command if nobody else came to
// it, or after some days; so do runs.
#pragma once

#include "core/base/ids.hpp"
#include "core/push/messages.hpp"
#include "core/slug/store.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::push {

using sys::Path;

// Where an app's arrivals are, below its folder.
[[nodiscard]] inline Path arrivals_in(const Path& app_folder) {
    return app_folder / "push";
}

// Removes the pieces of what is stored, what is older than a week, all but the newest few, and what
// was half written; never what a push or a deploy is at work on. What cannot be removed stays.
void expire_arrivals(const Path& arrivals, const slug::Store& stored, WallTime now) noexcept;

[[nodiscard]] std::string name_of_pieces(const SlugId& slug, const std::string& key);

class Arrivals {
  public:
    // Makes the folder, and keeps expire_arrivals() away from it for as long as this lives. `name`
    // is name_of_pieces().
    Arrivals(const Path& arrivals, const std::string& name);

    // Which of `count` pieces are there.
    [[nodiscard]] Bits present(std::size_t count) const;
    // Takes the body of a piece's message: checks number and SHA-256, and keeps it under its name,
    // whole or not at all. Throws Error (corrupt).
    void take(std::string_view body, std::size_t count) const;
    // The patch of a piece that is there.
    [[nodiscard]] std::string patch(std::size_t index) const;
    // All of it goes, if no other push is at work on the same; this is of no use from then on.
    void remove() const;

  private:
    [[nodiscard]] Path path_of(std::size_t index) const;

    Path m_folder;
    sys::Fd m_lock;
};

// The body of a piece's message.
[[nodiscard]] std::string piece_message(std::size_t index, std::string_view patch);

} // namespace shipit::push
