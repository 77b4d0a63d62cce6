// The two streams between `shipit push` and `shipit receive`: a greeting, then messages.
//
//   greeting   "shipit push 1\n", each way; the number is the protocol's version
//   message    type (1 byte) · length (4 bytes, least significant first) · body
//
// What comes is hostile: of no message more is taken than its type allows, and memory grows only
// with what has really arrived.
#pragma once

#include "core/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace shipit::push {

// In the order in which they come; README.md tells what is in them.
enum class Type : char {
    offer = 'O',   // from the host
    request = 'R', // from the pusher
    list = 'L',    // from the pusher
    joined = 'J',  // from the host; instead of the next three
    need = 'N',    // from the host
    have = 'H',    // from the host
    piece = 'P',   // from the pusher, as many as there are
    end = 'E',     // from the pusher
    event = 'V',   // from the host, as many as there are
    result = 'F',  // from the host, the last; instead of anything else, too
};

struct Message {
    Type type;
    std::string body;
};

// The other side has gone, or its connection.
class Disconnected : public Error {
  public:
    using Error::Error;
};

class Wire {
  public:
    // Both stay the caller's. `other` is who is at the other end, for errors: "the host 'example'".
    Wire(int in, int out, std::string other) : m_in(in), m_out(out), m_other(std::move(other)) {}

    // Sends the greeting, and reads the other's. Throws Error: what answers is no shipit (with the
    // beginning of what it said instead), or one with another version of the protocol.
    void greet();

    // Throws Disconnected if nobody reads it any more.
    void send(Type type, std::string_view body);
    // The next message; throws Disconnected where the stream ends, Error for what is none.
    [[nodiscard]] Message receive();
    // The body of the next message, which must be of this type; throws Error for any other.
    [[nodiscard]] std::string receive(Type type);
    // For a message that may not come where it came.
    [[noreturn]] void refuse(Type type) const;

    // Bytes so far, greetings and all.
    [[nodiscard]] std::uint64_t sent() const { return m_sent; }
    [[nodiscard]] std::uint64_t received() const { return m_received; }

  private:
    [[nodiscard]] std::string read_greeting();
    // `size` bytes, all of them.
    [[nodiscard]] std::string read(std::size_t size);
    // What there is, up to `size` bytes; 0 at the end.
    [[nodiscard]] std::size_t read_some(char* bytes, std::size_t size);
    void write(std::string_view bytes);

    int m_in;
    int m_out;
    std::string m_other;
    std::uint64_t m_sent = 0;
    std::uint64_t m_received = 0;
};

} // namespace shipit::push
