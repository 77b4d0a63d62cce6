#include "core/supervise/run_command.hpp"

#include "core/base/error.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr std::size_t output_chunk = 64 << 10;
constexpr unsigned drained_chunks = 32;
constexpr unsigned kill_rounds = 20; // a tree that forks faster than this is not to be had
constexpr milliseconds look_again{50};
constexpr milliseconds looking_patience = std::chrono::seconds(5); // then they are left alone

} // namespace

RunCommand::RunCommand(Loop& loop, Launch launch, milliseconds timeout, OnOutput on_output,
                       OnEnd on_end)
    : m_loop(loop), m_on_output(std::move(on_output)), m_on_end(std::move(on_end)),
      m_marks(marks_in(launch.environment)) {
    sys::Fd writing;
    if (m_on_output) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw_errno("cannot make a pipe");
        m_output.reset(ends[0]);
        writing.reset(ends[1]);
        (void)::fcntl(m_output.get(), F_SETFL, O_NONBLOCK);
        launch.output = launch.errors = writing.get();
        m_watch = loop.watch(m_output.get());
        listen();
    }
    m_child = std::make_unique<Child>(loop, launch, [this](WaitStatus status) { ended(status); });
    if (timeout > milliseconds(0))
        m_timeout = loop.after(timeout, [this] {
            m_timed_out = true;
            (void)kill_tree(); // its end is seen
        });
}

RunCommand::~RunCommand() {
    if (m_child && m_child->is_running())
        (void)kill_tree();
}

void RunCommand::answer_calls(Loop& loop, BindWatch::OnCall on_call) {
    m_calls = std::make_unique<BindWatch>(loop, m_child->take_calls(), std::move(on_call),
                                          [this] { m_calls.reset(); });
}

void RunCommand::signal(int signal) const noexcept {
    m_child->signal(signal);
}

bool RunCommand::kill_tree() const noexcept {
    m_child->signal(SIGSTOP); // forks nothing more
    for (unsigned round = 0; round < kill_rounds; ++round) {
        try {
            const auto rest = rest_of({m_child->name(), m_marks});
            m_child->signal(SIGKILL);
            if (rest.empty())
                return true;
            for (const Owned& process : rest)
                signal_exactly(process.name, SIGKILL);
        } catch (const std::exception&) { // it cannot be looked for, for want of descriptors, say
            break;
        }
        ::usleep(500); // they need a moment to be gone
        reap_orphans();
    }
    m_child->signal(SIGKILL);
    return false;
}

void RunCommand::listen() {
    m_watch.when_readable([this] {
        if (read_chunk())
            listen();
    });
}

bool RunCommand::read_chunk() {
    char chunk[output_chunk];
    const ssize_t got = ::read(m_output.get(), chunk, sizeof chunk);
    if (got > 0)
        m_on_output({chunk, static_cast<std::size_t>(got)});
    return got > 0 || (got < 0 && errno == EINTR);
}

void RunCommand::ended(WaitStatus status) {
    if (!m_looking)
        m_looking.emplace(looking_patience);
    // What it left behind holds our pipe, and perhaps a port.
    if (!kill_tree() && !m_looking->passed()) {
        m_timeout = m_loop.after(look_again, [this, status] { ended(status); });
        return;
    }
    m_timeout.cancel();
    reap_orphans();
    for (unsigned n = 0; m_output && n < drained_chunks && read_chunk(); ++n) {
    }
    m_watch.cancel();
    const OnEnd on_end = std::move(m_on_end); // which may destroy this
    on_end({status, m_timed_out});
}

} // namespace shipit::supervise
