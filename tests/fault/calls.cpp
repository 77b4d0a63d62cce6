#include "tests/fault/calls.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <map>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace shipit::fault {

namespace {

constexpr int none = -1;

// Which argument is a descriptor (of a folder, where there is a path, too), and which the path.
struct Row {
    std::uint64_t number;
    const char* name;
    Kind kind;
    int descriptor;
    int path;
};

// Not every system call there is exists on every machine.
constexpr Row rows[] = {
#ifdef SYS_open
    {SYS_open, "open", Kind::open, none, 0},
    {SYS_creat, "creat", Kind::open_new, none, 0},
    {SYS_rename, "rename", Kind::create, none, 1},
    {SYS_link, "link", Kind::create, none, 1},
    {SYS_symlink, "symlink", Kind::create, none, 1},
    {SYS_unlink, "unlink", Kind::remove, none, 0},
    {SYS_mkdir, "mkdir", Kind::create, none, 0},
    {SYS_rmdir, "rmdir", Kind::remove, none, 0},
    {SYS_mknod, "mknod", Kind::create, none, 0},
    {SYS_chmod, "chmod", Kind::attributes, none, 0},
    {SYS_chown, "chown", Kind::attributes, none, 0},
    {SYS_lchown, "lchown", Kind::attributes, none, 0},
    {SYS_fork, "fork", Kind::process, none, none},
    {SYS_vfork, "vfork", Kind::process, none, none},
    {SYS_pipe, "pipe", Kind::descriptor, none, none},
    {SYS_dup2, "dup2", Kind::descriptor, none, none},
#endif
#ifdef SYS_renameat
    {SYS_renameat, "renameat", Kind::create, 2, 3},
#endif
    {SYS_openat, "openat", Kind::open, 0, 1},
    {SYS_openat2, "openat2", Kind::open, 0, 1},
    {SYS_renameat2, "renameat2", Kind::create, 2, 3},
    {SYS_linkat, "linkat", Kind::create, 2, 3},
    {SYS_symlinkat, "symlinkat", Kind::create, 1, 2},
    {SYS_unlinkat, "unlinkat", Kind::remove, 0, 1},
    {SYS_mkdirat, "mkdirat", Kind::create, 0, 1},
    {SYS_mknodat, "mknodat", Kind::create, 0, 1},
    {SYS_write, "write", Kind::data, 0, none},
    {SYS_pwrite64, "pwrite64", Kind::data, 0, none},
    {SYS_writev, "writev", Kind::data, 0, none},
    {SYS_pwritev, "pwritev", Kind::data, 0, none},
    {SYS_pwritev2, "pwritev2", Kind::data, 0, none},
    {SYS_copy_file_range, "copy_file_range", Kind::data, 2, none},
    {SYS_sendfile, "sendfile", Kind::data, 0, none},
    {SYS_splice, "splice", Kind::data, 2, none},
    {SYS_ioctl, "ioctl", Kind::none, 0, none}, // a few of its requests
    {SYS_truncate, "truncate", Kind::data, none, 0},
    {SYS_ftruncate, "ftruncate", Kind::data, 0, none},
    {SYS_fallocate, "fallocate", Kind::data, 0, none},
    {SYS_fchmod, "fchmod", Kind::attributes, 0, none},
    {SYS_fchmodat, "fchmodat", Kind::attributes, 0, 1},
    {SYS_fchown, "fchown", Kind::attributes, 0, none},
    {SYS_fchownat, "fchownat", Kind::attributes, 0, 1},
    {SYS_utimensat, "utimensat", Kind::attributes, 0, 1},
    {SYS_setxattr, "setxattr", Kind::attributes, none, 0},
    {SYS_lsetxattr, "lsetxattr", Kind::attributes, none, 0},
    {SYS_fsetxattr, "fsetxattr", Kind::attributes, 0, none},
    {SYS_removexattr, "removexattr", Kind::attributes, none, 0},
    {SYS_flock, "flock", Kind::talk, 0, none},
    {SYS_fsync, "fsync", Kind::flush, 0, none},
    {SYS_fdatasync, "fdatasync", Kind::flush, 0, none},
    {SYS_syncfs, "syncfs", Kind::flush, 0, none},
    {SYS_sync_file_range, "sync_file_range", Kind::flush, 0, none},
    {SYS_read, "read", Kind::read, 0, none},
    {SYS_pread64, "pread64", Kind::read, 0, none},
    {SYS_getdents64, "getdents64", Kind::read, 0, none},
    {SYS_socket, "socket", Kind::descriptor, none, none},
    {SYS_socketpair, "socketpair", Kind::descriptor, none, none},
    {SYS_accept4, "accept4", Kind::descriptor, 0, none},
    {SYS_pipe2, "pipe2", Kind::descriptor, none, none},
    {SYS_memfd_create, "memfd_create", Kind::descriptor, none, none},
    {SYS_epoll_create1, "epoll_create1", Kind::descriptor, none, none},
    {SYS_eventfd2, "eventfd2", Kind::descriptor, none, none},
    {SYS_timerfd_create, "timerfd_create", Kind::descriptor, none, none},
    {SYS_pidfd_open, "pidfd_open", Kind::descriptor, none, none},
    {SYS_pidfd_getfd, "pidfd_getfd", Kind::descriptor, none, none},
    {SYS_dup, "dup", Kind::descriptor, 0, none},
    {SYS_bind, "bind", Kind::talk, 0, none},
    {SYS_listen, "listen", Kind::talk, 0, none},
    {SYS_connect, "connect", Kind::talk, 0, none},
    {SYS_sendto, "sendto", Kind::talk, 0, none},
    {SYS_sendmsg, "sendmsg", Kind::talk, 0, none},
    {SYS_setsockopt, "setsockopt", Kind::none, 0, none}, // what steers connections
    {SYS_shutdown, "shutdown", Kind::talk, 0, none},
    {SYS_kill, "kill", Kind::process, none, none},
    {SYS_pidfd_send_signal, "pidfd_send_signal", Kind::process, none, none},
    {SYS_clone, "clone", Kind::process, none, none},
    {SYS_clone3, "clone3", Kind::process, none, none},
    {SYS_execve, "execve", Kind::process, none, 0},
    {SYS_setsid, "setsid", Kind::process, none, none},
};

bool changes_nothing(const Row& row) {
    return row.kind == Kind::read || row.kind == Kind::descriptor;
}

std::string read_text(pid_t pid, std::uint64_t address) {
    constexpr std::size_t page = 4096;
    std::string text;
    while (text.size() < page) { // page by page: the one behind may not be there
        std::array<char, page> bytes{};
        const std::size_t size = page - address % page;
        const iovec here{bytes.data(), size};
        const iovec there{reinterpret_cast<void*>(address), size};
        const ssize_t got = ::process_vm_readv(pid, &here, 1, &there, 1, 0);
        if (got <= 0)
            return text;
        const auto length = ::strnlen(bytes.data(), static_cast<std::size_t>(got));
        text.append(bytes.data(), length);
        if (length < static_cast<std::size_t>(got))
            return text;
        address += size;
    }
    return text;
}

std::uint64_t read_number(pid_t pid, std::uint64_t address) {
    std::uint64_t number = 0;
    const iovec here{&number, sizeof number};
    const iovec there{reinterpret_cast<void*>(address), sizeof number};
    (void)::process_vm_readv(pid, &here, 1, &there, 1, 0);
    return number;
}

std::string link_text(const std::string& link) {
    std::string target(4096, '\0');
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    target.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return target;
}

std::string descriptor_text(pid_t pid, std::uint64_t descriptor) {
    const int fd = static_cast<int>(descriptor);
    const std::string of = "/proc/" + std::to_string(pid);
    return link_text(fd == AT_FDCWD ? of + "/cwd" : of + "/fd/" + std::to_string(fd));
}

// By proc_pid_fdinfo(5): "flags:	0104001", octal.
bool waits(pid_t pid, const Row& row, const Arguments& arguments) {
    if (row.descriptor == none)
        return true;
    const int fd = static_cast<int>(arguments[static_cast<std::size_t>(row.descriptor)]);
    std::ifstream info("/proc/" + std::to_string(pid) + "/fdinfo/" + std::to_string(fd));
    std::string word;
    unsigned flags = 0;
    while (info >> word)
        if (word == "flags:" && info >> std::oct >> flags)
            break;
    return (flags & static_cast<unsigned>(O_NONBLOCK)) == 0;
}

std::string target_of(pid_t pid, const Row& row, const Arguments& arguments) {
    const auto argument = [&](int index) { return arguments[static_cast<std::size_t>(index)]; };
    if (row.path == none)
        return row.descriptor == none ? std::string()
                                      : descriptor_text(pid, argument(row.descriptor));
    std::string path = read_text(pid, argument(row.path));
    if (path.starts_with('/'))
        return path;
    const std::string folder =
        descriptor_text(pid, row.descriptor == none ? static_cast<std::uint64_t>(AT_FDCWD)
                                                    : argument(row.descriptor));
    return path.empty() ? folder : folder + "/" + path;
}

Kind kind_of_opening(std::uint64_t flags) {
    constexpr std::uint64_t making = O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    return (flags & making) != 0 ? Kind::open_new : Kind::open;
}

Kind kind_of_ioctl(std::uint64_t request) {
    switch (request) {
    case FICLONE:
    case FICLONERANGE:
        return Kind::data;
    case SECCOMP_IOCTL_NOTIF_SEND:
    case SECCOMP_IOCTL_NOTIF_ADDFD:
        return Kind::talk;
    default:
        return Kind::none;
    }
}

Kind kind_of(pid_t pid, const Row& row, const Arguments& arguments) {
    if (row.kind == Kind::open) {
        if (row.number == SYS_openat2)
            return kind_of_opening(read_number(pid, arguments[2]));
        return kind_of_opening(arguments[static_cast<std::size_t>(row.path) + 1]);
    }
    if (row.number == SYS_ioctl)
        return kind_of_ioctl(arguments[1]);
    if (row.number == SYS_setsockopt)
        return arguments[2] == SO_ATTACH_REUSEPORT_CBPF ? Kind::talk : Kind::none;
    return row.kind;
}

const Row* find_row(std::uint64_t number) {
    const auto* const found = std::find_if(std::begin(rows), std::end(rows),
                                           [&](const Row& row) { return row.number == number; });
    return found != std::end(rows) ? found : nullptr;
}

} // namespace

