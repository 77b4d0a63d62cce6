#include "core/supervise/slots.hpp"

#include "core/base/error.hpp"
#include "core/sys/shortage.hpp"

#include <cerrno>
#include <cstring>
#include <limits>
#include <type_traits>

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

namespace shipit::supervise {

namespace {

struct Option {
    int level;
    int name;
};

// All that matters for accepting, and that accepted sockets inherit.
constexpr Option carried[] = {
    {SOL_SOCKET, SO_KEEPALIVE},
    {SOL_SOCKET, SO_OOBINLINE},
    {SOL_SOCKET, SO_PRIORITY},
    {IPPROTO_TCP, TCP_NODELAY},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {IPPROTO_TCP, TCP_KEEPIDLE},
    {IPPROTO_TCP, TCP_KEEPINTVL},
    {IPPROTO_TCP, TCP_KEEPCNT},
    {IPPROTO_TCP, TCP_SYNCNT},
    {IPPROTO_TCP, TCP_USER_TIMEOUT},
    {IPPROTO_TCP, TCP_FASTOPEN},
    {IPPROTO_TCP, TCP_LINGER2},
    {IPPROTO_IP, IP_TOS},
};
// The kernel doubles what is set, and gives the doubled value.
constexpr Option doubled[] = {{SOL_SOCKET, SO_RCVBUF}, {SOL_SOCKET, SO_SNDBUF}};

template <class Value>
bool get(int socket, Option option, Value& value) {
    socklen_t size = sizeof value;
    return ::getsockopt(socket, option.level, option.name, &value, &size) == 0;
}

template <class Value>
bool set(int socket, Option option, const Value& value) {
    return ::setsockopt(socket, option.level, option.name, &value, sizeof value) == 0;
}

// Options that one of the two does not know, or may not set, are left alone.
template <class Value>
void carry(int from, int to, Option option, int divisor = 1) {
    Value wanted{};
    Value is{};
    if (!get(from, option, wanted) || !get(to, option, is) ||
        std::memcmp(&wanted, &is, sizeof is) == 0)
        return;
    if constexpr (std::is_same_v<Value, int>)
        wanted /= divisor;
    (void)set(to, option, wanted);
}

void bind_to(int socket, const TcpAddress& address) {
    sockaddr_storage name{};
    const socklen_t length = address.put_into(name);
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&name), length) != 0)
        throw SlotError{errno};
}

// The steering program, as slots.hpp says it.
class SteeringProgram {
  public:
    SteeringProgram(std::uint16_t probe_port, unsigned live, unsigned probed)
        : m_probe_port(probe_port), m_live(live), m_probed(probed) {
        constexpr unsigned char v4_part = 10; // instructions
        // An IPv4 client of a dual-stack socket comes with an IPv4 header.
        add(BPF_LD | BPF_B | BPF_ABS, net);
        add(BPF_ALU | BPF_RSH | BPF_K, 4);
        add(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, v4_part);
        go_on_if_equal(12, 16); // source and target address
        decide_by_port(20);
        for (unsigned word = 0; word < 16; word += 4)
            go_on_if_equal(8 + word, 24 + word);
        decide_by_port(40);
    }

    [[nodiscard]] bool attach(int socket) {
        const sock_fprog program{static_cast<unsigned short>(m_size), m_code};
        return set(socket, {SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF}, program);
    }

  private:
    static constexpr unsigned net = static_cast<unsigned>(SKF_NET_OFF);

    void add(unsigned code, unsigned value, unsigned char if_true = 0, unsigned char if_false = 0) {
        m_code[m_size++] = {static_cast<std::uint16_t>(code), if_true, if_false, value};
    }
    // The probe comes from the very address that it goes to, as nobody outside this host can.
    void go_on_if_equal(unsigned first, unsigned second) {
        add(BPF_LD | BPF_W | BPF_ABS, net + first);
        add(BPF_MISC | BPF_TAX, 0);
        add(BPF_LD | BPF_W | BPF_ABS, net + second);
        add(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0);
        add(BPF_RET | BPF_K, m_live);
    }
    // The source port follows the header; neither has options where the probe made it.
    void decide_by_port(unsigned offset) {
        add(BPF_LD | BPF_H | BPF_ABS, net + offset);
        add(BPF_ALU | BPF_AND | BPF_K, 0xffffU & ~(probe_ports - 1U));
        add(BPF_JMP | BPF_JEQ | BPF_K, m_probe_port, 0, 1);
        add(BPF_RET | BPF_K, m_probed);
        add(BPF_RET | BPF_K, m_live);
    }

