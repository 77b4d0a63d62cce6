#include "core/deploy/app.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/running.hpp"
#include "core/release/events.hpp"
#include "core/slug/slug_contents.hpp"
#include "core/sys/clock.hpp"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

// Another root that has an app by that name, and whose it is.
std::optional<std::string> where_else(const Host& host, const AppName& name) {
    for (const sys::Path& root : release::usual_roots(host.origin.user)) {
        const release::Layout there{root, name};
        struct stat status {};
        if (root == host.root || !release::is_app(there) ||
            ::stat(there.folder().c_str(), &status) != 0)
            continue;
        return fmt::format("there is one under '{}', as user {}: shipit --root {} -a {} status",
                           root.string(), sys::user_name(status.st_uid),
                           shell_quoted(root.string()), name.text());
    }
    return std::nullopt;
}

[[noreturn]] void refuse_absent(const Host& host, const AppName& name) {
    if (const auto advice = where_else(host, name))
        throw Error(fmt::format("there is no app '{}' under '{}'", name.text(), host.root.string()))
            .advise(*advice);
    std::vector<std::string> names;
    for (const AppName& each : app_names(host))
        names.push_back(each.text());
    throw Error(fmt::format("there is no app '{}' under '{}'", name.text(), host.root.string()))
        .advise(meant_or(name.text(), names,
                         fmt::format("make it with 'shipit create {}'", name.text())));
}

// Of an app that is one no more. On the disk when this returns: config vars are among it.
void remove_rest(const release::Layout& layout) {
    sys::remove_tree(layout.run_folder());
    sys::remove_tree(layout.trash());
    sys::flush_folder(layout.trash().parent_path());
}

// What could not be destroyed serves as before.
void bring_back(const App& app) {
    try {
        ensure_supervisor(app);
    } catch (const Error& error) {
        app.host.progress.warn_of(error.why() + "; it is not running");
    }
}

} // namespace

App::App(Host at, release::Layout where)
    : host(std::move(at)), layout(std::move(where)), ledger(layout), marks(layout) {}

App App::open(Host host, AppName name) {
    release::Layout layout{host.root, std::move(name)};
    if (!release::is_app(layout))
        refuse_absent(host, layout.app);
    return {std::move(host), std::move(layout)};
}

ReleaseNumber App::live() const {
    if (const auto live = ledger.current())
        return *live;
    if (const auto lost = why_lost())
        throw Error(*lost);
    throw Error(fmt::format("nothing of '{}' is deployed", name().text()))
        .advise(fmt::format("shipit -a {} deploy BUILD", name().text()));
}

std::optional<Error> App::why_lost() const {
    const auto last = ledger.live_before_loss();
    if (!last)
        return std::nullopt;
    return Error(fmt::format("'{}' is gone, and so nothing is live; {} was",
                             layout.current().string(), last->text()),
                 Outcome::corrupt)
        .advise(fmt::format("shipit -a {} rollback {}", name().text(), last->text()));
}

AppLock App::lock(const std::string& what, std::chrono::milliseconds patience) const {
    const sys::LockHolder self{host.origin.text(), what, sys::now(), ::getpid()};
    try {
        const auto tell = [this](const sys::LockHolder& holder) {
            host.progress.begin_phase("waiting for " + holder.text(sys::now()));
        };
        sys::Lock lock(layout.lock(), self, patience, tell, name().text());
        release::make_app_folders(layout); // those that were empty may be missing from a backup
        return {std::move(lock), release::OrderNote(layout.order_note())};
    } catch (const Error&) {
        if (!release::is_app(layout)) // destroyed meanwhile
            refuse_absent(host, name());
        throw;
    }
}

config::Settings App::settings_of(std::optional<std::string> build_toml,
                                  std::optional<std::string> procfile) const {
    config::Sources sources;
    sources.build_toml = std::move(build_toml);
    sources.procfile = std::move(procfile);
    sources.host_toml = sys::read_file_if_any(layout.app_toml());
    sources.host_toml_name = layout.app_toml().string();
    return config::load(sources);
}

