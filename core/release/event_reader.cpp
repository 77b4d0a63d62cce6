// EventReader; the other half of events.hpp.
#include "core/base/error.hpp"
#include "core/release/events.hpp"

#include <algorithm>

namespace shipit::release {

namespace {

std::vector<Event> events_in(std::string_view lines) {
    std::vector<Event> events;
    for (const std::string_view line : split(lines, '\n'))
        if (auto event = parse_event(line))
            events.push_back(*std::move(event));
    return events;
}

} // namespace

std::vector<Event> EventReader::last(std::size_t limit) {
    m_file = sys::GrowingFile::open(m_path);
    if (!m_file)
        return {};
    std::vector<Event> events;
    for (std::size_t lines = limit;; lines *= 4) { // more of them, where some are no events
        const std::string tail = m_file->last_lines(lines);
        events = events_in(tail);
        const auto found = static_cast<std::size_t>(std::count(tail.begin(), tail.end(), '\n'));
        if (events.size() >= limit || found < lines) // there are no more
            break;
    }
    if (events.size() > limit)
        events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(limit));
    return events;
}

std::vector<Event> EventReader::new_events() {
    std::vector<Event> events;
    const auto take = [&events](std::string_view line) {
        if (auto event = parse_event(line))
            events.push_back(*std::move(event));
    };
    if (m_file)
        m_file->read_lines(take);
    auto newest = sys::GrowingFile::open(m_path);
    if (!newest || (m_file && m_file->is_same_as(*newest)))
        return events;
    if (m_file)
        m_file->read_lines(take); // what came between our reading and its replacement
    m_file = std::move(newest);
    m_file->read_lines(take);
    return events;
}

bool EventReader::watch() {
    try {
        m_watch.emplace(m_path.parent_path());
        return true;
    } catch (const Error&) {
        if (sys::is_there(m_path.parent_path()))
            throw;
        return false;
    }
}

std::vector<Event> EventReader::more(int output) {
    if (!m_watch && !watch())
        return new_events();
    for (;;) {
        const bool is_last_look = m_watch->is_gone();
        auto events = new_events();
        if (!events.empty() || is_last_look)
            return events;
        if (!m_watch->wait(std::nullopt, output))
            return {};
    }
}

std::vector<Event> read_events(const sys::Path& file, std::size_t limit) {
    return EventReader(file).last(limit);
}

} // namespace shipit::release