std::optional<Call> call_of(pid_t pid, std::uint64_t number, const Arguments& arguments) {
    const Row* row = find_row(number);
    if (row == nullptr)
        return std::nullopt;
    const Kind kind = kind_of(pid, *row, arguments);
    if (kind == Kind::none)
        return std::nullopt;
    return Call{row->name, kind, target_of(pid, *row, arguments), waits(pid, *row, arguments)};
}

bool changes_something(Kind kind) {
    return kind != Kind::open && kind != Kind::read && kind != Kind::descriptor &&
           kind != Kind::none;
}

bool can_fail_with(const Call& call, int error_number) {
    if (call.target.starts_with("pipe:[")) // no disk is behind one: fs/pipe.c
        return error_number == EINTR && call.waits;
    static const std::map<int, std::vector<Kind>> places = {
        {ENOSPC, {Kind::open_new, Kind::create, Kind::data, Kind::flush}},
        {EDQUOT, {Kind::open_new, Kind::create, Kind::data, Kind::flush}},
        {EIO,
         {Kind::open, Kind::open_new, Kind::create, Kind::data, Kind::remove, Kind::attributes,
          Kind::flush, Kind::read}},
        {EROFS, {Kind::open_new, Kind::create, Kind::remove, Kind::attributes}},
        {EACCES, {Kind::open, Kind::open_new, Kind::create, Kind::remove, Kind::attributes}},
        {EMFILE, {Kind::open, Kind::open_new, Kind::descriptor}},
        {EINTR, {Kind::open, Kind::open_new, Kind::data, Kind::flush, Kind::read}},
    };
    const auto found = places.find(error_number);
    return found != places.end() &&
           std::find(found->second.begin(), found->second.end(), call.kind) != found->second.end();
}

int error_named(const std::string& name) {
    for (const int error_number : {ENOSPC, EDQUOT, EIO, EROFS, EACCES, EMFILE, EINTR})
        if (name == ::strerrorname_np(error_number))
            return error_number;
    return 0;
}

bool report_calls(bool also_those_that_change_nothing) {
#if defined(__x86_64__)
    constexpr std::uint32_t machine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    constexpr std::uint32_t machine = AUDIT_ARCH_AARCH64;
#endif
    std::vector<sock_filter> code{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, machine, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    };
    for (const Row& row : rows) {
        if (changes_nothing(row) && !also_those_that_change_nothing)
            continue;
        code.push_back(
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(row.number), 0, 1));
        code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
    }
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    if (::geteuid() != 0 && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return false;
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

} // namespace shipit::fault
