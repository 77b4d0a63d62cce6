#include "core/supervise/loop.hpp"

#include "core/base/error.hpp"

#include <csignal>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <poll.h>

namespace shipit::supervise {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

namespace {

// An edge between Asio and our callbacks, which may throw.
struct Edge {
    std::function<void(const std::string&)> sink;

    template <class Callback, class... Arguments>
    void cross(const Callback& callback, Arguments... arguments) const noexcept {
        try {
            callback(arguments...);
        } catch (const std::exception& error) {
            tell(error.what());
        } catch (...) {
            tell("unknown exception");
        }
    }

    void tell(const char* what) const noexcept {
        try {
            if (sink)
                sink(what);
        } catch (...) { // nobody is left to be told
        }
    }
};

} // namespace

struct Loop::Engine {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::shared_ptr<Edge> edge = std::make_shared<Edge>();
};

// --- Timer ---

struct Loop::Timer::State {
    explicit State(asio::io_context& context) : timer(context) {}
    asio::steady_timer timer;
    Callback callback;
};

Loop::Timer::Timer(Timer&&) noexcept = default;

Loop::Timer& Loop::Timer::operator=(Timer&& other) noexcept {
    if (this != &other) {
        cancel();
        m_state = std::move(other.m_state);
    }
    return *this;
}

Loop::Timer::~Timer() {
    cancel();
}

void Loop::Timer::cancel() noexcept {
    if (!m_state)
        return;
    m_state->callback = nullptr;
    m_state->timer.cancel();
    m_state.reset();
}

// --- Watch ---

struct Loop::Watch::State : std::enable_shared_from_this<State> {
    State(asio::io_context& context, std::shared_ptr<Edge> the_edge)
        : descriptor(context), edge(std::move(the_edge)) {}
    ~State() {
        if (descriptor.is_open())
            descriptor.release(); // the descriptor is its owner's to close
    }

    void wait(asio::posix::stream_descriptor::wait_type what, Callback Loop::Watch::State::*slot) {
        descriptor.async_wait(what,
                              [self = shared_from_this(), what, slot](const ErrorCode& error) {
                                  if (!error && (*self).*slot && !self->is_ready(what))
                                      return self->wait(what, slot); // it was another's event
                                  Callback callback = std::exchange((*self).*slot, nullptr);
                                  if (error != asio::error::operation_aborted && callback)
                                      self->edge->cross(callback);
                              });
    }

    bool is_ready(asio::posix::stream_descriptor::wait_type what) {
        const bool reads = what == asio::posix::stream_descriptor::wait_read;
        pollfd wish{descriptor.native_handle(), static_cast<short>(reads ? POLLIN : POLLOUT), 0};
        return ::poll(&wish, 1, 0) != 0; // where it cannot be told, whoever waits finds out
    }

    asio::posix::stream_descriptor descriptor;
    std::shared_ptr<Edge> edge;
    Callback readable;
    Callback writable;
};

Loop::Watch::Watch(Watch&&) noexcept = default;

Loop::Watch& Loop::Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        cancel();
        m_state = std::move(other.m_state);
    }
    return *this;
}

Loop::Watch::~Watch() {
    cancel();
}

void Loop::Watch::when_readable(Callback callback) {
    const bool waiting = static_cast<bool>(m_state->readable);
    m_state->readable = std::move(callback);
    if (!waiting)
        m_state->wait(asio::posix::stream_descriptor::wait_read, &State::readable);
}

void Loop::Watch::when_writable(Callback callback) {
    const bool waiting = static_cast<bool>(m_state->writable);
    m_state->writable = std::move(callback);
    if (!waiting)
        m_state->wait(asio::posix::stream_descriptor::wait_write, &State::writable);
}

void Loop::Watch::cancel() noexcept {
    if (!m_state)
        return;
    m_state->readable = nullptr;
    m_state->writable = nullptr;
    if (m_state->descriptor.is_open())
        m_state->descriptor.release();
    m_state.reset();
}

// --- Signals ---

struct Loop::Signals::State : std::enable_shared_from_this<State> {
    State(asio::io_context& context, std::shared_ptr<Edge> the_edge)
        : set(context), edge(std::move(the_edge)) {}

    void wait() {
        set.async_wait([self = shared_from_this()](const ErrorCode& error, int signal) {
            if (error || !self->callback)
                return;
            self->edge->cross(self->callback, signal);
            if (self->callback)
                self->wait();
        });
    }

    asio::signal_set set;
    std::shared_ptr<Edge> edge;
    std::function<void(int)> callback;
};

Loop::Signals::Signals(Signals&&) noexcept = default;
Loop::Signals& Loop::Signals::operator=(Signals&& other) noexcept {
    std::swap(m_state, other.m_state);
    return *this;
}

Loop::Signals::~Signals() {
    if (!m_state)
        return;
    ErrorCode ignored;
    m_state->set.clear(ignored);
    m_state->set.cancel(ignored);
}

// --- Loop ---

Loop::Loop() : m_engine(std::make_unique<Engine>()) {}
Loop::~Loop() = default;

void Loop::run() {
    m_engine->context.restart();
    m_engine->context.run();
}

void Loop::run_ready() {
    m_engine->context.restart();
    m_engine->context.poll();
}

void Loop::stop() {
    m_engine->context.stop();
}

void Loop::post(Callback callback) {
    asio::post(m_engine->context,
               [edge = m_engine->edge, callback = std::move(callback)] { edge->cross(callback); });
}

// Asio tells of timers after the descriptors that the same round has found.
void Loop::post_after_round(Callback callback) {
    auto timer =
        std::make_shared<asio::steady_timer>(m_engine->context, std::chrono::milliseconds(0));
    timer->async_wait(
        [timer, edge = m_engine->edge, callback = std::move(callback)](const ErrorCode& error) {
            if (!error)
                edge->cross(callback);
        });
}

Loop::Timer Loop::after(milliseconds delay, Callback callback) {
    Timer timer;
    timer.m_state = std::make_shared<Timer::State>(m_engine->context);
    timer.m_state->callback = std::move(callback);
    timer.m_state->timer.expires_after(delay);
    timer.m_state->timer.async_wait(
        [state = timer.m_state, edge = m_engine->edge](const ErrorCode& error) {
            const Callback due = std::exchange(state->callback, nullptr);
            if (!error && due)
                edge->cross(due);
        });
    return timer;
}

Loop::Watch Loop::watch(int fd) {
    Watch watch;
    watch.m_state = std::make_shared<Watch::State>(m_engine->context, m_engine->edge);
    ErrorCode error;
    watch.m_state->descriptor.assign(fd, error);
    if (error)
        throw_errno("cannot watch a descriptor", error.value());
    return watch;
}

Loop::Signals Loop::on_signals(const std::vector<int>& signals, std::function<void(int)> callback) {
    Signals result;
    result.m_state = std::make_shared<Signals::State>(m_engine->context, m_engine->edge);
    result.m_state->callback = std::move(callback);
    for (const int signal : signals)
        result.m_state->set.add(signal);
    result.m_state->wait();
    return result;
}

void Loop::on_error(std::function<void(const std::string&)> sink) {
    m_engine->edge->sink = std::move(sink);
}

asio::io_context& Loop::context() {
    return m_engine->context;
}

} // namespace shipit::supervise
