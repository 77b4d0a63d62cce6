// Talks to an app's supervisor: blocking, with deadlines.
#pragma once

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/supervise/socket_path.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace shipit::supervise {

// There is no supervisor, or there is none any more.
class SupervisorGone : public Error {
  public:
    using Error::Error;
};

// There is one, and it did not answer in time: it hangs, or was told to halt.
class SupervisorSilent : public Error {
  public:
    using Error::Error;
};

class Client {
  public:
    // Connects. Throws SupervisorGone if nobody listens.
    explicit Client(const Path& run_folder);

    // Whether a supervisor answers in `run_folder`. That it listens would not do: the socket of one
    // that was just killed still takes connections for a moment.
    [[nodiscard]] static bool answers(const Path& run_folder, std::chrono::milliseconds patience);

    void send(const Json& message);
    // The next message; nothing if none came in time. Throws SupervisorGone.
    [[nodiscard]] std::optional<Json> next(std::chrono::milliseconds patience);

    // Sends a request and reads until the last answer ("done": true), which it returns whether ok
    // or not. Events on the way go to `on_event`. Throws SupervisorGone, and SupervisorSilent if
    // the last answer did not come within `patience`.
    Json ask(const Json& request, std::chrono::milliseconds patience,
             const std::function<void(const Json&)>& on_event = {});

    // As ask(), but an answer that is not ok is thrown as Error with its reason.
    Json demand(const Json& request, std::chrono::milliseconds patience,
                const std::function<void(const Json&)>& on_event = {});

    // The last answer, if it is ok; else thrown likewise.
    [[nodiscard]] static Json accepted(Json answer);

  private:
    [[nodiscard]] std::optional<std::string> take_line();
    void receive();

    sys::Fd m_fd;
    std::string m_received;
};

} // namespace shipit::supervise
