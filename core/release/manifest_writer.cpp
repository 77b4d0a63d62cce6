// Writing manifests; the other half of manifest.hpp. What changes here, manifest_glance.cpp must
// know.
#include "core/base/toml.hpp"
#include "core/release/manifest.hpp"

namespace shipit::release {

namespace {

// Texts of people and programs: made fit for TOML, and cut where a manifest would get too large to
// be read again.
std::string tellable(const std::string& text) {
    constexpr std::size_t longest = 16 << 10;
    const bool is_fit = is_utf8(text) && text.find('\0') == std::string::npos;
    return std::string(beginning_of(is_fit ? text : printable(text), longest));
}

void set_text(TomlWriter& writer, std::string_view key, const std::string& text) {
    if (!text.empty())
        writer.set(key, tellable(text));
}

// What will be run is written as it is.
void set_command(TomlWriter& writer, std::string_view key, const std::string& command) {
    if (!command.empty())
        writer.set(key, command);
}

void set_time(TomlWriter& writer, std::string_view key, const std::optional<WallTime>& time) {
    if (time)
        writer.set(key, time_text(*time));
}

void write_head(TomlWriter& writer, const Manifest& manifest) {
    writer.comment("A release of shipit's. It may hold secrets.");
    writer.set("schema", manifest_schema);
    writer.set("version", manifest.number.value());
    writer.set("app", manifest.app.text());
    set_text(writer, "description", manifest.description);
    writer.set("created_at", time_text(manifest.created_at));
    set_text(writer, "created_by", manifest.created_by);
    set_text(writer, "client_address", manifest.client_address);
    writer.set("status", name_of(manifest.status));
    if (manifest.rollback_of)
        writer.set("rollback_of", manifest.rollback_of->value());
    if (manifest.config_of)
        writer.set("config_of", manifest.config_of->value());
    if (manifest.is_undo)
        writer.set("undo", true);
    if (manifest.activation_of)
        writer.set("activation_of", manifest.activation_of->value());
    if (manifest.trial)
        writer.set("trial", *manifest.trial);
}

void write_slug(TomlWriter& writer, const SlugFacts& slug) {
    writer.table({"slug"});
    writer.set("id", slug.id.text());
    writer.set("size", slug.size);
    writer.set("unpacked", slug.unpacked);
    writer.set("files", slug.files);
    writer.set("sha256", slug.sha256);
}

void write_source(TomlWriter& writer, const Source& source) {
    writer.table({"source"});
    writer.set("commit", source.commit);
    set_text(writer, "branch", source.branch);
    writer.set("dirty", source.dirty);
    set_text(writer, "subject", source.subject);
}

void write_spec(TomlWriter& writer, const ReleaseSpec& spec) {
    for (const ProcessType& process : spec.processes) {
        writer.table({"processes", process.name});
        writer.set("command", process.command);
        writer.set("count", process.count);
        writer.set("stop_signal", process.stop_signal);
        writer.set("stop_timeout", process.stop_timeout);
        if (process.overlap)
            writer.set("overlap", true);
        if (process.notify)
            writer.set("notify", true);
        if (process.watchdog.count() > 0)
            writer.set("watchdog", process.watchdog);
    }
    writer.table({"release"});
    set_command(writer, "command", spec.release_command.command);
    writer.set("timeout", spec.release_command.timeout);
    writer.table({"health"});
    set_command(writer, "path", spec.health.path);
    set_command(writer, "command", spec.health.command);
    writer.set("timeout", spec.health.timeout);
    writer.set("passes", spec.health.passes);
    writer.set("watch", spec.health.watch);
    if (spec.health.warm)
        writer.set("warm", *spec.health.warm);
}

void write_evidence(TomlWriter& writer, const Evidence& evidence) {
    writer.table({"evidence"});
    set_time(writer, "live_at", evidence.live_at);
    set_time(writer, "good_at", evidence.good_at);
    set_time(writer, "ended_at", evidence.ended_at);
    set_time(writer, "expired_at", evidence.expired_at);
    set_text(writer, "why_failed", evidence.why_failed);
    writer.set("restarts", evidence.restarts);
    set_text(writer, "last_exit", evidence.last_exit);
    if (evidence.healthy_after)
        writer.set("healthy_after", *evidence.healthy_after);
}

void write_deployer(TomlWriter& writer, const Deployer& deployer) {
    writer.table({"deployer"});
    writer.set("pid", std::int64_t{deployer.process.pid});
    writer.set("start_time", deployer.process.start_time);
    writer.set("boot", deployer.boot);
    if (deployer.sets_config)
        writer.set("sets_config", true);
    if (deployer.leaves)
        writer.set("leaves", deployer.leaves->value());
    if (deployer.lifts_hold)
        writer.set("lifts_hold", true);
}

} // namespace

std::string written(const Manifest& manifest) {
    TomlWriter writer;
    write_head(writer, manifest);
    if (manifest.slug)
        write_slug(writer, *manifest.slug);
    if (manifest.source)
        write_source(writer, *manifest.source);
    write_evidence(writer, manifest.evidence);
    if (manifest.deployer)
        write_deployer(writer, *manifest.deployer);
    write_spec(writer, manifest.spec);
    writer.table({"config"});
    for (const auto& [name, value] : manifest.config)
        writer.set(name, value);
    return writer.text();
}

} // namespace shipit::release
