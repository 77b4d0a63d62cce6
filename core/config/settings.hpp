// The settings of an app: what its build says (shipit.toml, or a Procfile for the processes) and
// what this host says (app.toml, same keys, wins key by key), as plain structs. See shipit.toml(5).
//
// Texts in, structs out: nothing here opens a file, so that callers decide how far a build's files
// are trusted (they come from whoever deploys).
#pragma once

#include "core/base/ids.hpp"
#include "core/base/retention.hpp"
#include "core/base/spec.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace shipit::config {

struct AppSettings {
    std::string user;                  // empty: whoever runs the supervisor
    std::optional<std::uint16_t> port; // nothing: the host chooses one for PORT
    std::vector<std::uint16_t> ports;  // others that it may listen on
    bool listen_fds = false;           // processes of type web are started with their sockets
    std::string listen;                // where: an address of the host, or "unix:run/NAME.sock"
    bool hands_over = true;            // false: a release stops before the next one starts
    std::vector<std::string> shared;   // relative, clean paths, linked into every tree
    std::string reload;                // runs after the switch; for apps of files only
    // Whether the build, not the host, said so: what a build asks for gets no more rights than the
    // build's processes have (a `user` of its choice may be an alias of root).
    bool user_is_builds = false;
    bool reload_is_builds = false;

    // Of a Unix socket that it listens on: the path below the app's folder. Empty: there is none.
    [[nodiscard]] std::string socket() const;

    bool operator==(const AppSettings&) const = default;
};

// What makes a build of what was pushed by git; empty command: it is one already.
struct BuildCommand {
    std::string command;
    milliseconds timeout = std::chrono::minutes(30);
    bool is_builds = false; // the build, not the host, asked for it

    bool operator==(const BuildCommand&) const = default;
};

// Programs that are told what became of a release; empty: none.
struct Hooks {
    std::string deployed, failed, rolled_back, crashed;
    std::chrono::milliseconds timeout = std::chrono::seconds(30);
    std::set<std::string> builds; // those that the build, not the host, asked for

    bool operator==(const Hooks&) const = default;
};

// How big an archive that is deployed may be; nothing where the room `slug` decides. The host's
// alone: they count before the build is unpacked.
struct ArchiveLimits {
    std::optional<std::uint64_t> max_entries;
    std::optional<std::uint64_t> max_bytes;
    std::optional<std::uint64_t> max_depth;
    std::optional<std::uint64_t> max_path;
    std::optional<std::uint64_t> max_name;
    std::optional<std::uint64_t> max_expansion;
    bool outside_links = false; // symlinks may be absolute or lead out of the build

    bool operator==(const ArchiveLimits&) const = default;
};

struct Settings {
    std::optional<AppName> name; // of the build; chooses the app where nothing else does
    ReleaseSpec spec;
    AppSettings app;
    BuildCommand build;
    Hooks hooks;
    Retention retention;
    int slug_level = 3; // zstd's
    ArchiveLimits archive_limits;
    std::vector<std::string> required_vars; // config vars without which nothing is deployed
    bool is_irreversible = false; // what the build does to the app's data cannot be undone
    // What is odd but harmless, in words for people.
    std::vector<std::string> warnings;

    bool operator==(const Settings&) const = default;
};

// The texts that settings come from; nothing where there is no such file.
struct Sources {
    std::optional<std::string> build_toml;       // shipit.toml
    std::optional<std::string> procfile;         // counts if shipit.toml has no [processes]
    std::optional<std::string> host_toml;        // app.toml
    std::string build_toml_name = "shipit.toml"; // how errors call them
    std::string procfile_name = "Procfile";
    std::string host_toml_name = "app.toml";
};

// Throws Error (usage) that names file, line, column and the key that was probably meant.
//
// Of health.path and health.command the host's choice displaces the build's. A process type that
// only the host mentions and that has no command is left out, with a warning: the build may have
// dropped the type. A build may ask neither for root nor for a port below 1024; the host may.
[[nodiscard]] Settings load(const Sources& sources);

// The config vars that the settings require and `vars` lacks, in the settings' order.
[[nodiscard]] std::vector<std::string> missing_vars(const Settings& settings,
                                                    const ConfigVars& vars);

} // namespace shipit::config
