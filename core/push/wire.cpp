#include "core/push/wire.hpp"

#include "core/base/text.hpp"
#include "core/slug/seek_table.hpp"
#include "core/sys/interrupt.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::push {

namespace {

constexpr std::string_view greeting_word = "shipit push ";
constexpr unsigned version = 1;
constexpr std::size_t longest_greeting = 64;
constexpr std::size_t header_size = 5;

constexpr std::size_t kib = 1 << 10;
constexpr std::size_t mib = 1 << 20;

// Nothing for a byte that is no message's type.
std::optional<std::size_t> most_bytes_of(Type type) {
    switch (type) {
    case Type::request:
    case Type::offer:
    case Type::event:
        return 64 * kib;
    case Type::result:
        return mib;
    case Type::have:
    case Type::need:
        return 16 * mib;
    case Type::piece:
        return 8 * mib;
    case Type::list:
        return 256 * mib;
    case Type::end:
        return kib;
    case Type::joined:
        return 0;
    }
    return std::nullopt;
}

std::string text_of(Type type) {
    return printable(std::string(1, static_cast<char>(type)));
}

} // namespace

void Wire::greet() {
    try {
        write(fmt::format("{}{}\n", greeting_word, version));
    } catch (const Disconnected&) {
        // What it said before it went tells more.
    }
    const std::string line = read_greeting();
    if (!line.starts_with(greeting_word) || !line.ends_with('\n'))
        throw Error(fmt::format("{} answered '{}' instead of shipit's greeting", m_other,
                                shortened(printable(trimmed(line)), longest_greeting)))
            .advise("what a shell's start-up files print, they must print on a terminal only");
    const auto theirs = trimmed(std::string_view(line).substr(greeting_word.size()));
    if (theirs != std::to_string(version))
        throw Error(fmt::format("{} speaks version {} of this protocol, this shipit version {}",
                                m_other, printable(theirs), version))
            .advise("install the same version of shipit on both sides");
}

std::string Wire::read_greeting() {
    std::string line;
    while (line.size() < longest_greeting && !line.ends_with('\n')) {
        char byte = 0;
        if (read_some(&byte, 1) == 0)
            break;
        line += byte;
    }
    if (line.empty())
        throw Disconnected(fmt::format("{} ended the connection without a word", m_other));
    return line;
}

void Wire::send(Type type, std::string_view body) {
    if (body.size() > most_bytes_of(type).value_or(0))
        throw Error(fmt::format("a message of {} is too large to send", size_text(body.size())));
    std::string header(1, static_cast<char>(type));
    slug::append_number(header, body.size(), header_size - 1);
    if (body.size() < kib)
        return write(header + std::string(body)); // in one packet
    write(header);
    write(body);
}

Message Wire::receive() {
    const std::string header = read(header_size);
    const auto type = static_cast<Type>(header[0]);
    const auto size = slug::number_at(header, 1, header_size - 1);
    const auto most = most_bytes_of(type);
    if (!most)
        throw Error(fmt::format("{} sent a message of unknown type '{}'", m_other, text_of(type)));
    if (size > *most)
        throw Error(fmt::format("{} sent a message '{}' of {}, more than there may be", m_other,
                                text_of(type), size_text(size)));
    return {type, read(size)};
}

std::string Wire::receive(Type type) {
    Message message = receive();
    if (message.type != type)
        refuse(message.type);
    return std::move(message.body);
}

void Wire::refuse(Type type) const {
    throw Error(fmt::format("{} sent a message '{}' where none may come", m_other, text_of(type)));
}

std::string Wire::read(std::size_t size) {
    std::string bytes;
    while (bytes.size() < size) {
        const auto before = bytes.size();
        bytes.resize(before + std::min(size - before, std::max<std::size_t>(before, 64 * kib)));
        const auto count = read_some(bytes.data() + before, bytes.size() - before);
        if (count == 0)
            throw Disconnected(fmt::format("the connection to {} ended", m_other));
        bytes.resize(before + count);
    }
    return bytes;
}

std::size_t Wire::read_some(char* bytes, std::size_t size) {
    for (;;) {
        sys::stop_if_interrupted();
        const auto count = ::read(m_in, bytes, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw Disconnected(
                fmt::format("the connection to {} ended: {}", m_other, errno_text(errno)));
        m_received += static_cast<std::uint64_t>(count);
        return static_cast<std::size_t>(count);
    }
}

void Wire::write(std::string_view bytes) {
    while (!bytes.empty()) {
        sys::stop_if_interrupted();
        const auto count = ::write(m_out, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw Disconnected(
                fmt::format("the connection to {} ended: {}", m_other, errno_text(errno)));
        m_sent += static_cast<std::uint64_t>(count);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

} // namespace shipit::push
