// An authorized_keys file on disk: read, changed and written by one at a time, whole or not at all.
#pragma once

#include "core/sys/acting_as.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <optional>
#include <string>

namespace shipit::ssh {

class KeysFile {
  public:
    // ~/.ssh/authorized_keys of whoever runs this, by the host's records, as sshd has it.
    [[nodiscard]] static sys::Path own();

    enum class For { reading, changing };
    // For changing: makes its folder (0700) where there is none, and locks that for as long as this
    // lives. Root does all of it as the owner of the folder, who may have put links anywhere in it.
    // A file that is a symlink is followed.
    KeysFile(const sys::Path& file, For use);

    [[nodiscard]] const sys::Path& path() const { return m_path; }
    // Empty if there is no file.
    [[nodiscard]] std::string text() const;
    // On disk on return. A file that is there keeps its owner, and its mode but for the right of
    // others to write it; a new one in a folder .ssh has 0600, elsewhere (where sshd may have to
    // read it as another user) 0644.
    void replace(const std::string& text) const;
    // Why sshd would take no key from there: somebody else may write to it. Empty if all is well.
    [[nodiscard]] std::string complaint() const;

  private:
    std::optional<sys::ActingAs> m_owner; // first: nothing is touched as root
    sys::Path m_path;
    sys::Fd m_lock;
};

} // namespace shipit::ssh
