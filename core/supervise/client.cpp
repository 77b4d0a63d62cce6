#include "core/supervise/client.hpp"

#include "core/sys/clock.hpp"

#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr std::size_t answer_chunk = 64 << 10;
constexpr std::size_t longest_message = 16 << 20;

[[noreturn]] void throw_gone() {
    throw SupervisorGone("the supervisor ended in the middle of its answer");
}

} // namespace

Client::Client(const Path& run_folder) : m_fd(connect_to(run_folder / control_socket_name)) {
    if (!m_fd)
        throw SupervisorGone("the supervisor of this app does not run");
}

bool Client::answers(const Path& run_folder, std::chrono::milliseconds patience) {
    try {
        (void)Client(run_folder).ask(Json::object({{"request", "ping"}}), patience);
        return true;
    } catch (const Error&) {
        return false;
    }
}

void Client::send(const Json& message) {
    const std::string line = message.dump() + "\n";
    std::size_t sent = 0;
    while (sent < line.size()) {
        const ssize_t got =
            ::send(m_fd.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw_gone();
        sent += static_cast<std::size_t>(got);
    }
}

std::optional<std::string> Client::take_line() {
    const auto newline = m_received.find('\n');
    if (newline == std::string::npos)
        return std::nullopt;
    std::string line = m_received.substr(0, newline);
    m_received.erase(0, newline + 1);
    return line;
}

void Client::receive() {
    char chunk[answer_chunk];
    const ssize_t got = ::read(m_fd.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0 || m_received.size() > longest_message)
        throw_gone();
    m_received.append(chunk, static_cast<std::size_t>(got));
}

std::optional<Json> Client::next(std::chrono::milliseconds patience) {
    const sys::Deadline deadline(patience);
    for (;;) {
        if (const auto line = take_line())
            return Json::parse(*line);
        pollfd wish{m_fd.get(), POLLIN, 0};
        const int ready = ::poll(&wish, 1, static_cast<int>(deadline.left().count()));
        if (ready < 0 && errno != EINTR)
            throw_errno("cannot wait for the supervisor");
        if (ready > 0)
            receive();
        else if (deadline.passed())
            return std::nullopt;
    }
}

Json Client::ask(const Json& request, std::chrono::milliseconds patience,
                 const std::function<void(const Json&)>& on_event) {
    send(request);
    const sys::Deadline deadline(patience);
    for (;;) {
        const auto message = next(deadline.left());
        if (!message)
            throw SupervisorSilent("the supervisor did not answer within " +
                                   duration_text(patience));
        if ((*message)["done"].boolean())
            return *message;
        if (on_event)
            on_event(*message);
    }
}

Json Client::demand(const Json& request, std::chrono::milliseconds patience,
                    const std::function<void(const Json&)>& on_event) {
    return accepted(ask(request, patience, on_event));
}

Json Client::accepted(Json answer) {
    if (!answer["ok"].boolean())
        throw Error(answer["why"].text("the supervisor refused")).advise(answer["next"].text());
    return answer;
}

} // namespace shipit::supervise
