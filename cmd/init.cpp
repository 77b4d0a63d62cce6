// init: a first shipit.toml for a source tree.
#include "cmd/invocation.hpp"

#include "core/base/text.hpp"
#include "core/deploy/first_settings.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

using deploy::Clue;
using deploy::FirstSettings;

// Whoever reads it made the tree their own: 0644, less what the umask takes.
constexpr mode_t file_mode = 0644;

// Commands to paste, from here to a release that is live.
std::vector<std::string> next_steps(const FirstSettings& first, const std::string& folder) {
    const std::string app = first.app ? first.app->text() : "APP";
    const bool is_here = folder == ".";
    std::vector<std::string> steps;
    if (!first.build_command.empty())
        steps.push_back(
            is_here ? first.build_command
                    : fmt::format("(cd {} && {})", shell_quoted(folder), first.build_command));
    steps.push_back("shipit create " + app);
    if (!first.survey.is_files_only)
        steps.push_back(fmt::format("shipit -a {} set app.port=8000", app));
    steps.push_back(
        fmt::format("shipit -a {} deploy{}", app, is_here ? "" : " " + shell_quoted(folder)));
    return steps;
}

Json json_of(const FirstSettings& first, const sys::Path& file,
             const std::vector<std::string>& steps) {
    Json found = Json::array();
    for (const Clue& clue : first.survey.found)
        found.push_back(Json::object({{"file", clue.file}, {"what", clue.what}}));
    return Json::object({{"file", file.string()},
                         {"app", first.app ? Json(first.app->text()) : Json()},
                         {"found", found},
                         {"notes", Json::array_of(first.survey.notes)},
                         {"next", Json::array_of(steps)},
                         {"text", first.text}});
}

void tell(Terminal& terminal, const FirstSettings& first, const std::vector<std::string>& steps) {
    for (const Clue& clue : first.survey.found)
        terminal.note(fmt::format("found: {}: {}", printable(clue.file), printable(clue.what)));
    if (first.survey.found.empty())
        terminal.note("found: nothing that says what this is");
    for (const std::string& note : first.survey.notes)
        terminal.note("note: " + printable(note));
    for (const std::string& step : steps)
        terminal.note("next: " + printable(step));
}

int run_init(Invocation& invocation) {
    const std::string folder = invocation.arguments.word(0).value_or(".");
    const sys::Path file = deploy::settings_file_in(folder);
    const bool only_shows = invocation.arguments.has("dry-run");
    std::optional<AppName> app;
    if (const auto given = invocation.arguments.text("app"))
        app = AppName::parse(*given);
    if (!only_shows)
        deploy::refuse_to_overwrite(file);
    const FirstSettings first = deploy::first_settings(folder, app);
    if (!only_shows)
        sys::create_durably(file, first.text, file_mode);

    Terminal& terminal = invocation.terminal;
    const auto steps = next_steps(first, folder);
    if (terminal.wants_json())
        terminal.print_json(json_of(first, file, steps).set("written", !only_shows));
    else if (only_shows)
        terminal.raw(first.text);
    else
        terminal.print("Wrote " + printable(file.string()));
    if (!terminal.wants_json())
        tell(terminal, first, steps);
    return 0;
}

} // namespace

extern const Command init_command;
const Command init_command{"init",
                           "write a first shipit.toml for a source tree",
                           {{"DIR", Argument::Number::optional}},
                           {{"--dry-run", "", "print it, write nothing"}},
                           {"shipit init", "shipit -a blog init src/blog", "shipit init --dry-run"},
                           run_init};

} // namespace shipit::cmd
