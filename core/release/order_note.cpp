#include "core/release/order_note.hpp"

#include "core/base/error.hpp"
#include "core/sys/process.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace shipit::release {

namespace {

constexpr mode_t mode_of_note = 0600;

// Nothing where there is no room for a new one.
sys::Fd open_note(const Path& file) {
    sys::Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mode_of_note));
    if (!fd && errno != ENOSPC && errno != EDQUOT)
        throw_errno("cannot open '" + file.string() + "'");
    return fd;
}

} // namespace

OrderNote::OrderNote(const Path& file) : m_boot(sys::boot_id()), m_fd(open_note(file)) {
    if (!m_fd)
        return;
    m_is_in_order = !m_boot.empty() && sys::read_all(m_fd.get(), file, 4096) == m_boot;
    if (::ftruncate(m_fd.get(), 0) != 0)
        throw_errno("cannot write '" + file.string() + "'");
}

OrderNote::~OrderNote() {
    if (!m_fd || !m_is_in_order || sys::has_left_something())
        return;
    // Cut short by a full disk, it says nothing.
    (void)!::pwrite(m_fd.get(), m_boot.data(), m_boot.size(), 0);
}

void OrderNote::withdraw(const Path& file) {
    (void)sys::remove_file(file);
}

} // namespace shipit::release
