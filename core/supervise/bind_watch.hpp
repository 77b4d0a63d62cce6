// A child's bind(2) and listen(2), or its connect(2), told to the supervisor before they happen:
// seccomp's user notification (seccomp_unotify(2)).
//
// The filter goes into the child between fork and exec, and into all that it forks. It reports
// `bind` or `connect` with an address that is as long as IPv4's or longer (some pass the size of a
// sockaddr_storage), or, where Unix sockets are asked for, of any length but netlink's, and
// `listen`; everything else runs at full speed, and so do the calls of another architecture, such
// as i386. The calling thread waits until it is answered. When the supervisor dies, these calls
// fail with ENOSYS in the processes that have the filter.
#pragma once

#include "core/supervise/become.hpp"
#include "core/supervise/loop.hpp"
#include "core/supervise/tcp_address.hpp"
#include "core/sys/fd.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <sys/types.h>

namespace shipit::supervise {

// In the child, which must have no_new_privs or CAP_SYS_ADMIN. Gives the descriptor for a
// BindWatch, or -1 with errno. Only makes system calls.
[[nodiscard]] int install_filter(Reported reported) noexcept;

// Whether all that it takes can be had here, by trying it on a child: why not, or nothing.
[[nodiscard]] std::optional<std::string> why_no_bind_watch();

// A call that waits for its answer.
struct BindCall {
    pid_t process = 0; // not the thread
    int descriptor = -1;
    enum class What { bind, listen, connect } what = What::bind;
    TcpAddress address; // of bind and connect
    sys::Path path;     // of bind to a Unix socket, absolute; then there is no address
    sys::Fd socket;     // the program's own, seen from here
    bool closes_on_exec = false;
};

struct BindAnswer {
    enum class Kind {
        go_on,   // let the kernel do it
        done,    // it succeeded, say so
        fail,    // with `value` as errno
        replace, // put a duplicate of descriptor `value` into its place; then it succeeded
    };
    Kind kind = Kind::go_on;
    int value = 0;
};

class BindWatch {
  public:
    using OnCall = std::function<BindAnswer(const BindCall&)>;

    // `notifications` is install_filter()'s. `on_gone` is called when no process with the
    // filter is left; it may destroy this.
    BindWatch(Loop& loop, sys::Fd notifications, OnCall on_call, Loop::Callback on_gone);
    BindWatch(const BindWatch&) = delete;
    BindWatch& operator=(const BindWatch&) = delete;
    [[nodiscard]] int notifications() const { return m_notifications.get(); }

  private:
    void listen();
    void take();

    sys::Fd m_notifications;
    Loop::Watch m_watch; // before the descriptor is closed
    OnCall m_on_call;
    Loop::Callback m_on_gone;
};

} // namespace shipit::supervise
