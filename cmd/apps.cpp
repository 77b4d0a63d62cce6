// create, apps, destroy, set: apps and their host settings.
#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/host_settings.hpp"
#include "core/config/keys.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/deploy/port.hpp"
#include "core/deploy/status.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

int create(Invocation& invocation) {
    const auto app =
        deploy::create_app(invocation.host(), AppName::parse(*invocation.arguments.word(0)));
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(
            Json::object({{"app", app.name().text()}, {"folder", app.layout.folder().string()}}));
    else
        invocation.terminal.print(
            fmt::format("Created {} in {}", app.name().text(), app.layout.folder().string()));
    invocation.terminal.note(fmt::format("next: shipit -a {} deploy BUILD", app.name().text()));
    return 0;
}

struct Listed {
    std::optional<ReleaseNumber> current;
    const char* state;
    Colour colour;
};

// Throws Error where nothing is to be seen of it.
Listed listed(const deploy::App& app) {
    const deploy::AppStatus status = deploy::glance_at(app);
    if (!status.current && status.complaint)
        throw Error(*status.complaint);
    return {status.current, name_of(status.state), status.current ? Colour::plain : Colour::faint};
}

int list(Invocation& invocation) {
    Json all = Json::array();
    std::vector<Terminal::Row> rows;
    const auto add = [&](const deploy::App& app, const Listed& seen) {
        const auto& current = seen.current;
        all.push_back(Json::object({{"app", app.name().text()},
                                    {"current", current ? Json(current->text()) : Json()},
                                    {"state", seen.state},
                                    {"folder", app.layout.folder().string()}}));
        rows.push_back(
            {{app.name().text(), current ? current->text() : "-", seen.state}, seen.colour});
    };
    const Outcome outcome = in_every_app(invocation, "cannot be read", [&](const deploy::App& app) {
        try {
            add(app, listed(app));
        } catch (const Error& error) {
            const bool is_damaged = error.outcome() == Outcome::corrupt;
            add(app, {{}, is_damaged ? "damaged" : "unreadable", Colour::bad});
            throw;
        }
        return Outcome::done;
    });
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(all);
    else if (rows.empty())
        invocation.terminal.note("There are no apps yet. Make one with 'shipit create NAME'.");
    else
        invocation.terminal.table(rows, 2);
    return static_cast<int>(outcome);
}

int tell_destroyed(Invocation& invocation, const AppName& name) {
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(Json::object({{"app", name.text()}, {"destroyed", true}}));
    else
        invocation.terminal.print(fmt::format("Destroyed {}", name.text()));
    return 0;
}

int destroy(Invocation& invocation) {
    const AppName name = AppName::parse(*invocation.arguments.word(0));
    const bool is_confirmed = invocation.arguments.text("confirm") == name.text();
    if (is_confirmed && deploy::finish_destroying(invocation.host(), name))
        return tell_destroyed(invocation, name);
    auto app = deploy::App::open(invocation.host(), name);
    if (!is_confirmed)
        throw Error(
            fmt::format("destroying '{}' removes its releases, its config vars and the data "
                        "in {}",
                        name.text(), app.layout.shared().string()),
            Outcome::usage)
            .advise(fmt::format("if you mean it: shipit destroy {0} --confirm {0}", name.text()));
    deploy::destroy_app(app, invocation.patience());
    return tell_destroyed(invocation, name);
}

int show_settings(Invocation& invocation, const deploy::App& app) {
    Json values = Json::object();
    for (const auto& [key, value] : config::host_values(app.layout.app_toml())) {
        values.set(key, value);
        if (!invocation.terminal.wants_json())
            invocation.terminal.print(fmt::format("{}={}", key, printable(value)));
    }
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(values);
    return 0;
}

// A command may have a token in it, and what is in events.jsonl stays there.
bool is_command(const std::string& key) {
    return key.ends_with(".command") || key.starts_with("hooks.") || key == "app.reload";
}

std::string recorded(const std::vector<config::HostChange>& changes) {
    constexpr std::size_t longest_value = 100;
    std::vector<std::string> words;
    for (const config::HostChange& change : changes)
        words.push_back(
            !change.after ? change.key + "="
            : is_command(change.key)
                ? change.key + "=..."
                : fmt::format("{}={}", change.key, shortened(*change.after, longest_value)));
    return joined(words, " ");
}

