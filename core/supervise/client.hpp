// Talks to an app's supervisor: blocking, with deadlines.
#pragma once

#include "core/base/json.hpp"
#include "core/supervise/socket_path.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace shipit::supervise {

class Client {
  public:
    // Connects. Throws Error ("the supervisor of this app does not run") if nobody answers.
    explicit Client(const Path& run_folder);

    // Whether a supervisor listens in `run_folder`.
    [[nodiscard]] static bool is_supervised(const Path& run_folder);
    // Whether one answers, which takes more: the socket of one that was just killed may still take
    // connections.
    [[nodiscard]] static bool answers(const Path& run_folder, std::chrono::milliseconds patience);

    void send(const Json& message);
    // The next message; nothing if none came in time. Throws Error if the supervisor is gone.
    [[nodiscard]] std::optional<Json> next(std::chrono::milliseconds patience);

    // Sends a request and reads until the last answer ("done": true), which it returns whether ok
    // or not. Events on the way go to `on_event`. Throws Error if the supervisor is gone or the
    // last answer did not come within `patience`.
    Json ask(const Json& request, std::chrono::milliseconds patience,
             const std::function<void(const Json&)>& on_event = {});

    // As ask(), but an answer that is not ok is thrown as Error with its reason.
    Json demand(const Json& request, std::chrono::milliseconds patience,
                const std::function<void(const Json&)>& on_event = {});

  private:
    [[nodiscard]] std::optional<std::string> take_line();
    void receive();

    sys::Fd m_fd;
    std::string m_received;
};

} // namespace shipit::supervise
