// What `doctor` is made of: one function for each thing that is looked at. doctor.cpp has the
// tables of them; a check gives no finding where there is nothing to look at.
#pragma once

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/deploy/doctor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::deploy {

// Findings whose `about` is filled in from the table.
[[nodiscard]] Finding ok(std::string what);
[[nodiscard]] Finding note(std::string what, std::string next = {});
[[nodiscard]] Finding problem(std::string what, std::string next = {});
[[nodiscard]] Finding problem_of(const Error& error);

// --- The host: doctor_host.cpp, doctor_root.cpp, doctor_services.cpp ---

[[nodiscard]] Findings check_user(const Host& host);
[[nodiscard]] Findings check_handover(const Host& host);
[[nodiscard]] Findings check_cgroups(const Host& host);
[[nodiscard]] Findings check_root(const Host& host);
[[nodiscard]] Findings check_file_system(const Host& host);
[[nodiscard]] Findings check_names(const Host& host);
[[nodiscard]] Findings check_disk(const Host& host);
[[nodiscard]] Findings check_clock(const Host& host);
[[nodiscard]] Findings check_start(const Host& host);
[[nodiscard]] Findings check_sshd(const Host& host);

// From this port on, whoever we are may listen.
[[nodiscard]] unsigned lowest_port();

// What a release will take on the disk if it is like one that is there.
struct Need {
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
    std::string whose = {}; // "v3 of 'blog'"; empty: there is none yet
};
[[nodiscard]] Finding judge_disk(const sys::DiskSpace& space, const Need& need);

// A time at which something was done on this host, which cannot be later than now.
struct Past {
    WallTime time;
    std::string what; // "v3 of 'blog' was made"
};
[[nodiscard]] Finding judge_clock(WallTime now, const std::optional<Past>& latest);

// Of what `sshd -T` tells (sshd(8)).
[[nodiscard]] Findings judge_sshd(std::string_view effective);

// --- An app: doctor_app.cpp, doctor_files.cpp, doctor_processes.cpp ---

// What is asked once for all checks of an app.
struct Examined {
    explicit Examined(const App& examined);

    const App& app;
    std::string command; // "shipit -a blog"

    std::optional<release::Manifest> live; // nothing: none is live, or why_no_live
    std::optional<Error> why_no_live;
    std::optional<config::Settings> settings; // of the live release, else this host's alone
    std::optional<Error> why_no_settings;

    bool is_supervised = false; // and it answers
    std::optional<Error> why_silent;
    bool is_outdated = false; // the supervisor's program
    Json status;              // its answer; null: none
    // Of an earlier supervisor, killed; empty where there is one.
    std::vector<pid_t> left_processes;

    // All that is known to be the app's, with the supervisor.
    [[nodiscard]] std::vector<pid_t> processes() const;
    // Whether the live release has something to run, of which this host may want none.
    [[nodiscard]] bool has_processes() const;
    [[nodiscard]] bool is_scaled_to_none() const;
    [[nodiscard]] bool has_process_type(std::string_view name) const;
};

[[nodiscard]] Findings check_settings(const Examined& app);
[[nodiscard]] Findings check_health(const Examined& app);
[[nodiscard]] Findings check_app_user(const Examined& app);
[[nodiscard]] Findings check_ports(const Examined& app);
[[nodiscard]] Findings check_config_vars(const Examined& app);
[[nodiscard]] Findings check_app_handover(const Examined& app);
[[nodiscard]] Findings check_hold(const Examined& app);
[[nodiscard]] Findings check_changed_files(const Examined& app);
[[nodiscard]] Findings check_release(const Examined& app);
[[nodiscard]] Findings check_records(const Examined& app);
[[nodiscard]] Findings check_lock(const Examined& app);
[[nodiscard]] Findings check_supervisor(const Examined& app);
[[nodiscard]] Findings check_processes(const Examined& app);

} // namespace shipit::deploy
