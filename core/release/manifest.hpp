// A release's manifest, vN.toml: all that is known of a release, config vars included.
//
// Mode 0600, replaced durably and whole. What is read is not trusted: numbers, ids, hashes, states
// and sizes must be of their form, and the number must be that of the file's name. Keys that this
// version does not know are passed over, so that a newer shipit may add some; a newer `schema` is
// refused. Errors quote nothing of the file, since it holds secrets.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/spec.hpp"
#include "core/base/text.hpp"
#include "core/release/source.hpp"
#include "core/sys/file.hpp"
#include "core/sys/process.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::release {

enum class Status {
    pending,   // its deployer is at work
    succeeded, // went live, or is stored: nobody has taken it live yet
    failed,
    expired, // it had succeeded; its slug was pruned
};

[[nodiscard]] const char* name_of(Status status);
[[nodiscard]] std::optional<Status> parse_status(std::string_view text);

struct SlugFacts {
    SlugId id;
    std::uint64_t size = 0;     // of the archive
    std::uint64_t unpacked = 0; // of all files' contents
    std::uint64_t files = 0;
    std::string sha256; // of the archive, 64 lower-case hex digits

    bool operator==(const SlugFacts&) const = default;
};

// What became of the release.
struct Evidence {
    std::optional<WallTime> live_at;    // `current` pointed at it
    std::optional<WallTime> good_at;    // its watch passed, or a person blessed it
    std::optional<WallTime> ended_at;   // failed, or stopped being live
    std::optional<WallTime> expired_at; // pruned; also of failed releases, which stay `failed`
    std::string why_failed;             // in words for people
    std::uint64_t restarts = 0;
    std::string last_exit; // "exit 1", "signal 9", …
    std::optional<milliseconds> healthy_after;

    bool operator==(const Evidence&) const = default;
};

// The command that works on a release, and what it still has to do once the release is live: the
// next command does it if this one is killed in between.
struct Deployer {
    sys::ProcessName process;
    std::string boot; // sys::boot_id()
    // config.toml becomes this release's config vars (a config change, a rollback).
    bool sets_config = false;
    // A rollback: this release is marked bad, and its slug is held.
    std::optional<ReleaseNumber> leaves = {};
    // What was held goes live by force: its slug is held no more.
    bool lifts_hold = false;

    bool operator==(const Deployer&) const = default;
};

struct Manifest {
    ReleaseNumber number;
    AppName app;
    std::string description = {};
    WallTime created_at = {};
    std::string created_by = {};
    std::string client_address = {};
    Status status = Status::pending;
    std::optional<SlugFacts> slug = {}; // nothing before the first deploy: config only
    std::optional<Source> source = {};
    ReleaseSpec spec = {};
    ConfigVars config = {};
    std::optional<ReleaseNumber> rollback_of = {}; // the release that this one brought back
    std::optional<ReleaseNumber> config_of = {}; // whose config vars, and no more, it brought back
    bool is_undo = false;                        // took a rollback back
    std::optional<ReleaseNumber> activation_of = {}; // the release whose slug it took live
    std::optional<milliseconds> trial = {}; // goes back unless it is blessed so soon after live_at
    Evidence evidence = {};
    std::optional<Deployer> deployer = {}; // while pending, and until all is done after the switch

    // Recorded, with its slug, and never taken live: by `deploy --no-activate`, or an import.
    [[nodiscard]] bool is_stored() const {
        return status == Status::succeeded && !evidence.live_at;
    }
    // Its slug was pruned. One of the same id that is stored is of other releases, and may have
    // another SHA-256.
    [[nodiscard]] bool is_expired() const {
        return status == Status::expired || evidence.expired_at.has_value();
    }

    bool operator==(const Manifest&) const = default;
};

// The schema that this version writes, and the newest that it reads.
inline constexpr std::int64_t manifest_schema = 1;

[[nodiscard]] std::string written(const Manifest& manifest);

// `file` is what errors call the text. Throws Error (corrupt) for anything that is not a manifest
// of release `number` in a schema that this version knows.
[[nodiscard]] Manifest parse_manifest(std::string_view text, ReleaseNumber number,
                                      const std::string& file);

// What passes over a release takes to know, read off a manifest without parsing all of it.
struct Glance {
    Status status = Status::failed;
    std::string why_failed;
    std::optional<ReleaseNumber> rollback_of;

    bool operator==(const Glance&) const = default;
};

// Of a release that failed or expired, and so will never be live again. Nothing for any other, and
// for a text that is not as shipit writes it: that must be parsed.
[[nodiscard]] std::optional<Glance> glance_at(std::string_view text, ReleaseNumber number);

} // namespace shipit::release
