#include "core/deploy/environment.hpp"

#include <map>

namespace shipit::deploy {

std::vector<std::pair<std::string, std::string>> environment_of(const Surroundings& surroundings,
                                                                const ConfigVars& config,
                                                                const std::string& process) {
    const sys::Account& account = surroundings.account;
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
    if (surroundings.port)
        variables["PORT"] = std::to_string(*surroundings.port);
    variables["SHIPIT_APP"] = surroundings.app.text();
    variables["SHIPIT_RELEASE"] = surroundings.release.text();
    variables["SHIPIT_SLUG"] = surroundings.slug.text();
    variables["SHIPIT_PROCESS"] = process;
    return {variables.begin(), variables.end()};
}

} // namespace shipit::deploy
