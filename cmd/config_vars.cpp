#include "cmd/config_vars.hpp"

#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

ConfigVars config_vars_meant(const Invocation& invocation, const deploy::App& app) {
    if (const auto release = invocation.release_option(app, "release"))
        return app.ledger.load(*release).config;
    return config::load_config(app.layout.config_toml());
}

Json json_of(const ConfigVars& vars) {
    Json values = Json::object();
    for (const auto& [name, value] : vars)
        values.set(name, value);
    return values;
}

void tell_uninterpolated(const Invocation& invocation, const std::string& file,
                         const config::Dotenv& read) {
    if (read.uninterpolated_lines.empty())
        return;
    std::vector<std::string> lines;
    for (const std::size_t line : read.uninterpolated_lines)
        lines.push_back(std::to_string(line));
    invocation.terminal.warning(
        fmt::format("{}: '$' and '`' are taken as they are, nothing is put in their place; single "
                    "quotes say that this is meant (line {})",
                    printable(file), joined(lines, ", ")));
}

deploy::ConfigRequest config_request(const Invocation& invocation) {
    deploy::ConfigRequest request;
    request.restart = !invocation.arguments.has("no-restart");
    request.options = change_options(invocation);
    return request;
}

int tell_config_change(const Invocation& invocation, const deploy::App& app,
                       const deploy::ConfigChanged& done) {
    if (invocation.terminal.wants_json()) {
        Json names = Json::array();
        Json changes = Json::array();
        for (const deploy::VarChange& change : done.changes) {
            names.push_back(change.name);
            changes.push_back(
                Json::object({{"name", change.name}, {"change", name_of(change.fate)}}));
        }
        invocation.terminal.print_json(json_of(app, done.changed)
                                           .set("names", names)
                                           .set("changes", changes)
                                           .set("staged", done.is_staged));
        return 0;
    }
    const std::string names = joined(done.names(), ", ");
    if (done.changes.empty())
        invocation.terminal.print("Nothing changed.");
    else if (done.is_staged)
        invocation.terminal.print(fmt::format("Staged {} for the next release", names));
    else
        invocation.terminal.print(
            fmt::format("Changed {} as {}", names, done.changed.release->text()));
    tell_end(invocation, app, done.changed);
    if (done.changed.release)
        tell_trial(invocation, app, *done.changed.release);
    return 0;
}

} // namespace shipit::cmd
