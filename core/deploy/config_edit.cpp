#include "core/deploy/config_edit.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/supervise/own_program.hpp"
#include "core/supervise/run_once.hpp"
#include "core/sys/interrupt.hpp"

#include <csignal>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

std::string text_of(const App& app, const ConfigVars& vars) {
    std::string text =
        fmt::format("# Config vars of {}: NAME=VALUE, as shipit-config(1) tells.\n"
                    "# Lines that are taken out are unset. If nothing is changed here, or the "
                    "editor fails,\n# nothing is changed there.\n\n",
                    app.name().text());
    for (const auto& [name, value] : vars)
        text += config::dotenv_line(name, value);
    return text;
}

void write(const sys::Path& file, const std::string& text) {
    constexpr mode_t owner_only = 0600;
    sys::replace(file, text, owner_only);
}

supervise::Program program_of(const std::string& editor, const sys::Path& file) {
    supervise::Program program;
    program.name = "editor";
    program.command = editor + " " + shell_quoted(file.string());
    program.environment = supervise::own_environment();
    std::error_code no_folder;
    program.folder = std::filesystem::current_path(no_folder);
    if (no_folder)
        program.folder = "/";
    return program;
}

// Empty if it ended well. Throws Interrupted where that is what was wanted of us, too.
std::string failure_of(const supervise::Program& program) {
    constexpr int not_found = 127; // what a shell says
    constexpr int signal_base = 128;
    constexpr const char* not_started =
        "cannot be started (EDITOR and VISUAL say which one to use)";
    supervise::OnceEnd end;
    try {
        end = supervise::run_interactively(program);
    } catch (const Error&) {
        return not_started; // what the error says is about an app's programs
    }
    if (end.code == signal_base + SIGINT) // ^C; an editor that has a use for it goes on
        end.interrupted_by = SIGINT;
    if (end.interrupted_by != 0)
        throw sys::Interrupted(end.interrupted_by);
    if (end.code == not_found)
        return not_started;
    return end.code == 0 ? "" : end.how;
}

} // namespace

ConfigDraft::ConfigDraft(const App& app)
    : m_before(config::load_config(app.layout.config_toml())),
      m_folder("shipit-edit-", app.layout.folder()),
      m_file(m_folder.path() / (app.name().text() + ".env")) {
    write(m_file, text_of(app, m_before));
}

void ConfigDraft::edit(const std::string& editor) const {
    sys::stop_if_interrupted();
    if (const std::string failure = failure_of(program_of(editor, m_file)); !failure.empty())
        throw Error(
            fmt::format("the editor '{}' {}; nothing was changed", printable(editor), failure));
    sys::stop_if_interrupted();
}

config::Dotenv ConfigDraft::read() const {
    auto draft = config::parse_dotenv(sys::read_file(m_file), m_file.filename().string());
    if (draft.vars.empty() && !m_before.empty())
        throw Error("all config vars are gone from the text; nothing was changed", Outcome::usage)
            .advise("to remove them all, name them: shipit config unset NAME...");
    return draft;
}

ConfigRequest ConfigDraft::request_for(const ConfigVars& vars) const {
    ConfigRequest request;
    request.expected = m_before;
    for (const VarChange& change : compare_config(m_before, vars))
        if (change.fate == Fate::removed)
            request.unset.push_back(change.name);
        else
            request.set.emplace(change.name, vars.at(change.name));
    return request;
}

void ConfigDraft::renew(const App& app) {
    const ConfigVars now = config::load_config(app.layout.config_toml());
    if (now == m_before)
        return;
    ConfigRequest mine;
    try {
        mine = request_for(read().vars);
    } catch (const Error&) {
        return; // what is meant can be told when the text has been mended
    }
    ConfigVars vars = now;
    for (const auto& [name, value] : mine.set)
        vars[name] = value;
    for (const std::string& name : mine.unset)
        vars.erase(name);
    write(m_file, text_of(app, vars));
    m_before = now;
}

} // namespace shipit::deploy
