#include "core/deploy/host.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/settings.hpp"
#include "core/release/layout.hpp"

#include <cstdlib>
#include <filesystem>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

// `name` in a folder's shipit.toml. A file that is wrong is not our business here: the command that
// needs it will say so.
std::optional<AppName> name_in(const sys::Path& folder) {
    try {
        config::Sources sources;
        sources.build_toml = sys::read_file_if_any(folder / "shipit.toml");
        return config::load(sources).name;
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::string listed(const std::vector<AppName>& names) {
    std::vector<std::string> texts;
    for (const AppName& name : names)
        texts.push_back(name.text());
    return joined(texts, ", ");
}

} // namespace

Host Host::at(const std::optional<std::string>& given, Progress progress) {
    const sys::Path root = given ? sys::Path(*given) : release::default_root();
    if (root.empty())
        throw Error("the root folder must have a name", Outcome::usage);
    return {std::filesystem::absolute(root).lexically_normal(), sys::origin(), std::move(progress)};
}

std::vector<AppName> app_names(const Host& host) {
    return release::apps_in(host.root);
}

AppName chosen_app(const Host& host, const std::optional<std::string>& named,
                   const sys::Path& folder) {
    if (named)
        return AppName::parse(*named);
    if (const char* chosen = std::getenv("SHIPIT_APP"); chosen != nullptr && *chosen != '\0')
        return AppName::parse(chosen);
    if (const auto name = name_in(folder))
        return *name;
    const std::vector<AppName> names = app_names(host);
    if (names.size() == 1)
        return names.front();
    if (names.empty())
        throw Error(fmt::format("there is no app under '{}' yet", host.root.string()),
                    Outcome::usage)
            .advise("make one with 'shipit create NAME'");
    throw Error("it is not clear which app is meant", Outcome::usage)
        .advise(fmt::format("add '-a APP'; there are {}", listed(names)));
}

} // namespace shipit::deploy
