#include "core/supervise/notices.hpp"

#include "core/base/error.hpp"
#include "core/sys/shortage.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr const char* socket_name = "notify.sock";
constexpr unsigned bite = 32;       // datagrams in one turn of the loop
constexpr milliseconds rest{10};    // after a whole one
constexpr mode_t for_all = 0666;    // who may write is decided by who is known
constexpr mode_t passable = 0711;   // the folder, of which only names that are known can be opened
constexpr char abstract_mark = '@'; // for the NUL byte with which such a name begins

// In the run folder, where the name fits into an address; else one without a file, which stays the
// same as long as the folder does.
std::string address_in(const Path& run_folder) {
    std::string address = (run_folder / socket_name).string();
    if (address.size() < sizeof(sockaddr_un::sun_path))
        return address;
    struct stat facts {};
    if (::stat(run_folder.c_str(), &facts) != 0)
        throw_errno("cannot look at '" + run_folder.string() + "'");
    return fmt::format("{}shipit/notify/{:x}/{:x}", abstract_mark, facts.st_dev, facts.st_ino);
}

void bind_to(const std::string& address, int fd) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, address.data(), address.size());
    const bool is_abstract = address.front() == abstract_mark;
    if (is_abstract) {
        name.sun_path[0] = '\0';
    } else {
        struct stat facts {};
        if (::lstat(address.c_str(), &facts) == 0 && !S_ISSOCK(facts.st_mode))
            throw Error("'" + address + "' is in the way of the notify socket");
        (void)::unlink(address.c_str()); // the one of a supervisor that was killed
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), size) != 0)
        throw_errno("cannot make the notify socket '" + address + "'");
    if (!is_abstract && ::chmod(address.c_str(), S_IRUSR | S_IWUSR) != 0)
        throw_errno("cannot set the mode of '" + address + "'");
}

sys::Fd datagram_socket(const std::string& address) {
    sys::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        throw_errno("cannot make the notify socket '" + address + "'");
    return fd;
}

// Of the sender, as the kernel says; 0: it does not.
pid_t sender_of(msghdr& message) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS)
            continue;
        ucred sender{};
        std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
        return sender.pid;
    }
    return 0;
}

} // namespace

// --- Ears ---

Notices::Ear::Ear(Ear&& other) noexcept
    : m_notices(std::exchange(other.m_notices, nullptr)), m_id(other.m_id) {}

Notices::Ear& Notices::Ear::operator=(Ear&& other) noexcept {
    std::swap(m_notices, other.m_notices);
    std::swap(m_id, other.m_id);
    return *this;
}

Notices::Ear::~Ear() {
    if (m_notices != nullptr)
        m_notices->m_trees.erase(m_id);
}

Notices::Ear Notices::listen(TreeOf tree, OnNotice on_notice) {
    const std::uint64_t id = m_next++;
    m_trees.emplace(id, Tree{std::move(tree), std::move(on_notice)});
    return {*this, id};
}

// --- The socket ---

Notices::Notices(Loop& loop, Path run_folder, Note note)
    : m_loop(loop), m_run_folder(std::move(run_folder)), m_note(std::move(note)) {}

Notices::~Notices() {
    if (!m_address.empty() && m_address.front() != abstract_mark)
        (void)::unlink(m_address.c_str());
}

const std::string& Notices::address_for(const std::optional<sys::Account>& user) {
    if (m_address.empty())
        open();
    const bool is_ours = !user || user->uid == ::geteuid();
    if (!is_ours && m_address.front() != abstract_mark &&
        (::chmod(m_address.c_str(), for_all) != 0 || ::chmod(m_run_folder.c_str(), passable) != 0))
        throw_errno("cannot let user '" + user->name + "' come to '" + m_address + "'");
    return m_address;
}

void Notices::open() {
    const std::string address = address_in(m_run_folder);
    m_fd = datagram_socket(address);
    bind_to(address, m_fd.get());
    m_address = address;
    m_watch = m_loop.watch(m_fd.get());
    watch();
}

void Notices::watch() {
    m_watch.when_readable([this] { read(); });
}

void Notices::read() {
    // Also where one that hears of it throws.
    m_rest = m_loop.after(rest, [this] { watch(); });
    if (is_deaf())
        return; // what is said waits in the socket until it can be seen who says it
    for (unsigned i = 0; i < bite; ++i)
        if (!read_one()) {
            m_rest.cancel();
            return watch();
        }
}

bool Notices::is_deaf() {
    return sys::lacks_descriptors(2);
}

// False if nothing was there. There is room for the sender's name only: the kernel closes what
// descriptors come along, as soon as the datagram is read.
bool Notices::read_one() {
    char data[longest_notice];
    union {
        char space[CMSG_SPACE(sizeof(ucred))];
        cmsghdr aligned;
    } control{};
    iovec place{data, sizeof data};
    msghdr message{};
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    const ssize_t got = ::recvmsg(m_fd.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return errno == EINTR;
    const pid_t sender = sender_of(message);
    if ((static_cast<unsigned>(message.msg_flags) & MSG_TRUNC) != 0)
        note_once(fmt::format("ignores what process {} says in more than {} bytes", sender,
                              longest_notice));
    else
        take(sender, {data, static_cast<std::size_t>(got)});
    return true;
}

void Notices::take(pid_t sender, std::string_view datagram) {
    std::vector<const TreeOf*> trees;
    for (const auto& [id, each] : m_trees)
        trees.push_back(&each.tree);
    const TreeOf* found = tree_of(sender, trees);
    if (found == nullptr)
        return note_once(fmt::format("ignores what process {} says of itself: it is gone, or none "
                                     "of those that were asked to",
                                     sender));
    const auto tree = std::find_if(m_trees.begin(), m_trees.end(),
                                   [&](const auto& each) { return &each.second.tree == found; });
    const OnNotice on_notice = tree->second.on_notice; // which may end its ear
    on_notice(notice_from(datagram));
}

// Or a stranger could fill the log.
void Notices::note_once(const std::string& text) {
    if (!std::exchange(m_has_noted, true))
        m_note(text);
}

void Notices::tell_ready() const {
    const Loop::Callback callback = m_on_ready; // which may replace itself
    if (callback)
        callback();
}

// --- The next program in this process ---

Json Notices::memory(Bequest& bequest) const {
    if (m_address.empty())
        return {};
    return Json::object(
        {{"address", m_address}, {"socket", bequest.pass(m_fd.get())}, {"has_noted", m_has_noted}});
}

void Notices::recall(const Json& memory) {
    if (!memory.is_object())
        return;
    m_address = memory["address"].text();
    m_fd = inherited(memory["socket"]);
    m_has_noted = memory["has_noted"].boolean();
    m_watch = m_loop.watch(m_fd.get());
    watch();
}

} // namespace shipit::supervise