    std::uint16_t m_probe_port;
    unsigned m_live;
    unsigned m_probed;
    sock_filter m_code[48] = {};
    std::size_t m_size = 0;
};

// Who connects is not answered, asks again after a second, and finds what is there then.
void turn_away(int socket) {
    constexpr unsigned flags = 13; // their place in the header of TCP
    sock_filter no_syn[] = {
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, flags},
        {BPF_ALU | BPF_AND | BPF_K, 0, 0, TH_SYN | TH_ACK},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, TH_SYN},
        {BPF_RET | BPF_K, 0, 0, 0},
        {BPF_RET | BPF_K, 0, 0, ~0U},
    };
    const sock_fprog program{std::size(no_syn), no_syn};
    (void)set(socket, {SOL_SOCKET, SO_ATTACH_FILTER}, program);
}

} // namespace

void carry_nonblock(int from, int slot, Sharers sharers) {
    const int flags = ::fcntl(slot, F_GETFL);
    const int wanted = ::fcntl(from, F_GETFL);
    if (flags < 0 || wanted < 0)
        return;
    const int kept = sharers == Sharers::some ? flags : flags & ~O_NONBLOCK;
    (void)::fcntl(slot, F_SETFL, kept | (wanted & O_NONBLOCK));
}

sys::Fd new_socket(const TcpAddress& address) {
    sys::Fd fd(::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        throw SlotError{errno};
    (void)set(fd.get(), {SOL_SOCKET, SO_REUSEADDR}, 1);
    if (address.family == AF_INET6)
        (void)set(fd.get(), {IPPROTO_IPV6, IPV6_V6ONLY}, static_cast<int>(address.v6_only));
    // Without it, the slot would be open to those who are to be kept out.
    if (address.device != 0 &&
        !set(fd.get(), {SOL_SOCKET, SO_BINDTOIFINDEX}, static_cast<int>(address.device)))
        throw SlotError{errno};
    return fd;
}

sys::Fd listening_socket(const TcpAddress& address) {
    sys::Fd fd = new_socket(address);
    (void)set(fd.get(), {SOL_SOCKET, SO_REUSEPORT}, 1);
    bind_to(fd.get(), address);
    if (::listen(fd.get(), slot_backlog) != 0)
        throw SlotError{errno};
    return fd;
}

bool come_from(int socket, const TcpAddress& target, std::uint16_t probe_port) {
    TcpAddress source = target;
    source.port = probe_port;
    sockaddr_storage name{};
    const socklen_t length = source.put_into(name);
    (void)set(socket, {SOL_SOCKET, SO_REUSEADDR}, 1);
    return ::bind(socket, reinterpret_cast<const sockaddr*>(&name), length) == 0 &&
           set(socket, {SOL_SOCKET, SO_LINGER}, linger{1, 0});
}

bool is_free(const TcpAddress& address) {
    try {
        bind_to(new_socket(address).get(), address);
        return true;
    } catch (const SlotError& error) {
        return error.error_number != EADDRINUSE;
    }
}

std::optional<std::string> why_no_steering() {
    try {
        const sys::Fd socket = listening_socket(TcpAddress::of("127.0.0.1", 0).value());
        if (!SteeringProgram(0, 0, 0).attach(socket.get()))
            throw SlotError{errno};
        return std::nullopt;
    } catch (const SlotError& error) {
        if (sys::is_shortage(error.error_number))
            throw_errno("cannot try to say which release a connection goes to", error.error_number);
        return fmt::format("the kernel does not let shipit say which release a connection goes to "
                           "(SO_ATTACH_REUSEPORT_CBPF: {})",
                           errno_text(error.error_number));
    }
}

Slots::Slots(const TcpAddress& address, int like, const Steering& steering)
    : m_address(address), m_steering(steering) {
    // Until the other one is there, all connections come to the first.
    const Side first = steering.live;
    m_places[at(first)] = 0;
    m_places[at(other(first))] = 1;
    make(first, like);
    listen(first);
    make(other(first), like);
    steer(steering); // before it joins the group, and gets what it should not
    listen(other(first));
}

Slots::Slots(const TcpAddress& address, std::vector<Kept> kept, const Steering& steering)
    : m_address(address), m_steering(steering) {
    for (Kept& each : kept)
        m_sockets[at(each.side)] = std::move(each.socket);
    Side first = kept.front().side;
    if (!listens(first)) // its program has shut it down: it has left the group
        first = kept.back().side;
    if (!m_sockets[at(other(first))])
        make(other(first), socket(first));
    listen_in_turn(first);
}

void Slots::make(Side side, int like) {
    sys::Fd fd = new_socket(m_address);
    (void)set(fd.get(), {SOL_SOCKET, SO_REUSEPORT}, 1);
    for (const int option : {IP_FREEBIND, IP_TRANSPARENT})
        carry<int>(like, fd.get(), {IPPROTO_IP, option});
    bind_to(fd.get(), m_address);
    m_sockets[at(side)] = std::move(fd);
}

void Slots::listen(Side side) const {
    if (::listen(socket(side), slot_backlog) != 0)
        throw SlotError{errno};
}

bool Slots::listens(Side side) const {
    int accepts = 0;
    return get(socket(side), {SOL_SOCKET, SO_ACCEPTCONN}, accepts) && accepts != 0;
}

ino_t Slots::inode(Side side) const {
    struct stat facts {};
    return ::fstat(socket(side), &facts) == 0 ? facts.st_ino : 0;
}

void Slots::steer(const Steering& steering) {
    m_steering = steering;
    SteeringProgram program(steering.probe_port, place(steering.live), place(steering.probed));
    // Through a member of the group; the other may not be one at the moment.
    const Side member = place(Side::a) == 0 ? Side::a : Side::b;
    if (!program.attach(socket(member)))
        throw SlotError{errno};
}

unsigned Slots::waiting(Side side) const {
    tcp_info info{};
    return get(socket(side), {IPPROTO_TCP, TCP_INFO}, info) ? info.tcpi_unacked : 0;
}

void Slots::step_aside() const {
    // Sockets of an interface that no connection comes from are passed over when the kernel looks
    // for a listener (net/ipv4/inet_hashtables.c, compute_score); whose handshake has begun is not
    // looked for among the listeners. Before Linux 5.7 only root may set it.
    constexpr int no_interface = std::numeric_limits<int>::max();
    for (const Side side : sides)
        if (!set(socket(side), {SOL_SOCKET, SO_BINDTOIFINDEX}, no_interface))
            turn_away(socket(side));
}

bool Slots::revive() {
    const bool a = listens(Side::a);
    const bool b = listens(Side::b);
    if (a && b)
        return false;
    listen_in_turn(a || !b ? Side::a : Side::b);
    return true;
}

void Slots::listen_in_turn(Side first) {
    m_places[at(first)] = 0;
    m_places[at(other(first))] = 1;
    listen(first);
    steer(m_steering); // by the order that is to come: until then, only the first one is there
    listen(other(first));
}

void Slots::carry_over(int from, Side side, Sharers sharers) const {
    const int to = socket(side);
    carry_nonblock(from, to, sharers);
    if (sharers == Sharers::some)
        return;
    for (const Option option : carried)
        carry<int>(from, to, option);
    for (const Option option : doubled)
        carry<int>(from, to, option, 2);
    carry<linger>(from, to, {SOL_SOCKET, SO_LINGER});
    carry<timeval>(from, to, {SOL_SOCKET, SO_RCVTIMEO});
    carry<timeval>(from, to, {SOL_SOCKET, SO_SNDTIMEO});
}

} // namespace shipit::supervise
