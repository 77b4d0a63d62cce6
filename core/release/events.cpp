#include "core/release/events.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::release {

namespace {

constexpr std::size_t longest_line = 64 << 10; // ours are short; a longer one is junk

std::uint64_t size_of(const sys::Fd& fd, const sys::Path& file) {
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0)
        throw_errno("cannot read '" + printable(file.string()) + "'");
    return static_cast<std::uint64_t>(status.st_size);
}

// `size` bytes at `offset`; fewer if the file ends before.
std::string read_at(const sys::Fd& fd, std::uint64_t offset, std::size_t size,
                    const sys::Path& file) {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t count =
            ::pread(fd.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw_errno("cannot read '" + printable(file.string()) + "'");
        if (count == 0)
            break;
        done += static_cast<std::size_t>(count);
    }
    bytes.resize(done);
    return bytes;
}

bool ends_in_torn_line(const sys::Path& file) {
    if (!sys::is_there(file))
        return false;
    const sys::Fd fd = sys::open_file(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    const auto size = size_of(fd, file);
    return size > 0 && read_at(fd, size - 1, 1, file) != "\n";
}

std::optional<Event> parse_event(std::string_view line) {
    if (line.empty() || line.size() > longest_line)
        return std::nullopt;
    Json json;
    try {
        json = Json::parse(line);
    } catch (const Error&) {
        return std::nullopt;
    }
    const auto at = parse_time(json["at"].text());
    if (!at || json["event"].text().empty())
        return std::nullopt;
    Event event{.event = json["event"].text(), .app = json["app"].text()};
    event.release = ReleaseNumber::parse(json["release"].text());
    event.user = json["user"].text();
    event.address = json["address"].text();
    event.at = *at;
    event.result = json["result"].text();
    event.detail = json["detail"].text();
    return event;
}

// The end of the file, from a line's beginning on, with at least `lines` newlines if it has as
// many.
std::string last_lines(const sys::Path& file, std::size_t lines) {
    const sys::Fd fd = sys::open_file(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    const std::uint64_t size = size_of(fd, file);
    constexpr std::uint64_t block = 64 << 10;
    std::string tail;
    std::size_t newlines = 0;
    std::uint64_t begin = size;
    while (begin > 0 && newlines <= lines) { // one more: where the first line begins
        const std::uint64_t step = std::min(begin, std::max<std::uint64_t>(block, tail.size()));
        begin -= step;
        tail.insert(0, read_at(fd, begin, step, file));
        newlines = static_cast<std::size_t>(std::count(tail.begin(), tail.end(), '\n'));
    }
    return begin == 0 ? tail : tail.substr(tail.find('\n') + 1);
}

} // namespace

Json json_of(const Event& event) {
    Json json = Json::object({{"at", time_text(event.at)}, {"event", event.event}});
    const auto add = [&](const char* key, const std::string& value) {
        if (!value.empty())
            json.set(key, value);
    };
    add("app", event.app);
    add("release", event.release ? event.release->text() : "");
    add("user", event.user);
    add("address", event.address);
    add("result", event.result);
    add("detail", event.detail);
    return json;
}

void append_events(const sys::Path& file, std::span<const Event> events) {
    if (events.empty())
        return;
    std::string record = ends_in_torn_line(file) ? "\n" : "";
    for (const Event& event : events)
        record += json_of(event).dump() + "\n";
    constexpr mode_t mode = 0640;
    sys::append_durably(file, record, mode);
}

void append_event(const sys::Path& file, const Event& event) {
    append_events(file, std::span(&event, 1));
}

std::vector<Event> read_events(const sys::Path& file, std::size_t limit) {
    std::vector<Event> events;
    if (!sys::is_there(file) || limit == 0)
        return events;
    const std::string tail = last_lines(file, limit);
    for (const std::string_view line : split(tail, '\n'))
        if (auto event = parse_event(line))
            events.push_back(*std::move(event));
    if (events.size() > limit)
        events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(limit));
    return events;
}

} // namespace shipit::release
