#include "core/release/manifest.hpp"

#include "core/base/error.hpp"
#include "core/base/rules.hpp"
#include "core/base/secrets.hpp"
#include "core/base/toml.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/core.h>

namespace shipit::release {

namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::array status_names = {"pending", "succeeded", "failed", "expired"};

bool is_hex(std::string_view text, std::size_t length) {
    const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return text.size() == length && std::all_of(text.begin(), text.end(), fits);
}

std::string text_of(const TomlTable& table, std::string_view key) {
    return table.string(key).value_or("");
}

std::string needed_text(const TomlTable& table, std::string_view key) {
    if (auto text = table.string(key))
        return *std::move(text);
    throw table.complaint(key, "is missing");
}

std::uint64_t needed_number(const TomlTable& table, std::string_view key,
                            std::int64_t most = largest) {
    if (const auto number = table.integer(key, 0, most))
        return static_cast<std::uint64_t>(*number);
    throw table.complaint(key, "is missing");
}

std::optional<WallTime> time_of(const TomlTable& table, std::string_view key) {
    const auto text = table.string(key);
    if (!text)
        return std::nullopt;
    const auto time = parse_time(*text);
    if (!time)
        throw table.complaint(key, "must be a time like \"2026-11-22T22:39:49.123Z\"");
    return time;
}

milliseconds needed_duration(const TomlTable& table, std::string_view key) {
    if (const auto duration = table.duration(key))
        return *duration;
    throw table.complaint(key, "is missing");
}

SlugFacts read_slug(const TomlTable& table) {
    const auto id = SlugId::parse(needed_text(table, "id"));
    if (!id)
        throw table.complaint("id", "must be 32 lower-case hex digits");
    constexpr std::size_t sha256_digits = 64;
    std::string sha256 = needed_text(table, "sha256");
    if (!is_hex(sha256, sha256_digits))
        throw table.complaint("sha256", "must be 64 lower-case hex digits");
    return {*id, needed_number(table, "size"), needed_number(table, "unpacked"),
            needed_number(table, "files"), std::move(sha256)};
}

Source read_source(const TomlTable& table) {
    constexpr std::size_t sha1_digits = 40;
    constexpr std::size_t sha256_digits = 64;
    Source source;
    source.commit = needed_text(table, "commit");
    if (!is_hex(source.commit, sha1_digits) && !is_hex(source.commit, sha256_digits))
        throw table.complaint("commit", "must be 40 or 64 lower-case hex digits");
    source.branch = text_of(table, "branch");
    source.dirty = table.boolean("dirty").value_or(false);
    source.subject = text_of(table, "subject");
    return source;
}

std::vector<ProcessType> read_processes(const TomlTable& table) {
    constexpr std::int64_t most_processes = 1000;
    std::vector<ProcessType> processes;
    for (const std::string& name : table.keys()) {
        if (!is_process_name(name)) // it becomes part of file names
            throw table.complaint(name, "is no name for a process type");
        const auto entry = table.table(name);
        ProcessType process;
        process.name = name;
        process.command = needed_text(*entry, "command");
        process.count = static_cast<unsigned>(needed_number(*entry, "count", most_processes));
        process.stop_signal = needed_text(*entry, "stop_signal");
        if (!is_stop_signal(process.stop_signal))
            throw entry->complaint("stop_signal", "is no signal to stop a process by");
        process.stop_timeout = needed_duration(*entry, "stop_timeout");
        process.overlap = entry->boolean("overlap").value_or(false);
        process.notify = entry->boolean("notify").value_or(false);
        process.watchdog = entry->duration("watchdog").value_or(process.watchdog);
        processes.push_back(std::move(process));
    }
    return processes;
}

ReleaseSpec read_spec(const TomlTable& root) {
    ReleaseSpec spec;
    if (const auto processes = root.table("processes"))
        spec.processes = read_processes(*processes);
    if (const auto release = root.table("release")) {
        spec.release_command.command = text_of(*release, "command");
        spec.release_command.timeout = needed_duration(*release, "timeout");
    }
    if (const auto health = root.table("health")) {
        constexpr std::int64_t most_passes = 1000;
        spec.health.path = text_of(*health, "path");
        spec.health.command = text_of(*health, "command");
        spec.health.timeout = needed_duration(*health, "timeout");
        spec.health.passes = static_cast<unsigned>(needed_number(*health, "passes", most_passes));
        spec.health.watch = needed_duration(*health, "watch");
        spec.health.warm = health->duration("warm");
    }
    return spec;
}

Evidence read_evidence(const TomlTable& table) {
    Evidence evidence;
    evidence.live_at = time_of(table, "live_at");
    evidence.good_at = time_of(table, "good_at");
    evidence.ended_at = time_of(table, "ended_at");
    evidence.expired_at = time_of(table, "expired_at");
    evidence.why_failed = text_of(table, "why_failed");
    evidence.restarts = needed_number(table, "restarts");
    evidence.last_exit = text_of(table, "last_exit");
    evidence.healthy_after = table.duration("healthy_after");
    return evidence;
}

// Who follows such numbers must come to an end.
ReleaseNumber earlier_release(const TomlTable& table, std::string_view key, ReleaseNumber number) {
    const auto earlier = needed_number(table, key);
    if (earlier == 0 || earlier >= number.value())
        throw table.complaint(key, "must be an earlier release");
    return ReleaseNumber(earlier);
}

Deployer read_deployer(const TomlTable& table, ReleaseNumber number) {
    Deployer deployer;
    deployer.process.pid =
        static_cast<pid_t>(needed_number(table, "pid", std::numeric_limits<pid_t>::max()));
    deployer.process.start_time = needed_number(table, "start_time");
    deployer.boot = needed_text(table, "boot");
    deployer.sets_config = table.boolean("sets_config").value_or(false);
    if (table.has("leaves"))
        deployer.leaves = earlier_release(table, "leaves", number);
    deployer.lifts_hold = table.boolean("lifts_hold").value_or(false);
    return deployer;
}

ConfigVars read_config(const TomlTable& table, const std::string& file) {
    return keeping_secrets(file, [&] {
        ConfigVars vars;
        for (const std::string& name : table.keys()) {
            if (!is_variable_name(name))
                throw table.complaint(name, "is no name for a config var");
            vars.emplace(name, *table.string(name));
        }
        return vars;
    });
}

void check_schema(const TomlTable& root, const std::string& file) {
    const auto found = root.integer("schema", 1, largest);
    if (!found)
        throw root.complaint("schema", "is missing");
    if (*found > manifest_schema)
        throw Error(fmt::format("{}: written by a newer shipit (schema {}; this one knows {})",
                                file, *found, manifest_schema))
            .advise("install the shipit that wrote it, or a newer one");
}

Manifest read(const TomlTable& root, ReleaseNumber number, const std::string& file) {
    check_schema(root, file);
    if (needed_number(root, "version") != number.value())
        throw root.complaint("version",
                             fmt::format("must be {}, as the file's name says", number.value()));
    const std::string app = needed_text(root, "app");
    if (!AppName::is_valid(app))
        throw root.complaint("app", "is no name for an app");
    const auto status = parse_status(needed_text(root, "status"));
    if (!status)
        throw root.complaint("status", "must be pending, succeeded, failed or expired");
    const auto created_at = time_of(root, "created_at");
    if (!created_at)
        throw root.complaint("created_at", "is missing");
    Manifest manifest{.number = number, .app = AppName::parse(app)};
    manifest.description = text_of(root, "description");
    manifest.created_at = *created_at;
    manifest.created_by = text_of(root, "created_by");
    manifest.client_address = text_of(root, "client_address");
    manifest.status = *status;
    if (root.has("rollback_of"))
        manifest.rollback_of = earlier_release(root, "rollback_of", number);
    if (root.has("config_of"))
        manifest.config_of = earlier_release(root, "config_of", number);
    manifest.is_undo = root.boolean("undo").value_or(false);
    if (root.has("activation_of"))
        manifest.activation_of = earlier_release(root, "activation_of", number);
    manifest.trial = root.duration("trial");
    if (const auto slug = root.table("slug"))
        manifest.slug = read_slug(*slug);
    if (const auto source = root.table("source"))
        manifest.source = read_source(*source);
    manifest.spec = read_spec(root);
    if (const auto evidence = root.table("evidence"))
        manifest.evidence = read_evidence(*evidence);
    if (const auto deployer = root.table("deployer"))
        manifest.deployer = read_deployer(*deployer, number);
    if (const auto config = root.table("config"))
        manifest.config = read_config(*config, file);
    return manifest;
}

} // namespace

const char* name_of(Status status) {
    return status_names.at(static_cast<std::size_t>(status));
}

std::optional<Status> parse_status(std::string_view text) {
    for (std::size_t i = 0; i < status_names.size(); ++i)
        if (text == status_names.at(i))
            return static_cast<Status>(i);
    return std::nullopt;
}

Manifest parse_manifest(std::string_view text, ReleaseNumber number, const std::string& file) {
    try {
        const auto root = keeping_secrets(file, [&] { return TomlTable::parse(text, file); });
        return read(root, number, file);
    } catch (Error& error) {
        if (error.outcome() == Outcome::usage) // nobody typed this
            error.set_outcome(Outcome::corrupt);
        throw;
    }
}

} // namespace shipit::release