// What is taken all the same: the user may be made later, the other app may move.
void warn_of_user(const deploy::App& app) {
    try {
        (void)app.account(app.host_settings().app);
    } catch (const Error& error) {
        app.host.progress.warn_of(error.why() + "; until then nothing of the app is started");
    }
}

void warn_of_ports(const deploy::App& app) {
    const auto settings = app.host_settings();
    std::vector<std::uint16_t> ports = settings.app.ports;
    if (settings.app.port)
        ports.insert(ports.begin(), *settings.app.port);
    const auto others = deploy::ports_of_others(app);
    for (const std::uint16_t port : ports)
        if (const auto other = others.find(port); other != others.end())
            app.host.progress.warn_of(fmt::format("app '{}' has port {} too: only one of them can "
                                                  "listen on it",
                                                  other->second.text(), port));
}

// What has to be done before the app is as its settings say; nothing where that is so already, or
// nothing is deployed yet.
std::string what_is_left(const deploy::App& app, const std::vector<config::HostChange>& changes) {
    if (!app.ledger.current())
        return "";
    bool with_deploy = false;
    std::vector<std::string> with_restart;
    for (const config::HostChange& change : changes) {
        const config::Effect effect = config::effect_of(*config::find_key(change.key));
        with_deploy = with_deploy || effect == config::Effect::next_deploy;
        if (effect == config::Effect::restart)
            with_restart.push_back(change.key);
    }
    const auto restart = fmt::format("with: shipit -a {} restart", app.name().text());
    if (!with_deploy)
        return with_restart.empty() ? "" : "takes effect " + restart;
    return "takes effect with the next deploy" +
           (with_restart.empty()
                ? ""
                : fmt::format(", {} already {}", joined(with_restart, ", "), restart));
}

int set_settings(Invocation& invocation) {
    const auto app = invocation.app();
    const auto words = invocation.arguments.words();
    if (words.empty())
        return show_settings(invocation, app);
    const auto lock = deploy::lock_and_tidy(app, "set", invocation.patience());
    const auto changes = config::set_keys(app.layout.app_toml(), {words.begin(), words.end()});
    if (!changes.empty())
        app.note_event("set", std::nullopt, name_of(Outcome::done), recorded(changes));
    const auto has_set = [&changes](std::string_view key) {
        return std::any_of(changes.begin(), changes.end(), [key](const config::HostChange& change) {
            return change.key == key && change.after;
        });
    };
    if (has_set("app.user"))
        warn_of_user(app);
    if (has_set("app.port") || has_set("app.ports"))
        warn_of_ports(app);
    Json all = Json::array();
    for (const config::HostChange& change : changes) {
        all.push_back(Json::object(
            {{"key", change.key}, {"before", change.before}, {"after", change.after}}));
        if (!invocation.terminal.wants_json())
            invocation.terminal.print(
                change.after ? fmt::format("{}={}", change.key, printable(*change.after))
                             : fmt::format("{} removed", change.key));
    }
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(all);
    if (changes.empty())
        invocation.terminal.note("Nothing changed.");
    else if (const auto left = what_is_left(app, changes); !left.empty())
        invocation.terminal.note(left);
    return 0;
}

} // namespace

extern const Command create_command, apps_command, destroy_command, set_command;

const Command create_command{"create", "make an app",          {{"APP", Argument::Number::one}},
                             {},       {"shipit create blog"}, create};

const Command apps_command{"apps", "list the apps", {}, {}, {"shipit apps --json"}, list};

const Command destroy_command{
    "destroy",
    "remove an app with all its releases and data",
    {{"APP", Argument::Number::one}},
    {{"--confirm", "APP", "the app's name again: there is no way back"}, wait_option},
    {"shipit destroy blog --confirm blog"},
    destroy};

const Command set_command{
    "set",
    "show or change this host's settings of an app (shipit.toml(5))",
    {{"KEY=VALUE", Argument::Number::any}},
    {wait_option},
    {"shipit set app.port=8000 app.user=www-data", "shipit set health.path= (removes the key)"},
    set_settings};

} // namespace shipit::cmd
