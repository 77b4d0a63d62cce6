// One command at a time per app: flock(2) on a file that is never deleted.
//
// The kernel frees the lock when its holder dies, however it dies; O_CLOEXEC keeps children from
// inheriting it. The file's content says who holds it, for whoever waits; on a full disk it does
// not.
#pragma once

#include "core/base/text.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::sys {

struct LockHolder {
    std::string who;  // "alice (from 10.0.0.7)"
    std::string what; // "deploy"
    WallTime since;
    int pid = 0;

    // "alice (from 10.0.0.7), running 'deploy' since 2026-11-22T22:39:49Z (12 seconds ago), process
    // 4711"
    [[nodiscard]] std::string text(WallTime now) const;
};

class Lock {
  public:
    // Takes the lock or throws Error (Outcome::locked) that tells the holder, or Interrupted.
    // `patience`: how long to wait for it; zero to fail at once. `waiting` is called once with the
    // holder before a wait. `name`: how the error calls what is locked, if not by its file.
    Lock(const Path& file, const LockHolder& self, std::chrono::milliseconds patience,
         const std::function<void(const LockHolder&)>& waiting = {}, std::string_view name = {});
    // Goes on holding what the program before this one, in the same process, has taken.
    explicit Lock(Fd held) : m_fd(std::move(held)) {}
    Lock(Lock&&) = default;
    Lock& operator=(Lock&&) = default;

    // Who holds the lock now; nothing if nobody does. Does not take it.
    [[nodiscard]] static std::optional<LockHolder> holder(const Path& file);

    [[nodiscard]] int fd() const { return m_fd.get(); }

  private:
    Fd m_fd;
};

} // namespace shipit::sys
