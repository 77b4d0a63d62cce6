// What the host tells while it deploys: events and the result.
#include "core/base/text.hpp"
#include "core/push/messages.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>

#include <fmt/core.h>

namespace shipit::push {

namespace {

using Clock = std::chrono::steady_clock;

// Escaped, it fits into a message whatever it is.
constexpr std::size_t longest_piece = 8 << 10;
constexpr std::chrono::milliseconds interval(200);

// How far a phase is, told from any thread and as often as it likes, becomes a few events.
class Pace {
  public:
    bool is_time() {
        const std::lock_guard guard(m_mutex);
        const auto now = Clock::now();
        if (now - m_last < interval)
            return false;
        m_last = now;
        return true;
    }

  private:
    std::mutex m_mutex;
    Clock::time_point m_last = Clock::now();
};

Json json_of(const Error& error) {
    Json attempts = Json::array();
    for (const auto& attempt : error.attempts())
        attempts.push_back(attempt);
    return Json::object({{"why", error.why()},
                         {"attempts", attempts},
                         {"next", error.next()},
                         {"outcome", static_cast<int>(error.outcome())}});
}

// Only what a host can mean: whatever it says, it is not our bug and not our usage.
Outcome outcome_in(const Json& json) {
    for (const auto outcome :
         {Outcome::usage, Outcome::release_failed, Outcome::rolled_back, Outcome::locked,
          Outcome::held, Outcome::corrupt, Outcome::down, Outcome::bug})
        if (json.integer() == static_cast<int>(outcome))
            return outcome;
    return Outcome::failed;
}

Error error_in(const Json& json) {
    Error error(printable(json["why"].text("it does not say why")), outcome_in(json["outcome"]));
    for (const auto& attempt : json["attempts"].items())
        error.add_attempt(printable(attempt.text()));
    if (const auto next = json["next"].text(); !next.empty())
        error.advise(printable(next));
    return error;
}

} // namespace

Progress progress_into(const std::function<void(const std::string& event)>& take) {
    const auto in_pieces = [take](const char* key) {
        return [take, key](const std::string& text) {
            std::string_view rest = text;
            do {
                const auto piece = rest.substr(0, longest_piece);
                take(Json::object({{key, piece}}).dump());
                rest.remove_prefix(piece.size());
            } while (!rest.empty());
        };
    };
    Progress progress;
    progress.begin = in_pieces("phase");
    progress.output = in_pieces("output");
    progress.warn = in_pieces("warning");
    progress.advance = [take, pace = std::make_shared<Pace>()](std::uint64_t done,
                                                               std::uint64_t total) {
        if (pace->is_time())
            take(Json::object({{"done", done}, {"total", total}}).dump());
    };
    return progress;
}

void tell(const Progress& progress, std::string_view event) {
    const Json json = Json::parse(event);
    const auto amount = [&json](const char* key) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(json[key].integer(), 0));
    };
    if (!json["phase"].is_null())
        progress.begin_phase(printable(json["phase"].text()));
    if (!json["output"].is_null())
        progress.show(printable_lines(json["output"].text()));
    if (!json["warning"].is_null())
        progress.warn_of(printable(json["warning"].text()));
    if (!json["done"].is_null())
        progress.advance_to(amount("done"), amount("total"));
}

Result Result::of(const Error& error) {
    Result result;
    result.status = static_cast<int>(error.outcome());
    result.error = error;
    return result;
}

std::string Result::text() const {
    Json sayings = Json::array();
    for (const auto& saying : said)
        sayings.push_back(Json::object({{saying.is_result ? "result" : "note", saying.text}}));
    Json whole = Json::object({{"status", status}, {"said", sayings}, {"json", json}});
    if (error)
        whole.set("error", json_of(*error));
    return whole.dump();
}

Result Result::parse(std::string_view text) {
    const Json whole = Json::parse(text);
    Result result;
    for (const auto& saying : whole["said"].items()) {
        const bool is_result = !saying["result"].is_null();
        result.said.push_back({is_result, printable(saying[is_result ? "result" : "note"].text())});
    }
    constexpr std::int64_t highest_status = 255;
    const auto status = whole["status"].integer(-1);
    result.status = status < 0 || status > highest_status ? static_cast<int>(Outcome::failed)
                                                          : static_cast<int>(status);
    result.json = whole["json"];
    if (whole["error"].is_object())
        result.error = error_in(whole["error"]);
    else if (result.status != 0)
        result.error = Error(fmt::format("the host ended with status {}", result.status));
    return result;
}

} // namespace shipit::push
