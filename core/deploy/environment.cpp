#include "core/deploy/environment.hpp"

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

} // namespace shipit::deploy
