#include "core/sys/acting_as.hpp"

#include "core/base/error.hpp"
#include "core/sys/account.hpp"

#include <cerrno>
#include <string>

#include <grp.h>
#include <unistd.h>

namespace shipit::sys {

ActingAs::ActingAs(uid_t user) : m_group(::getegid()) {
    if (::geteuid() != 0 || user == 0)
        return;
    const Account account = account_of(std::to_string(user));
    const int count = ::getgroups(0, nullptr);
    m_groups.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (count < 0 || ::getgroups(count, m_groups.data()) != count)
        throw_errno("cannot tell our own groups");
    m_is_acting = true;
    if (::setgroups(account.groups.size(), account.groups.data()) == 0 &&
        ::setegid(account.gid) == 0 && ::seteuid(account.uid) == 0)
        return;
    const int error = errno;
    give_back();
    throw_errno("cannot act as user '" + account.name + "'", error);
}

ActingAs::~ActingAs() {
    if (m_is_acting)
        give_back();
}

// Where that fails, we stay somebody who may do less.
void ActingAs::give_back() const noexcept {
    (void)!::seteuid(0);
    (void)!::setegid(m_group);
    (void)!::setgroups(m_groups.size(), m_groups.data());
}

} // namespace shipit::sys
