#include "core/deploy/first_settings.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/toml.hpp"
#include "core/config/settings.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

constexpr std::size_t comment_width = 98;
constexpr std::size_t longest_app_name = 63;

// --- The app's name ---

// What of `text` can be one: "@anna/My Blog" is "my-blog".
std::optional<AppName> app_name_from(std::string_view text) {
    std::string name;
    for (const char c : text.substr(text.rfind('/') + 1)) {
        const bool is_upper = c >= 'A' && c <= 'Z';
        const char lower = is_upper ? static_cast<char>(c - 'A' + 'a') : c;
        const bool is_plain = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
        if (is_plain || (!name.empty() && c == '_'))
            name += lower;
        else if (!name.empty() && name.back() != '-')
            name += '-';
    }
    name.resize(std::min(name.size(), longest_app_name));
    while (name.ends_with('-'))
        name.pop_back();
    return AppName::is_valid(name) ? std::optional(AppName::parse(name)) : std::nullopt;
}

std::string name_of_folder(const sys::Path& folder) {
    const sys::Path whole = std::filesystem::absolute(folder).lexically_normal();
    return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

std::optional<AppName> name_for(const std::optional<AppName>& given, const Survey& survey,
                                const sys::Path& folder) {
    if (given)
        return given;
    const auto own = app_name_from(survey.name);
    return own ? own : app_name_from(name_of_folder(folder));
}

// --- What is proposed beside what was found ---

void propose_for_a_program(Survey& survey) {
    auto& all = survey.proposals;
    if (!survey.has_processes)
        all.push_back({"processes.web.command", "bin/web --port $PORT",
                       "Nothing here says what runs.", false});
    if (!survey.has_release_command)
        all.push_back({"release.command", "bin/migrate", "", false});
    if (survey.proposal("health.path") == nullptr)
        all.push_back({"health.path", "/",
                       "A path that answers with 200 to 399 when all is well; without one, a "
                       "release is well if it listens and stays up.",
                       false});
    all.push_back({"app.port", std::int64_t{8000},
                   "Better said on the host, where it has to be free: shipit set app.port=8000",
                   false});
    all.push_back(
        {"app.user", "www-data", "Where shipit runs as root: who the app runs as.", false});
    all.push_back({"config.required", std::vector<std::string>{"SECRET_KEY"}, "", false});
}

void propose_the_rest(FirstSettings& first) {
    Survey& survey = first.survey;
    auto& all = survey.proposals;
    if (first.app)
        all.push_back({"name", first.app->text(),
                       "The app that this is, for commands that are run here without -a."});
    if (!first.build_command.empty())
        all.push_back({"build.command", first.build_command, ""});
    if (survey.is_files_only)
        all.push_back({"app.reload", "bin/reload",
                       "Runs after each switch, as app.user. What takes root is for the host to "
                       "say: shipit set app.reload='systemctl reload nginx'",
                       false});
    else
        propose_for_a_program(survey);
    const std::string why =
        "Folders that outlive releases; what a build has there is not deployed.";
    if (!survey.shared.empty())
        all.push_back({"app.shared", survey.shared, why});
    else if (!survey.is_files_only)
        all.push_back({"app.shared", std::vector<std::string>{"uploads"}, why, false});
}

// --- The text ---

struct Table {
    const char* name;
    const char* about;
};
constexpr Table tables[] = {
    {"", ""},
    {"processes", "What runs: process types and their commands."},
    {"build", "Makes a build of what is pushed by git (shipit git-init); what 'shipit deploy' is "
              "given is one already."},
    {"release", "Runs in a new release's files before it starts; if it fails, the old release "
                "goes on serving."},
    {"health", "How a new release proves that it is well before it gets requests."},
    {"app", ""},
    {"config", "Config vars without which nothing is deployed: shipit config set."},
};

// Foreign text may be in it.
std::string comment(std::string_view text) {
    std::string result;
    for (const std::string& line : wrapped(printable(text), comment_width))
        if (!line.empty())
            result += "# " + line + "\n";
    return result;
}

std::string line_of(const Proposal& proposal) {
    // A process type is written as its command.
    const auto parts = split(proposal.key, '.');
    const std::string_view key = parts.size() == 3 ? parts[1] : parts.back();
    TomlWriter line;
    std::visit([&](const auto& value) { line.set(key, value); }, proposal.value);
    return comment(proposal.why) + (proposal.counts ? "" : "#") + line.text();
}

std::string lines_of(const Survey& survey, const Table& table) {
    std::string lines;
    for (const Proposal& proposal : survey.proposals) {
        const auto dot = proposal.key.find('.');
        if (proposal.key.substr(0, dot == std::string::npos ? 0 : dot) == table.name)
            lines += line_of(proposal);
    }
    return lines;
}

std::string about_this_file(const Survey& survey) {
    std::vector<std::string> files;
    for (const Clue& clue : survey.found)
        files.push_back(clue.file);
    std::string text = comment("Settings of this app for shipit, see shipit.toml(5). To take up a "
                               "line that begins with '#' and no blank, remove the '#'.");
    if (!files.empty())
        text += comment(
            fmt::format("Made by 'shipit init' after a look at {}.", joined_briefly(files, ", ")));
    if (survey.has_processes && survey.proposal("processes.web.command") == nullptr)
        text += comment("What runs stands in Procfile.");
    if (survey.is_files_only)
        text += comment("Files only: web servers find those of the live release in the app's "
                        "folder, below 'current'.");
    return text;
}

std::string written(const Survey& survey) {
    std::string text = about_this_file(survey);
    for (const Table& table : tables) {
        const std::string lines = lines_of(survey, table);
        if (lines.empty())
            continue;
        text += "\n";
        if (*table.name != '\0')
            text += comment(table.about) + fmt::format("[{}]\n", table.name);
        text += lines;
    }
    return text;
}

} // namespace

FirstSettings first_settings(const sys::Path& folder, const std::optional<AppName>& app) {
    SourceTree tree(folder);
    FirstSettings first;
    first.survey = survey(tree);
    first.app = name_for(app, first.survey, folder);
    first.build_command = joined(first.survey.build_steps, " && ");
    propose_the_rest(first);
    first.text = written(first.survey);
    // As a deploy will read it: what it would complain of is said now.
    config::Sources sources;
    sources.build_toml = first.text;
    sources.procfile = tree.text("Procfile");
    (void)config::load(sources);
    return first;
}

sys::Path settings_file_in(const sys::Path& folder) {
    return std::filesystem::absolute(folder).lexically_normal() / "shipit.toml";
}

void refuse_to_overwrite(const sys::Path& settings_file) {
    if (sys::is_there(settings_file))
        throw Error(fmt::format("'{}' is there already, and is left as it is",
                                printable(settings_file.string())))
            .advise("'shipit init --dry-run' prints what would be written");
}

} // namespace shipit::deploy
