#include "core/deploy/service.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/release/layout.hpp"
#include "core/sys/capture.hpp"
#include "core/sys/clock.hpp"

#include <cstdlib>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr const char* systemctl = "/usr/bin/systemctl";
constexpr std::chrono::seconds look_patience(10);
constexpr std::chrono::minutes start_patience(10); // as the unit has it
constexpr std::size_t longest_answer = 4096;

// Whose services: the host's for root, else the user's own.
struct Manager {
    std::vector<std::string> words;       // of systemctl
    std::vector<std::string> environment; // likewise
};

std::string unit_of(const App& app) {
    return fmt::format("shipit@{}.service", app.name().text());
}

// sd_booted(3).
std::optional<Manager> host_manager(const App& app) {
    if (app.host.root != release::system_root || !sys::is_there("/run/systemd/system"))
        return std::nullopt;
    return Manager{{}, {}};
}

// Without lingering, all of them end with the user's last session; a supervisor that we start by
// ourselves goes on.
std::optional<Manager> user_manager(const App& app) {
    const sys::Account self = sys::own_account();
    const char* given = std::getenv("XDG_RUNTIME_DIR"); // NOLINT(concurrency-mt-unsafe)
    const std::string runtime =
        given != nullptr && *given == '/' ? given : fmt::format("/run/user/{}", self.uid);
    if (app.host.root != sys::Path(self.home) / ".local/share/shipit" || !sys::lingers(self) ||
        !sys::is_there(sys::Path(runtime) / "systemd/private"))
        return std::nullopt;
    return Manager{{"--user"}, {"XDG_RUNTIME_DIR=" + runtime}};
}

std::optional<std::string> ask(const Manager& manager, const std::vector<std::string>& words,
                               std::chrono::milliseconds patience) {
    sys::Question question{systemctl, manager.words, manager.environment, {}};
    question.arguments.insert(question.arguments.end(), words.begin(), words.end());
    question.environment.insert(question.environment.end(),
                                {"LC_ALL=C", "PATH=/usr/bin:/bin", "SYSTEMD_PAGER="});
    return sys::answer_to(question, sys::Deadline(patience), longest_answer);
}

bool has_unit(const Manager& manager, const std::string& unit) {
    const auto state =
        ask(manager, {"show", "--property=LoadState", "--value", unit}, look_patience);
    return state && (trimmed(*state) == "loaded" || trimmed(*state) == "masked");
}

} // namespace

bool start_as_service(const App& app) {
    const auto manager = ::geteuid() == 0 ? host_manager(app) : user_manager(app);
    const std::string unit = unit_of(app);
    if (!manager || !has_unit(*manager, unit))
        return false;
    // One that had been started too often may be started again.
    (void)ask(*manager, {"reset-failed", unit}, look_patience);
    if (ask(*manager, {"start", unit}, start_patience))
        return true;
    throw Error(fmt::format("systemd does not start '{}'", unit))
        .advise(fmt::format("see why: systemctl {}status {}",
                            manager->words.empty() ? "" : "--user ", unit));
}

} // namespace shipit::deploy
