// The supervisor's event loop: timers, descriptors, signals. A thin face of Boost.Asio's, so that
// only two files of this room are compiled against Boost.
//
// One thread. A callback that throws does not end the loop: what it threw goes to on_error(). Every
// handle cancels on destruction, also from within its own callback; callbacks never run inside the
// call that registers them.
//
// Asio (1.81) keeps the events of a round by descriptor, and gives the record of one that was
// released in that round to the next one that is waited for, with the event that is still to come.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace shipit::supervise {

using std::chrono::milliseconds;

class Loop {
  public:
    using Callback = std::function<void()>;

    class Timer {
      public:
        Timer() = default;
        Timer(Timer&&) noexcept;
        Timer& operator=(Timer&&) noexcept;
        Timer(const Timer&) = delete;
        Timer& operator=(const Timer&) = delete;
        ~Timer();
        void cancel() noexcept;

      private:
        friend class Loop;
        struct State;
        std::shared_ptr<State> m_state;
    };

    // Readiness of one descriptor, which it does not own and which must outlive it. One Watch per
    // descriptor. Each wish is answered once and has to be renewed: not to renew is back-pressure.
    class Watch {
      public:
        Watch() = default;
        Watch(Watch&&) noexcept;
        Watch& operator=(Watch&&) noexcept;
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;
        ~Watch();
        void when_readable(Callback callback);
        void when_writable(Callback callback);
        void cancel() noexcept;

      private:
        friend class Loop;
        struct State;
        std::shared_ptr<State> m_state;
    };

    // Calls back for every arrival of one of the signals, until destroyed.
    class Signals {
      public:
        Signals() = default;
        Signals(Signals&&) noexcept;
        Signals& operator=(Signals&&) noexcept;
        Signals(const Signals&) = delete;
        Signals& operator=(const Signals&) = delete;
        ~Signals();

      private:
        friend class Loop;
        struct State;
        std::shared_ptr<State> m_state;
    };

    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();       // until stop()
    void run_ready(); // what waits by now; also after stop()
    void stop();
    void post(Callback callback);
    // As post(), but when all events of the round have been told: for what waits for a descriptor
    // in another way than by a Watch, and would take an event that was left over for its own.
    void post_after_round(Callback callback);
    [[nodiscard]] Timer after(milliseconds delay, Callback callback);
    [[nodiscard]] Watch watch(int fd); // throws Error if the descriptor cannot be watched
    [[nodiscard]] Signals on_signals(const std::vector<int>& signals,
                                     std::function<void(int signal)> callback);

    // Where the text of an exception that left a callback goes.
    void on_error(std::function<void(const std::string& what)> sink);

    // For launch.cpp, which hands it to Boost.Process.
    [[nodiscard]] boost::asio::io_context& context();

  private:
    struct Engine;
    std::unique_ptr<Engine> m_engine;
};

} // namespace shipit::supervise
