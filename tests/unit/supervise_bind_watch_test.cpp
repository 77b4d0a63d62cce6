#include "core/supervise/bind_watch.hpp"

#include "core/supervise/addresses.hpp"
#include "core/supervise/pass_fd.hpp"
#include "tests/unit/few_descriptors.hpp"
#include "tests/unit/supervised_app.hpp"

#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::supervise;

namespace {

sockaddr_in loopback() {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return name;
}

// Binds sockets, one after the other; gives the first errno, or EINVAL if one was not replaced.
int bind_again_and_again(int to_parent, int times) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errno;
    const int notifications = install_filter(Reported::binds);
    if (notifications < 0 || !send_fd(to_parent, notifications))
        return errno;
    (void)::close(notifications);
    const sockaddr_in name = loopback();
    for (int i = 0; i < times; ++i) {
        const sys::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
            return errno;
        int accepts = 0;
        socklen_t size = sizeof accepts;
        if (::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) != 0 || accepts == 0)
            return EINVAL;
    }
    return 0;
}

// Signals for this process, as fast as they can be had, while it lives.
class ManySignals {
  public:
    ManySignals() {
        struct sigaction action {};
        action.sa_handler = [](int) {}; // without SA_RESTART, as the loop's are
        (void)::sigaction(SIGALRM, &action, &m_before);
        constexpr itimerval often{{0, 20}, {0, 20}};
        (void)::setitimer(ITIMER_REAL, &often, nullptr);
    }
    ~ManySignals() {
        constexpr itimerval never{};
        (void)::setitimer(ITIMER_REAL, &never, nullptr);
        (void)::sigaction(SIGALRM, &m_before, nullptr);
    }
    ManySignals(const ManySignals&) = delete;
    ManySignals& operator=(const ManySignals&) = delete;

  private:
    struct sigaction m_before {};
};

} // namespace

TEST_SUITE("supervise::BindWatch") {
    TEST_CASE("no signal that the supervisor gets meanwhile makes a program's bind fail") {
        if (const auto why = why_no_bind_watch()) {
            MESSAGE(*why);
            return;
        }
        auto [ours, childs] = message_pair();
        const pid_t child = ::fork();
        if (child == 0)
            ::_exit(bind_again_and_again(childs.get(), 500));
        childs.reset();
        char byte = 0;
        sys::Fd notifications;
        REQUIRE(receive(ours.get(), &byte, sizeof byte, notifications) > 0);

        const sys::Fd slot(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in name = loopback();
        REQUIRE(::bind(slot.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
        REQUIRE(::listen(slot.get(), 1) == 0);
        Loop loop;
        const Loop::Timer end = loop.after(tests::patience, [&loop] { loop.stop(); });
        Loop::Watch ended = loop.watch(ours.get());
        ended.when_readable([&loop] { loop.stop(); });
        const BindWatch watch(
            loop, std::move(notifications),
            [&slot](const BindCall&) {
                return BindAnswer{BindAnswer::Kind::replace, slot.get()};
            },
            [] {});
        {
            const ManySignals many;
            loop.run();
        }
        (void)::kill(child, SIGKILL);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
    }
}

#ifndef __SANITIZE_ADDRESS__ // UBSan, beside it, looks through a pipe at the objects that it judges
TEST_CASE(
    "without descriptors to look at a bind, it fails: the program would have its own socket") {
    auto [ours, childs] = message_pair();
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(bind_again_and_again(childs.get(), 1));
    childs.reset();
    char byte = 0;
    sys::Fd notifications;
    REQUIRE(receive(ours.get(), &byte, sizeof byte, notifications) > 0);
    Loop loop;
    const Loop::Timer end = loop.after(tests::patience, [&loop] { loop.stop(); });
    Loop::Watch ended = loop.watch(ours.get());
    ended.when_readable([&loop] { loop.stop(); });
    const BindWatch watch(
        loop, std::move(notifications), [](const BindCall&) { return BindAnswer{}; }, [] {});
    {
        const tests::FewDescriptors few(1);
        loop.run();
    }
    (void)::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == EMFILE);
}

TEST_CASE("what cannot be tried for want of descriptors is not taken for forbidden") {
    for (int left = 0; left < 8; ++left) {
        std::string threw;
        {
            const tests::FewDescriptors few(left);
            try {
                (void)why_no_handover();
            } catch (const std::exception& error) { // also Boost's
                threw = error.what();
            }
        }
        CHECK(threw.find("Too many open files") != std::string::npos);
    }
}
#endif

// Before Linux 6.11, a filter has users until the last process that has it was waited for.
TEST_CASE("to try the hand-over takes no longer than the child that tries it lives") {
    const auto begin = std::chrono::steady_clock::now();
    if (const auto why = why_no_bind_watch())
        MESSAGE(*why);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
}

TEST_CASE("a supervisor that is killed while it tries the hand-over leaves nobody behind") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const sys::Fd read_end(ends[0]);
    sys::Fd held(ends[1]); // by everybody who lives
    std::vector<pid_t> supervisors;
    for (int i = 0; i < 60; ++i) {
        const pid_t supervisor = ::fork();
        if (supervisor == 0) {
            (void)::setpgid(0, 0);
            for (;;)
                (void)why_no_bind_watch();
        }
        REQUIRE(supervisor > 0);
        supervisors.push_back(supervisor);
        std::this_thread::sleep_for(std::chrono::microseconds(200 * (i % 20))); // at any moment
        (void)::kill(supervisor, SIGKILL);
        REQUIRE(::waitpid(supervisor, nullptr, 0) == supervisor);
    }
    held.reset();
    constexpr int patience_ms = 5000;
    pollfd end{read_end.get(), POLLIN, 0};
    CHECK(::poll(&end, 1, patience_ms) == 1); // its end: nobody has the other one
    for (const pid_t supervisor : supervisors)
        (void)::kill(-supervisor, SIGKILL);
}
