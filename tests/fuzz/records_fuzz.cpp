// Any bytes as what shipit has written down: damaged files must not stop it, and what it reads, it
// must write so that it is read again.
//
// The input's first byte chooses what the rest is:
//   M  a manifest;
//   E  the number of events that are wanted, a byte, and an events.jsonl;
//   J  JSON;
//   C  the evidence of a release;
//   K  a mark;
//   S  a stat cache;
//   T  a tree's stamp.
#include "core/base/error.hpp"
#include "core/release/conduct.hpp"
#include "core/release/events.hpp"
#include "core/release/manifest.hpp"
#include "core/release/marks.hpp"
#include "core/slug/stat_cache.hpp"
#include "core/slug/tree_stamp.hpp"
#include "tests/fuzz/folder.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

using namespace shipit;
using namespace shipit::release;
using fuzz::require;

namespace {

const ReleaseNumber number(7);

void read_manifest(std::string_view text) {
    const auto glance = glance_at(text, number);
    const auto manifest = parse_manifest(text, number, "v7.toml");
    require(!glance || (glance->status == manifest.status &&
                        glance->why_failed == manifest.evidence.why_failed &&
                        glance->rollback_of == manifest.rollback_of),
            "a glance shows something else than the manifest says");
    const auto again = written(manifest);
    require(parse_manifest(again, number, "v7.toml") == manifest,
            "what is written is read as something else");
    const bool is_over = manifest.status == Status::failed || manifest.status == Status::expired;
    require(is_over || !glance_at(again, number), "a glance shows what may still change");
}

void read_event_file(std::size_t limit, std::string_view text) {
    const auto file = fuzz::folder() / "events.jsonl";
    sys::replace(file, text, 0640);
    std::vector<Event> all;
    const auto end = text.rfind('\n');
    if (end != std::string_view::npos) // half a line is none
        for (const auto line : split(text.substr(0, end), '\n'))
            if (const auto event = parse_event(line))
                all.push_back(*event);
    auto expected = all;
    expected.erase(expected.begin(),
                   expected.end() - static_cast<std::ptrdiff_t>(std::min(limit, all.size())));
    require(read_events(file, limit) == expected, "other events than the newest are read");
    Event event{.event = "deploy", .app = "blog"};
    if (!all.empty())
        event = all.back();
    append_event(file, event);
    const auto last = read_events(file, 1);
    require(last.size() == 1, "an event is not read back");
    require(json_of(last[0]).dump() == json_of(event).dump(), "an event is read as another one");
}

void read_json(std::string_view text) {
    const auto dumped = Json::parse(text).dump();
    require(Json::parse(dumped).dump() == dumped, "JSON is read as something else");
}

void read_evidence(std::string_view text) {
    const auto file = fuzz::folder() / "v7.evidence";
    sys::replace(file, text, 0600);
    const auto conduct = read_conduct(file);
    write_conduct(file, conduct);
    require(read_conduct(file) == conduct, "what is written is read as something else");
}

void read_mark(std::string_view text) {
    const Marks marks(Layout{fuzz::folder(), AppName::parse("blog")});
    marks.set(MarkKind::pin, number, {"somebody"});
    sys::replace(fuzz::folder() / "blog/marks/pin/v7", text, 0640);
    const auto mark = marks.get(MarkKind::pin, number);
    require(mark.has_value() && marks.has(MarkKind::pin, number), "a damaged mark does not count");
    marks.set(MarkKind::pin, number, *mark);
    require(marks.get(MarkKind::pin, number) == mark, "what is written is read as something else");
}

void read_stat_cache(std::string_view text) {
    const auto file = fuzz::folder() / "stat-cache";
    constexpr slug::StatCache::Time now{std::int64_t{1} << 62};
    sys::replace(file, text, 0600);
    auto cache = slug::StatCache::load(file, now);
    (void)cache.find({});
    const auto size = cache.size();
    cache.save(file, now);
    require(slug::StatCache::load(file, now).size() == size, "a cache is read as another one");
}

void read_tree_stamp(std::string_view text) {
    const auto id = *SlugId::parse("0123456789abcdef0123456789abcdef");
    sys::replace(slug::stamp_path(fuzz::folder(), id), text, 0600);
    const auto stamp = slug::read_stamp(fuzz::folder(), id);
    if (!stamp)
        return;
    slug::write_stamp(fuzz::folder(), id, *stamp);
    require(slug::read_stamp(fuzz::folder(), id) == stamp, "a stamp is read as another one");
}

} // namespace

void fuzz::run(char kind, std::string_view rest) {
    switch (kind) {
    case 'M':
        return read_manifest(rest);
    case 'E':
        if (rest.empty())
            return;
        return read_event_file(static_cast<unsigned char>(rest.front()), rest.substr(1));
    case 'J':
        return read_json(rest);
    case 'C':
        return read_evidence(rest);
    case 'K':
        return read_mark(rest);
    case 'S':
        return read_stat_cache(rest);
    case 'T':
        return read_tree_stamp(rest);
    default:
        return;
    }
}
