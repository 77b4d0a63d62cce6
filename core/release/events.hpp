// events.jsonl: who did what, when, from where, with what result. Append-only; one JSON object a
// line, keys as in the struct, empty ones left out. Readers see whole lines only.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/sys/file.hpp"

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace shipit::release {

struct Event {
    std::string event; // "deploy", "rollback", "config", "prune", …
    std::string app;
    std::optional<ReleaseNumber> release = {};
    std::string user = {};
    std::string address = {};
    WallTime at = {};
    std::string result = {}; // name_of(Outcome), or "started"
    std::string detail = {}; // in words for people; never a config var's value

    bool operator==(const Event&) const = default;
};

// Appends the events with one write(2), then fsyncs: on disk on return. A last line that a lost
// power has torn is closed with a newline first, and stays as the junk it is.
void append_events(const sys::Path& file, std::span<const Event> events);
void append_event(const sys::Path& file, const Event& event);

// The newest `limit` events, oldest first; none if there is no file. Lines that are no event are
// passed over. Reads no more of the file than it takes.
[[nodiscard]] std::vector<Event>
read_events(const sys::Path& file, std::size_t limit = std::numeric_limits<std::size_t>::max());

[[nodiscard]] Json json_of(const Event& event);

} // namespace shipit::release
