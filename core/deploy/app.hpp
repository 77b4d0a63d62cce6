// One app, opened for a use case.
#pragma once

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/config/settings.hpp"
#include "core/deploy/host.hpp"
#include "core/release/layout.hpp"
#include "core/release/ledger.hpp"
#include "core/release/marks.hpp"
#include "core/release/order_note.hpp"
#include "core/sys/lock.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace shipit::deploy {

// The app's lock, and that the app's folders are in order when it is free again.
struct AppLock {
    sys::Lock lock;
    release::OrderNote order;
};

class App {
  public:
    // Throws Error if there is no such app, with the one that was probably meant.
    [[nodiscard]] static App open(Host host, AppName name);

    Host host;
    release::Layout layout;
    release::Ledger ledger;
    release::Marks marks;

    [[nodiscard]] const AppName& name() const { return layout.app; }

    // What is live. Throws Error that says what to do where nothing is.
    [[nodiscard]] ReleaseNumber live() const;
    // What to say of a `current` that is gone; nothing before the first release went live.
    [[nodiscard]] std::optional<Error> why_lost() const;

    // One command at a time; `what` it is, others are told. Says who holds the lock if it has to
    // wait; throws Error (locked). All of the app's folders are there then.
    [[nodiscard]] AppLock lock(const std::string& what, std::chrono::milliseconds patience) const;

    // The settings of a release's tree (its shipit.toml and Procfile), or of a build's texts, under
    // this host's app.toml. Throws Error (usage) naming file, line and column.
    [[nodiscard]] config::Settings settings_of_tree(const sys::Path& tree) const;
    [[nodiscard]] config::Settings settings_of_slug(const sys::Path& slug_file) const;
    [[nodiscard]] config::Settings settings_of(std::optional<std::string> build_toml,
                                               std::optional<std::string> procfile) const;
    // This host's alone.
    [[nodiscard]] config::Settings host_settings() const;

    // The account that app.user names; nothing where shipit is not root or there is no such
    // setting. Throws Error (usage) for a user that does not exist, and where only root could
    // switch to it.
    [[nodiscard]] std::optional<sys::Account> account(const config::AppSettings& settings) const;

    // Whether it is ours to look into: it belongs to whoever runs this, or that is root.
    [[nodiscard]] bool is_ours() const;

    // Whether `shipit stop` was the last word about this app.
    [[nodiscard]] bool is_stopped() const;
    void set_stopped(bool stopped) const;

    // Appends to events.jsonl; a failure is a warning, since what happened has happened.
    void note_event(const std::string& event, std::optional<ReleaseNumber> release,
                    const std::string& result, const std::string& detail = {}) const;

  private:
    App(Host at, release::Layout where);
};

// Makes the app's folder. Throws Error if there is one.
App create_app(const Host& host, const AppName& name);

// Stops everything of the app and removes all that is its own, data in shared/ included.
void destroy_app(App& app, std::chrono::milliseconds patience);

// Removes what a destroy_app() that was killed has left of an app, which is none any more; its
// config vars are in that. Gives whether there was something.
bool finish_destroying(const Host& host, const AppName& name);

} // namespace shipit::deploy
