#include "core/release/events.hpp"

#include "core/base/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::release {

namespace {

constexpr std::size_t longest_detail = 8 << 10; // 48 KiB, if all of it takes escapes

char byte_before(const sys::Path& file, std::uint64_t offset) {
    const sys::Fd fd = sys::open_file(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    char byte = 0;
    if (::pread(fd.get(), &byte, 1, static_cast<off_t>(offset - 1)) < 0)
        throw_errno("cannot read '" + printable(file.string()) + "'");
    return byte;
}

bool ends_in_torn_line(const sys::Path& file) {
    struct stat status {};
    return ::lstat(file.c_str(), &status) == 0 && status.st_size > 0 &&
           byte_before(file, static_cast<std::uint64_t>(status.st_size)) != '\n';
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
    add("detail", event.detail.size() <= longest_detail
                      ? event.detail
                      : std::string(beginning_of(event.detail, longest_detail)) + "…");
    return json;
}

std::optional<Event> parse_event(std::string_view line) {
    constexpr std::size_t longest_line = 64 << 10; // ours are shorter; any other is junk
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

void append_events(const sys::Path& file, std::span<const Event> events) {
    if (events.empty())
        return;
    std::string lines;
    for (const Event& event : events)
        lines += json_of(event).dump() + "\n";
    constexpr mode_t mode = 0640;
    if (ends_in_torn_line(file)) {
        sys::append_durably(file, "\n" + lines, mode);
        return;
    }
    const std::uint64_t begin = sys::append_durably(file, lines, mode);
    if (begin > 0 && byte_before(file, begin) != '\n') // torn since we looked
        sys::append_durably(file, "\n" + lines, mode);
}

void append_event(const sys::Path& file, const Event& event) {
    append_events(file, std::span(&event, 1));
}

} // namespace shipit::release
