#include "core/supervise/socket_path.hpp"

#include "core/base/error.hpp"
#include "core/sys/shortage.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr int backlog = 64;

// An address that stays good as long as this lives.
class Address {
  public:
    explicit Address(const Path& socket) {
        m_address.sun_family = AF_UNIX;
        std::string name = socket.string();
        if (name.size() >= sizeof m_address.sun_path) {
            m_folder = sys::open_file(socket.parent_path(), O_PATH | O_DIRECTORY);
            name = "/proc/self/fd/" + std::to_string(m_folder.get()) + "/" +
                   socket.filename().string();
        }
        if (name.size() >= sizeof m_address.sun_path)
            throw Error("the name of '" + socket.string() + "' is too long");
        std::memcpy(m_address.sun_path, name.c_str(), name.size() + 1);
    }

    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&m_address);
    }
    [[nodiscard]] static socklen_t size() { return sizeof(sockaddr_un); }

  private:
    sys::Fd m_folder;
    sockaddr_un m_address{};
};

sys::Fd unix_socket(const Path& socket, int flags) {
    sys::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
    if (!fd)
        throw_errno("cannot make a socket for '" + socket.string() + "'");
    return fd;
}

} // namespace

sys::Fd bound_at(const Path& socket, mode_t mode) {
    struct stat facts {};
    if (::lstat(socket.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode))
        throw Error("'" + socket.string() + "' is in the way of a socket");
    (void)::unlink(socket.c_str());
    const Address address(socket);
    sys::Fd fd = unix_socket(socket, 0);
    const mode_t before = ::umask(~mode & ALLPERMS); // from its first moment
    const int bound = ::bind(fd.get(), address.get(), Address::size());
    const int error = errno;
    (void)::umask(before);
    if (bound != 0)
        throw_errno("cannot make '" + socket.string() + "'", error);
    return fd;
}

sys::Fd listen_at(const Path& socket) {
    struct stat facts {};
    if (::lstat(socket.c_str(), &facts) == 0 && !S_ISSOCK(facts.st_mode))
        throw Error("'" + socket.string() + "' is in the way of the control socket");
    sys::Fd fd = bound_at(socket, S_IRUSR | S_IWUSR);
    if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0 || ::listen(fd.get(), backlog) != 0)
        throw_errno("cannot listen on '" + socket.string() + "'");
    return fd;
}

sys::Fd new_unix_socket(const Path& socket) {
    return unix_socket(socket, 0);
}

sys::Fd begin_connecting_to(const Path& socket) noexcept {
    try {
        const Address address(socket);
        sys::Fd fd = unix_socket(socket, SOCK_NONBLOCK);
        if (::connect(fd.get(), address.get(), Address::size()) == 0)
            return fd;
    } catch (const std::exception&) {
        errno = sys::lacks_descriptors(2) ? EMFILE : ENOENT;
    }
    return {};
}

sys::Fd connect_to(const Path& socket) {
    struct stat facts {};
    if (::lstat(socket.c_str(), &facts) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return {};
    const Address address(socket);
    sys::Fd fd = unix_socket(socket, 0);
    if (::connect(fd.get(), address.get(), Address::size()) == 0)
        return fd;
    if (errno == ECONNREFUSED || errno == ENOENT)
        return {};
    throw_errno("cannot reach '" + socket.string() + "'");
}

} // namespace shipit::supervise
