// events.jsonl: who did what, when, from where, with what result. Append-only; one JSON object a
// line, keys as in the struct, empty ones left out. Readers see whole lines only.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/sys/file.hpp"
#include "core/sys/folder_watch.hpp"
#include "core/sys/growing_file.hpp"

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

// Appends the events with one write(2), then fsyncs: on disk on return. A last line that was torn,
// by a lost power, a kill or a full disk, is closed with a newline first, and stays as the junk it
// is. Takes no lock: the supervisor, too, writes here.
void append_events(const sys::Path& file, std::span<const Event> events);
void append_event(const sys::Path& file, const Event& event);

// A very long detail is cut.
[[nodiscard]] Json json_of(const Event& event);
// Nothing for a line that is no event.
[[nodiscard]] std::optional<Event> parse_event(std::string_view line);

class EventReader {
  public:
    explicit EventReader(sys::Path file) : m_path(std::move(file)) {}

    // The newest `limit` events, oldest first; none if there is no file. Lines that are no event
    // are passed over, and half a line at the end is left for more().
    [[nodiscard]] std::vector<Event> last(std::size_t limit);

    // What was written since, also to a file that has taken the place of this one; waits for it.
    // Nothing once the file's folder is gone, or nobody reads any more what is written to the
    // descriptor `output`.
    [[nodiscard]] std::vector<Event> more(int output);

  private:
    [[nodiscard]] std::vector<Event> new_events();
    [[nodiscard]] bool watch(); // false: the folder is gone

    sys::Path m_path;
    std::optional<sys::GrowingFile> m_file;
    std::optional<sys::FolderWatch> m_watch;
};

// EventReader::last(), once.
[[nodiscard]] std::vector<Event>
read_events(const sys::Path& file, std::size_t limit = std::numeric_limits<std::size_t>::max());

} // namespace shipit::release
