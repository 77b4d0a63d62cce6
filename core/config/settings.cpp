#include "core/config/settings.hpp"

#include "core/base/text.hpp"
#include "core/config/keys.hpp"
#include "core/config/procfile.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::config {

namespace {

Values values_of_procfile(const Sources& sources) {
    Values values;
    for (const ProcfileEntry& entry : parse_procfile(*sources.procfile, sources.procfile_name)) {
        const bool is_release = entry.name == "release";
        const std::string path =
            is_release ? "release.command" : fmt::format("processes.{}.command", entry.name);
        if (const auto complaint = complaint_about(*find_key(path), entry.command);
            !complaint.empty())
            throw Error(fmt::format("{}: '{}' {}", sources.procfile_name, entry.name, complaint),
                        Outcome::usage);
        values.emplace(path, entry.command);
    }
    return values;
}

Values values_of_build(const Sources& sources) {
    Values values;
    bool has_processes = false;
    if (sources.build_toml) {
        const auto root = TomlTable::parse(*sources.build_toml, sources.build_toml_name);
        has_processes = root.has("processes");
        values = read_values(root, Origin::build);
    }
    if (sources.procfile && !has_processes)
        values.merge(values_of_procfile(sources)); // what shipit.toml says stays
    return values;
}

void lay_over(Values& values, const Values& host) {
    if (host.contains("health.path"))
        values.erase("health.command");
    if (host.contains("health.command"))
        values.erase("health.path");
    for (const auto& [path, value] : host)
        values.insert_or_assign(path, value);
}

void drop_processes_without_command(Settings& settings, const std::string& host_name) {
    const auto has_none = [&](const ProcessType& process) {
        if (process.command.empty())
            settings.warnings.push_back(
                fmt::format("{}: 'processes.{}' has no command, and the build has no such process "
                            "type; ignoring it",
                            host_name, process.name));
        return process.command.empty();
    };
    std::erase_if(settings.spec.processes, has_none);
}

void warn_of_idle_listen(Settings& settings) {
    if (!settings.app.listen.empty() && settings.app.socket().empty() && !settings.app.listen_fds)
        settings.warnings.push_back("'app.listen' counts for nothing without 'app.listen_fds': "
                                    "the program says which address it listens on");
}

} // namespace

Settings load(const Sources& sources) {
    Values values = values_of_build(sources);
    Values host;
    if (sources.host_toml)
        host =
            read_values(TomlTable::parse(*sources.host_toml, sources.host_toml_name), Origin::host);
    Settings settings;
    settings.app.user_is_builds = values.contains("app.user") && !host.contains("app.user");
    settings.app.reload_is_builds = values.contains("app.reload") && !host.contains("app.reload");
    settings.build.is_builds = values.contains("build.command") && !host.contains("build.command");
    for (const char* hook : {"deployed", "failed", "rolled_back", "crashed"})
        if (const std::string path = std::string("hooks.") + hook;
            values.contains(path) && !host.contains(path))
            settings.hooks.builds.insert(hook);
    lay_over(values, host);
    for (const auto& [path, value] : values) { // by path, so process types end up by name
        const auto parts = split(path, '.');
        find_key(path)->store(settings, parts.size() == 3 ? parts[1] : std::string_view(), value);
    }
    drop_processes_without_command(settings, sources.host_toml_name);
    warn_of_idle_listen(settings);
    std::sort(settings.spec.processes.begin(), settings.spec.processes.end(),
              [](const ProcessType& a, const ProcessType& b) { return a.name < b.name; });
    return settings;
}

std::vector<std::string> missing_vars(const Settings& settings, const ConfigVars& vars) {
    std::vector<std::string> missing;
    for (const std::string& name : settings.required_vars)
        if (!vars.contains(name))
            missing.push_back(name);
    return missing;
}

} // namespace shipit::config
