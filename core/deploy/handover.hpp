// One generation takes another's place: the conversation with the supervisor, as seen from here.
//
//   Handover handover(app, generation, kind); // the new one is started beside the old one
//   handover.prove();  // returns when the new one is healthy and has the traffic
//   …                  // `current` and the record move
//   handover.commit(); // from here on the new one stays
//   handover.watch();  // returns when the watch window has passed
//
// A Handover that is destroyed, or whose process dies, before commit() leaves the decision to the
// supervisor, which looks at what `current` points at. Where that cannot tell (the live release is
// restarted or scaled), it goes on if the process dies, and is called off by the destructor, which
// waits for that.
#pragma once

#include "core/deploy/app.hpp"
#include "core/supervise/client.hpp"
#include "core/supervise/program.hpp"

#include <optional>
#include <string>

namespace shipit::deploy {

class Handover {
  public:
    enum class Kind {
        goes_back, // if it fails within its watch window, the old one, still warm, gets the traffic
        stays,
        scales, // it is the live release with more or fewer processes; the others go on
    };

    // Starts the app's supervisor if there is none.
    Handover(const App& app, const supervise::Generation& generation, Kind kind);
    ~Handover();
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    // Throws Error: release_failed (the old generation serves, or nothing did before), down (it had
    // to be stopped and could not be started again), with the reason and the new one's last lines.
    void prove();
    void commit();
    // False if the window was cut short: another command changed the app meanwhile, or the
    // supervisor ended. Throws Error (rolled_back) if the release failed within its window.
    [[nodiscard]] bool watch();
    // Whether somebody had said that it is good when it failed within its window: then it stays.
    [[nodiscard]] bool was_good() const { return m_was_good; }

  private:
    [[nodiscard]] Json next_message();
    [[nodiscard]] Json end_of_watch();
    void call_off() noexcept;
    void show(const Json& message) const;
    [[noreturn]] void fail(const Json& message);

    const App& m_app;
    ReleaseNumber m_release;
    std::optional<ReleaseNumber> m_before; // live when this began
    bool m_was_stopped;                    // the app, then
    supervise::Client m_client;
    bool m_is_open = true; // neither committed nor failed
    bool m_was_good = false;
};

} // namespace shipit::deploy
