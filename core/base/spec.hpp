// What a release runs and how it proves itself: the plain structs that config reads from
// shipit.toml, that a manifest records, and that the supervisor is told to run. See shipit.toml(5).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace shipit {

using std::chrono::milliseconds;

// Names of environment variables to their values; any bytes but NUL in a value.
using ConfigVars = std::map<std::string, std::string>;

// `web`, `worker`, …: a command of a release.
struct ProcessType {
    std::string name;
    std::string command;
    milliseconds stop_timeout = std::chrono::seconds(30); // SIGTERM to SIGKILL
    std::string stop_signal = "TERM";
    unsigned count = 1; // how many processes of this type run; 0 for none
    // May run beside those of the release before; those of type web, which listen, do anyway.
    bool overlap = false;
    bool notify = false;      // it says by itself when it is ready: READY=1, sd_notify(3)
    milliseconds watchdog{0}; // silent for so long, it hangs: WATCHDOG=1; 0: it need not speak

    bool operator==(const ProcessType&) const = default;
};

// How a new release proves that it is well. With neither path nor command: listening on its port
// (if the app has one), and staying up for `settle`.
struct Health {
    std::string path;    // HTTP: 200 to 399 is healthy
    std::string command; // exit 0 is healthy
    milliseconds timeout = std::chrono::seconds(60);
    unsigned passes = 2; // consecutive
    milliseconds watch = std::chrono::seconds(10);
    // How long the generation before is kept warm; nothing: for the watch.
    std::optional<milliseconds> warm = std::nullopt;

    bool operator==(const Health&) const = default;
};

// The release command: runs in the new tree before the release starts; it failing fails the
// release.
struct ReleaseCommand {
    std::string command;
    milliseconds timeout = std::chrono::minutes(10);

    bool operator==(const ReleaseCommand&) const = default;
};

// All that a release takes from the settings.
struct ReleaseSpec {
    std::vector<ProcessType> processes; // by name
    ReleaseCommand release_command;     // empty command: none
    Health health;

    bool operator==(const ReleaseSpec&) const = default;
};

} // namespace shipit
