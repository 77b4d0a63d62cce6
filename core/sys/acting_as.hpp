// Root, doing something in a folder of somebody else: as that user, so that a link which stands in
// the way leads nowhere that the user could not go.
#pragma once

#include <vector>

#include <sys/types.h>

namespace shipit::sys {

class ActingAs {
  public:
    // Nothing happens unless we are root and `user` is not. Throws Error.
    explicit ActingAs(uid_t user);
    ~ActingAs(); // root again
    ActingAs(const ActingAs&) = delete;
    ActingAs& operator=(const ActingAs&) = delete;

  private:
    void give_back() const noexcept;

    bool m_is_acting = false;
    gid_t m_group = 0;
    std::vector<gid_t> m_groups;
};

} // namespace shipit::sys
