#include "core/deploy/port.hpp"

#include "core/base/error.hpp"
#include "core/config/host_settings.hpp"
#include "core/supervise/port.hpp"
#include "core/sys/clock.hpp"

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr std::uint16_t first_port = 8000;
constexpr std::uint16_t last_port = 8999;

// Two apps that are deployed for the first time at once, each under its own lock, would find the
// same port free: whoever chooses has written it down before the next one looks.
std::optional<sys::Lock> lock_of_choice(const App& app) {
    constexpr std::chrono::seconds patience(30); // it is held for as long as it takes to look
    const sys::LockHolder self{app.host.origin.text(), "choosing a port", sys::now(), ::getpid()};
    const auto tell = [&app](const sys::LockHolder& other) {
        app.host.progress.begin_phase("waiting for " + other.text(sys::now()));
    };
    try {
        return std::optional<sys::Lock>(std::in_place, release::port_lock(app.host.root), self,
                                        patience, tell);
    } catch (const Error& error) {
        if (error.outcome() == Outcome::locked)
            throw;
        return std::nullopt; // another user's: it takes two at one moment to miss it
    }
}

} // namespace

std::map<std::uint16_t, AppName> ports_of_others(const App& app) {
    std::map<std::uint16_t, AppName> ports;
    for (const AppName& name : app_names(app.host)) {
        if (name == app.name())
            continue;
        try {
            const auto settings = App::open(app.host, name).host_settings();
            if (settings.app.port)
                ports.emplace(*settings.app.port, name);
            for (const std::uint16_t port : settings.app.ports)
                ports.emplace(port, name);
        } catch (const Error&) {
            // An app whose settings are wrong cannot listen either, and that of another user is
            // found when it does.
        }
    }
    return ports;
}

std::uint16_t choose_port(const App& app) {
    const auto lock = lock_of_choice(app);
    const auto taken = ports_of_others(app);
    for (std::uint16_t port = first_port; port <= last_port; ++port) {
        if (taken.contains(port) || supervise::holder_of(port))
            continue;
        (void)config::set_keys(app.layout.app_toml(), {fmt::format("app.port={}", port)});
        app.host.progress.begin_phase(fmt::format(
            "port {} chosen (change it: shipit -a {} set app.port=N)", port, app.name().text()));
        return port;
    }
    throw Error(fmt::format("no port from {} to {} is free", first_port, last_port))
        .advise("choose one: shipit set app.port=N");
}

} // namespace shipit::deploy
