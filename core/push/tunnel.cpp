#include "core/push/tunnel.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shipit::push {

namespace {

std::pair<sys::Fd, sys::Fd> pipe_ends() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw_errno("cannot make a pipe");
    return {sys::Fd(ends[0]), sys::Fd(ends[1])};
}

// We ignore SIGPIPE and remember SIGINT; what we start does as programs do.
int spawn(pid_t& pid, std::vector<std::string>& command, int in, int out) {
    std::vector<char*> arguments;
    for (auto& word : command)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    (void)::posix_spawn_file_actions_init(&actions);
    (void)::posix_spawnattr_init(&attributes);
    (void)::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    (void)::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    sigset_t signals;
    (void)::sigemptyset(&signals);
    (void)::sigaddset(&signals, SIGPIPE);
    (void)::sigaddset(&signals, SIGHUP);
    (void)::posix_spawnattr_setsigdefault(&attributes, &signals);
    (void)::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const int failure =
        ::posix_spawnp(&pid, arguments.front(), &actions, &attributes, arguments.data(), environ);
    (void)::posix_spawn_file_actions_destroy(&actions);
    (void)::posix_spawnattr_destroy(&attributes);
    return failure;
}

} // namespace

std::vector<std::string> words_of(std::string_view command) {
    std::vector<std::string> words;
    for (const auto word : split(command, ' '))
        if (!trimmed(word).empty())
            words.emplace_back(trimmed(word));
    return words;
}

Tunnel::Tunnel(std::vector<std::string> command) : m_program(command.at(0)) {
    auto [their_in, our_out] = pipe_ends();
    auto [our_in, their_out] = pipe_ends();
    if (const int failure = spawn(m_pid, command, their_in.get(), their_out.get()); failure != 0)
        throw Error(fmt::format("cannot run '{}': {}", printable(m_program), errno_text(failure)))
            .advise("install OpenSSH's client, or name another program with --ssh");
    m_from = std::move(our_in);
    m_to = std::move(our_out);
}

Tunnel::~Tunnel() {
    if (m_pid <= 0)
        return;
    m_to.reset();
    m_from.reset();
    (void)::kill(m_pid, SIGTERM);
    (void)finish();
}

int Tunnel::finish() {
    constexpr int signal_base = 128;
    m_to.reset();
    const pid_t pid = std::exchange(m_pid, -1);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1; // somebody ignores SIGCHLD: nobody knows
    return WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status);
}

} // namespace shipit::push
