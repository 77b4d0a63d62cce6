#include "core/deploy/environment.hpp"

#include <cstdlib>
#include <map>

namespace shipit::deploy {

namespace {

std::map<std::string, std::string> common_variables(const AppName& app, const sys::Account& account,
                                                    const ConfigVars& config,
                                                    const std::string& process) {
    std::map<std::string, std::string> variables{
        {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        {"HOME", account.home},
        {"USER", account.name},
        {"LOGNAME", account.name},
        {"SHELL", "/bin/sh"},
        {"LANG", "C.UTF-8"},
    };
    for (const auto& [name, value] : config)
        variables[name] = value;
    variables["SHIPIT_APP"] = app.text();
    variables["SHIPIT_PROCESS"] = process;
    return variables;
}

// As terminals are called. It comes from the caller, and programs make the name of a file of it
// (terminfo(5)).
bool is_terminal_name(std::string_view text) {
    constexpr std::size_t longest = 64;
    constexpr std::string_view usual = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789+._-";
    return !text.empty() && text.size() <= longest &&
           text.find_first_not_of(usual) == std::string_view::npos;
}

} // namespace

std::vector<std::pair<std::string, std::string>> environment_of(const Surroundings& surroundings,
                                                                const ConfigVars& config,
                                                                const std::string& process) {
    auto variables = common_variables(surroundings.app, surroundings.account, config, process);
    if (surroundings.port)
        variables["PORT"] = std::to_string(*surroundings.port);
    variables["SHIPIT_RELEASE"] = surroundings.release.text();
    variables["SHIPIT_SLUG"] = surroundings.slug.text();
    return {variables.begin(), variables.end()};
}

std::vector<std::pair<std::string, std::string>>
environment_without_release(const AppName& app, const sys::Account& account,
                            const ConfigVars& config, const std::string& process) {
    const auto variables = common_variables(app, account, config, process);
    return {variables.begin(), variables.end()};
}

std::vector<std::pair<std::string, std::string>> terminal_variables(const ConfigVars& config) {
    std::vector<std::pair<std::string, std::string>> variables;
    for (const char* name : {"TERM", "COLORTERM"}) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing sets variables
        const char* value = std::getenv(name);
        if (value != nullptr && is_terminal_name(value) && !config.contains(name))
            variables.emplace_back(name, value);
    }
    return variables;
}

} // namespace shipit::deploy
