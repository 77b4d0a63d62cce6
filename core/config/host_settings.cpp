#include "core/config/host_settings.hpp"

#include "core/base/rules.hpp"
#include "core/base/text.hpp"
#include "core/config/keys.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::config {

namespace {

constexpr const char* first_comment =
    "What this host says about the app; see shipit.toml(5). 'shipit set KEY=VALUE' rewrites this "
    "file: it keeps values, not comments.";

std::vector<std::string> known_paths(const Values& values) {
    std::vector<std::string> paths;
    for (const Key& key : keys())
        paths.emplace_back(key.path);
    for (const auto& [path, value] : values)
        paths.push_back(path);
    return paths;
}

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

const Key& key_named(const std::string& path, const Values& values) {
    if (const Key* key = find_key(path); key != nullptr && path.find('*') == std::string::npos)
        return *key;
    Error error(fmt::format("unknown key '{}'", printable(path)), Outcome::usage);
    if (path.substr(0, 6) == "scale.")
        throw std::move(error).advise(
            fmt::format("did you mean 'processes.{}.count'?", printable(path.substr(6))));
    if (is_variable_name(path) && std::none_of(path.begin(), path.end(), is_lower))
        throw std::move(error).advise(
            fmt::format("config vars are set by 'shipit config set {}'", path));
    if (const auto meant = nearest(path, known_paths(values)))
        throw std::move(error).advise(fmt::format("did you mean '{}'?", *meant));
    throw std::move(error).advise("the keys are listed in shipit.toml(5)");
}

Values read_host_file(const std::optional<std::string>& text, const std::string& name) {
    return text ? read_values(TomlTable::parse(*text, name), Origin::host) : Values{};
}

void apply(const std::string& assignment, Values& values) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos)
        throw Error(fmt::format("'{}' is not KEY=VALUE", printable(assignment)), Outcome::usage)
            .advise("write it like 'shipit set app.port=8000'; the keys are listed in "
                    "shipit.toml(5)");
    const std::string path = assignment.substr(0, equals);
    const std::string text = assignment.substr(equals + 1);
    const Key& key = key_named(path, values);
    if (path == "name")
        throw Error("the name of an app cannot be set: it is that of its folder", Outcome::usage);
    if (path == "processes.release.command")
        throw Error("'release' is no process type", Outcome::usage)
            .advise("did you mean 'release.command'?");
    if (text.empty())
        values.erase(path);
    else
        values.insert_or_assign(path, typed_value(key, path, text));
    if (!text.empty() && path == "health.path")
        values.erase("health.command"); // they exclude each other; the later word counts
    if (!text.empty() && path == "health.command")
        values.erase("health.path");
}

std::vector<HostChange> differences(const Values& before, const Values& after) {
    std::vector<HostChange> changes;
    for (const auto& [path, value] : before)
        if (!after.contains(path))
            changes.push_back({path, value_text(value), std::nullopt});
    for (const auto& [path, value] : after) {
        const auto old = before.find(path);
        if (old == before.end())
            changes.push_back({path, std::nullopt, value_text(value)});
        else if (old->second != value)
            changes.push_back({path, value_text(old->second), value_text(value)});
    }
    std::sort(changes.begin(), changes.end(),
              [](const HostChange& a, const HostChange& b) { return a.key < b.key; });
    return changes;
}

} // namespace

std::vector<HostChange> set_keys(const sys::Path& app_toml,
                                 const std::vector<std::string>& assignments) {
    const Values before = read_host_file(sys::read_file_if_any(app_toml), app_toml.string());
    Values after = before;
    for (const std::string& assignment : assignments)
        apply(assignment, after);
    auto changes = differences(before, after);
    if (changes.empty())
        return changes;
    const std::string text = written_values(after, first_comment);
    Sources sources;
    sources.host_toml = text;
    sources.host_toml_name = app_toml.string();
    (void)load(sources);                  // what the next command could not read is not written
    constexpr mode_t private_file = 0600; // a command may have a token in it
    sys::replace_durably(app_toml, text, private_file);
    return changes;
}

std::vector<std::pair<std::string, std::string>> host_values(const sys::Path& app_toml) {
    std::vector<std::pair<std::string, std::string>> result;
    for (const auto& [path, value] :
         read_host_file(sys::read_file_if_any(app_toml), app_toml.string()))
        result.emplace_back(path, value_text(value));
    return result;
}

} // namespace shipit::config
