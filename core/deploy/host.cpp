#include "core/deploy/host.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/toml.hpp"
#include "core/release/layout.hpp"

#include <cstdlib>
#include <filesystem>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

// Nothing if there is none, also where this is no folder of ours to look into.
std::optional<std::string> build_toml_in(const sys::Path& folder) {
    try {
        return sys::read_file_if_any(folder / "shipit.toml");
    } catch (const Error&) {
        return std::nullopt;
    }
}

// `name` in a folder's shipit.toml. What else is wrong in it is not our business here; but without
// its name, another app would be taken for the one that is meant.
std::optional<AppName> name_in(const sys::Path& folder) {
    const auto text = build_toml_in(folder);
    if (!text)
        return std::nullopt;
    try {
        const auto name = TomlTable::parse(*text, "shipit.toml").string("name");
        return name ? std::optional(AppName::parse(*name)) : std::nullopt;
    } catch (Error& error) {
        error.advise("mend it, or say which app is meant: -a APP");
        throw;
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
