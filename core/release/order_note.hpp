// The note in an app's folder that everything there is in order, so that the next command need not
// read all of its folders (of ten thousand releases, 70,000 names) for what one that died has left.
//
// Whoever takes the app's lock empties the note, and fills it again at the end: who is killed with
// the lock leaves it empty. It names the boot that it was filled in, since after a power cut nobody
// knows; and it is not filled by who could not clear up behind himself. A supervisor, which writes
// without the lock, takes the note away as it starts, since the one before it may have been killed;
// who held the lock meanwhile does not bring it back. Where one was killed and none has started
// since, the note is not asked (deploy/aftermath).
//
// No note, and one that says anything else, stand for: read all folders (Ledger::tidy).
#pragma once

#include "core/sys/file.hpp"

#include <string>

namespace shipit::release {

using sys::Path;

class OrderNote {
  public:
    // Under the app's lock: looks and empties it. Throws Error if it cannot, since the note would
    // be believed when this process is gone.
    explicit OrderNote(const Path& file);
    OrderNote(OrderNote&&) = default;
    OrderNote& operator=(OrderNote&&) = delete;
    OrderNote(const OrderNote&) = delete;
    OrderNote& operator=(const OrderNote&) = delete;
    ~OrderNote();

    // Nothing was left when the lock was taken, or all of it is gone since.
    [[nodiscard]] bool is_in_order() const { return m_is_in_order; }
    void set_in_order() { m_is_in_order = true; }

    // Without the lock; absent is fine.
    static void withdraw(const Path& file);

  private:
    std::string m_boot;
    sys::Fd m_fd;
    bool m_is_in_order = false;
};

} // namespace shipit::release
