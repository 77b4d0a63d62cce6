#include "core/config/config_vars.hpp"

#include "core/base/error.hpp"
#include "core/base/rules.hpp"
#include "core/base/secrets.hpp"
#include "core/base/text.hpp"
#include "core/base/toml.hpp"

#include <set>

#include <fmt/core.h>

namespace shipit::config {

namespace {

constexpr std::size_t longest_variable = 128 << 10;
constexpr std::int64_t schema = 1;

std::string written(const ConfigVars& vars) {
    TomlWriter writer;
    writer.comment("Config vars, secrets perhaps; change them with 'shipit config set'.");
    writer.set("schema", schema);
    writer.table({"config"});
    for (const auto& [name, value] : vars)
        writer.set(name, value);
    return writer.text();
}

ConfigVars parsed(const std::string& text, const std::string& file) {
    const auto root = TomlTable::parse(text, file);
    (void)root.integer("schema", schema, schema);
    ConfigVars vars;
    if (const auto table = root.table("config"))
        for (const std::string& name : table->keys()) {
            check_name_form(name);
            vars.emplace(name, *table->string(name));
        }
    root.finish();
    return vars;
}

// The name is shown only where it cannot be a value that was typed in its place.
[[noreturn]] void refuse_assignment(std::size_t index, const std::string& why) {
    throw Error(fmt::format("argument {} {}", index + 1, why), Outcome::usage)
        .advise("write it like 'shipit config set NAME=VALUE', or NAME@FILE");
}

} // namespace

void check_name_form(std::string_view name) {
    if (is_variable_name(name))
        return;
    throw Error(fmt::format("'{}' is not a name for a config var", shortened(printable(name), 60)),
                Outcome::usage)
        .advise("use letters, digits and '_', not beginning with a digit");
}

void check_name(std::string_view name) {
    check_name_form(name);
    if (name == "PORT")
        throw Error("'PORT' is set by shipit", Outcome::usage)
            .advise("to choose the port, run 'shipit set app.port=8000'");
    if (name.substr(0, 7) == "SHIPIT_")
        throw Error(fmt::format("'{}' is not yours to set: names that begin with SHIPIT_ are set "
                                "by shipit",
                                name),
                    Outcome::usage);
}

void check_value(std::string_view name, std::string_view value) {
    if (value.find('\0') != std::string_view::npos)
        throw Error(fmt::format("the value of '{}' holds a NUL character", name), Outcome::usage)
            .advise("no environment can hold one; encode the value, for example with base64");
    if (!is_utf8(value))
        throw Error(fmt::format("the value of '{}' is not UTF-8", name), Outcome::usage)
            .advise("encode the value, for example with base64");
    if (name.size() + 1 + value.size() + 1 > longest_variable) // with '=' and the final NUL
        throw Error(fmt::format("the value of '{}' is {} long; name and value may take {} together",
                                name, size_text(value.size()), size_text(longest_variable)),
                    Outcome::usage)
            .advise("put it into a file in the app's shared folder and its path into the variable");
}

void check_vars(const ConfigVars& vars) {
    for (const auto& [name, value] : vars) {
        check_name(name);
        check_value(name, value);
    }
    if (const auto size = written(vars).size(); size > largest_config)
        throw Error(fmt::format("the config vars take {} together; {} is the most", size_text(size),
                                size_text(largest_config)),
                    Outcome::usage);
}

std::vector<Assignment> parse_assignments(const std::vector<std::string>& words) {
    std::vector<Assignment> assignments;
    std::set<std::string> names;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto end = words[i].find_first_of("=@");
        if (end == std::string::npos)
            refuse_assignment(i, "is not NAME=VALUE: it has no '='");
        const auto from = words[i][end] == '=' ? Assignment::From::word : Assignment::From::file;
        assignments.push_back({from, words[i].substr(0, end), words[i].substr(end + 1)});
        const Assignment& assignment = assignments.back();
        check_name(assignment.name);
        if (!names.insert(assignment.name).second)
            throw Error(fmt::format("'{}' is given twice", assignment.name), Outcome::usage);
    }
    return assignments;
}

ConfigVars load_config(const sys::Path& config_toml) {
    constexpr std::uint64_t limit = 1 << 20;
    const auto text = sys::read_file_if_any(config_toml, limit);
    if (!text)
        return {};
    return keeping_secrets(config_toml.string(),
                           [&] { return parsed(*text, config_toml.string()); });
}

void save_config(const sys::Path& config_toml, const ConfigVars& vars) {
    check_vars(vars);
    constexpr mode_t mode = 0600;
    sys::replace_durably(config_toml, written(vars), mode);
}

std::string change_description(const std::vector<std::string>& set,
                               const std::vector<std::string>& unset) {
    if (set.empty())
        return fmt::format("Unset {} config vars", joined(unset, ", "));
    if (unset.empty())
        return fmt::format("Set {} config vars", joined(set, ", "));
    return fmt::format("Set {}, unset {} config vars", joined(set, ", "), joined(unset, ", "));
}

std::vector<std::string> names_of(const ConfigVars& vars) {
    std::vector<std::string> names;
    for (const auto& [name, value] : vars)
        names.push_back(name);
    return names;
}

} // namespace shipit::config