config::Settings App::settings_of_tree(const sys::Path& tree) const {
    return settings_of(sys::read_file_if_any(tree / "shipit.toml"),
                       sys::read_file_if_any(tree / "Procfile"));
}

config::Settings App::settings_of_slug(const sys::Path& slug_file) const {
    const slug::SlugFile slug(slug_file);
    return settings_of(slug::read_small_file(slug, "shipit.toml"),
                       slug::read_small_file(slug, "Procfile"));
}

config::Settings App::host_settings() const {
    return settings_of(std::nullopt, std::nullopt);
}

std::optional<sys::Account> App::account(const config::AppSettings& settings) const {
    if (settings.user.empty())
        return std::nullopt;
    sys::Account account = sys::account_of(settings.user);
    if (settings.user_is_builds && account.uid == 0)
        throw Error(
            fmt::format("the build asks to run as '{}', which is root", printable(settings.user)),
            Outcome::usage)
            .advise(fmt::format("if that is meant: shipit -a {} set app.user={}", name().text(),
                                account.name));
    if (::geteuid() == 0)
        return account;
    if (account.uid != ::geteuid())
        throw Error(fmt::format("app.user is '{}', and only root can run processes as another user",
                                account.name),
                    Outcome::usage)
            .advise("run shipit as root, or remove app.user");
    return std::nullopt;
}

bool App::is_ours() const {
    struct stat status {};
    return ::geteuid() == 0 || ::stat(layout.folder().c_str(), &status) != 0 ||
           status.st_uid == ::geteuid();
}

bool App::is_stopped() const {
    return sys::is_there(layout.stopped());
}

void App::set_stopped(bool stopped) const {
    if (stopped == is_stopped())
        return;
    if (stopped)
        sys::replace_durably(layout.stopped(), "", 0644);
    else
        (void)sys::remove_file_durably(layout.stopped());
}

void App::note_event(const std::string& event, std::optional<ReleaseNumber> release,
                     const std::string& result, const std::string& detail) const {
    try {
        release::append_event(layout.events(), {event, name().text(), release, host.origin.user,
                                                host.origin.address, sys::now(), result, detail});
    } catch (const Error& error) {
        host.progress.warn_of(error.why() + ", ignoring");
    }
}

App create_app(const Host& host, const AppName& name) {
    const release::Layout layout{host.root, name};
    if (release::is_app(layout))
        throw Error(fmt::format("there is an app '{}' already", name.text()))
            .advise(fmt::format("deploy to it: shipit -a {} deploy BUILD", name.text()));
    sys::remove_tree(layout.trash());
    release::make_app_folders(layout);
    App app = App::open(host, name);
    app.note_event("create", std::nullopt, name_of(Outcome::done));
    return app;
}

void destroy_app(App& app, std::chrono::milliseconds patience) {
    const auto lock = app.lock("destroy", patience);
    const bool was_supervised = is_supervised(app);
    try {
        end_supervisor(app);
        app.note_event("destroy", std::nullopt, "started"); // for who follows them
        // Of an earlier one by that name, whose removal was killed.
        sys::remove_tree(app.layout.trash());
        // At once: what is left if this is killed is no app any more.
        sys::rename_durably(app.layout.folder(), app.layout.trash());
        remove_rest(app.layout);
    } catch (Error& error) {
        if (!release::is_app(app.layout))
            error.advise_instead(
                fmt::format("'{}' is no app any more; the same command again removes what "
                            "is left of its files",
                            app.name().text()));
        else if (was_supervised)
            bring_back(app);
        throw;
    }
}

bool finish_destroying(const Host& host, const AppName& name) {
    const release::Layout layout{host.root, name};
    if (release::is_app(layout) || !sys::is_there(layout.trash()))
        return false;
    remove_rest(layout);
    return true;
}

} // namespace shipit::deploy
