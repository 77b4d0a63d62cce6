#include "core/deploy/timeline.hpp"

#include "core/base/error.hpp"
#include "core/release/conduct.hpp"
#include "core/release/events.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace shipit::deploy {

namespace {

constexpr std::size_t most_events = 200;    // that are looked through
constexpr std::uint64_t most_releases = 20; // whose processes are

// Of what is done to an app, that which changes what runs. (That a release is good is told with
// it.)
constexpr std::array told = {"deploy",   "activate",     "rollback",  "config", "restart",
                             "scale",    "start",        "stop",      "bless",  "crashed",
                             "mark-bad", "watch_failed", "trial_over"};

bool is_told(const release::Event& event) {
    return std::find(told.begin(), told.end(), std::string_view(event.event)) != told.end();
}

Moment moment_of(const release::Event& event) {
    return {event.at,   event.event,  event.release,
            event.user, event.detail, event.result != name_of(Outcome::done)};
}

// In the order in which they were written.
std::vector<Moment> ends_of(const App& app, ReleaseNumber number) {
    const auto conduct = release::read_conduct(app.layout.evidence(number));
    std::vector<Moment> moments;
    for (const auto& exit : conduct.newest_exits)
        moments.push_back({exit.at, "crash", number, "", exit.process + " " + exit.how, true});
    // Of those before the oldest that is kept it is known how many there were.
    if (conduct.exits > moments.size() && !moments.empty())
        moments.front().times += static_cast<unsigned>(conduct.exits - moments.size());
    return moments;
}

// `when` is what it is sorted by.
struct Placed {
    WallTime when;
    Moment moment;
};

// Adds what was written one after the other. A clock that was ahead, and was set back since, puts
// nothing after what came later.
void place(std::vector<Moment> written, std::vector<Placed>& all) {
    WallTime next = WallTime::max();
    for (auto moment = written.rbegin(); moment != written.rend(); ++moment) {
        next = std::min(next, moment->at);
        all.push_back({next, std::move(*moment)});
    }
}

std::string_view process_of(const Moment& crash) {
    return split(crash.detail, ' ').front();
}

bool is_another_of(const Moment& moment, const Moment& newer) {
    return moment.what == "crash" && newer.what == "crash" && moment.release == newer.release &&
           process_of(moment) == process_of(newer);
}

} // namespace

Json Moment::json() const {
    Json json = Json::object({{"at", time_text(at)},
                              {"what", what},
                              {"release", release ? Json(release->text()) : Json()},
                              {"detail", detail},
                              {"bad", is_bad},
                              {"times", times}});
    if (!user.empty())
        json.set("user", user);
    return json;
}

std::vector<Moment> latest_moments(const App& app, const std::optional<ReleaseNumber>& live,
                                   std::size_t limit) {
    std::vector<Moment> moments;
    for (const auto& event : release::read_events(app.layout.events(), most_events))
        if (is_told(event))
            moments.push_back(moment_of(event));
    // The newest by what was recorded of it, or the live one: the folder may have ten thousand
    // names.
    std::uint64_t newest_number = live ? live->value() : 0;
    for (const Moment& moment : moments)
        if (moment.release)
            newest_number = std::max(newest_number, moment.release->value());
    std::vector<Placed> all; // of each kind the newest first
    for (std::uint64_t n = newest_number; n > 0 && newest_number - n < most_releases; --n)
        place(ends_of(app, ReleaseNumber(n)), all);
    place(std::move(moments), all);
    std::stable_sort(all.begin(), all.end(),
                     [](const Placed& a, const Placed& b) { return a.when > b.when; });
    std::vector<Moment> newest;
    for (auto& [when, moment] : all)
        if (!newest.empty() && is_another_of(moment, newest.back()))
            newest.back().times += moment.times;
        else if (newest.size() < limit)
            newest.push_back(std::move(moment));
        else
            break;
    return newest;
}

} // namespace shipit::deploy
