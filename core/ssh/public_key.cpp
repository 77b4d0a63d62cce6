#include "core/ssh/public_key.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/core.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>

namespace shipit::ssh {

namespace {

constexpr std::size_t longest_text = 16 << 10; // an RSA key of 16384 bits has 2.8 KB
constexpr std::size_t longest_comment = 256;

[[noreturn]] void refuse(const std::string& why, const std::string& next) {
    throw Error(why, Outcome::usage).advise(next);
}

// --- The blob: RFC 4253, section 6.6, and OpenSSH's PROTOCOL.u2f ---

// Strings, each behind its length, one after the other.
class Blob {
  public:
    explicit Blob(std::string_view bytes) : m_rest(bytes) {}

    // Empty also if there is none: no part of a key may be empty.
    std::string_view next() {
        constexpr std::size_t prefix = 4;
        if (m_rest.size() < prefix)
            return {};
        std::size_t size = 0;
        for (const char byte : m_rest.substr(0, prefix))
            size = size << 8 | static_cast<unsigned char>(byte);
        m_rest.remove_prefix(prefix);
        if (size > m_rest.size())
            return {};
        const auto part = m_rest.substr(0, size);
        m_rest.remove_prefix(size);
        return part;
    }
    [[nodiscard]] bool is_at_end() const { return m_rest.empty(); }

  private:
    std::string_view m_rest;
};

// What is wrong with the parts that follow the type; empty if nothing is.
using Check = std::string (*)(Blob&);

constexpr const char* is_damaged = "it is damaged: not all of it was pasted, or too much";

std::string ed25519(Blob& blob) {
    constexpr std::size_t size = 32;
    return blob.next().size() == size ? "" : is_damaged;
}

std::size_t bits_of(std::string_view number) {
    while (!number.empty() && number.front() == '\0')
        number.remove_prefix(1);
    constexpr std::size_t bits_of_byte = 8;
    return number.size() * bits_of_byte;
}

std::string rsa(Blob& blob) {
    constexpr std::size_t fewest_bits = 2048;
    const auto exponent = blob.next();
    const auto modulus = blob.next();
    if (exponent.empty() || modulus.empty())
        return is_damaged;
    const auto bits = bits_of(modulus);
    if (bits < fewest_bits)
        return fmt::format("it is an RSA key of {} bits, which are too few", bits);
    return "";
}

template <std::size_t coordinate>
std::string point(Blob& blob, std::string_view curve) {
    constexpr char uncompressed = 4;
    const auto named = blob.next();
    const auto at = blob.next();
    const bool fits =
        named == curve && at.size() == 1 + 2 * coordinate && at.front() == uncompressed;
    return fits ? "" : is_damaged;
}
constexpr std::size_t bytes_256 = 32;
constexpr std::size_t bytes_384 = 48;
constexpr std::size_t bytes_521 = 66;

std::string nistp256(Blob& blob) {
    return point<bytes_256>(blob, "nistp256");
}
std::string nistp384(Blob& blob) {
    return point<bytes_384>(blob, "nistp384");
}
std::string nistp521(Blob& blob) {
    return point<bytes_521>(blob, "nistp521");
}

// Keys in hardware end in the name of the application that they are for.
template <Check key>
std::string of_token(Blob& blob) {
    const auto complaint = key(blob);
    return complaint.empty() && blob.next().empty() ? is_damaged : complaint;
}

struct Type {
    std::string_view name;
    Check check;
};
constexpr std::array types{
    Type{"ssh-ed25519", ed25519},
    Type{"ssh-rsa", rsa},
    Type{"ecdsa-sha2-nistp256", nistp256},
    Type{"ecdsa-sha2-nistp384", nistp384},
    Type{"ecdsa-sha2-nistp521", nistp521},
    Type{"sk-ssh-ed25519@openssh.com", of_token<ed25519>},
    Type{"sk-ecdsa-sha2-nistp256@openssh.com", of_token<nistp256>},
};

const Type* type_named(std::string_view name) {
    const auto* const found =
        std::find_if(types.begin(), types.end(), [name](const Type& t) { return t.name == name; });
    return found != types.end() ? found : nullptr;
}

// --- Base64, in the one form that a key has ---

const std::uint8_t* bytes_of(const std::string& text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
}

std::string encoded(const std::string& bytes) {
    std::string text(BASE64_ENCODE_RAW_LENGTH(bytes.size()), '\0');
    ::base64_encode_raw(text.data(), bytes.size(), bytes_of(bytes));
    return text;
}

std::optional<std::string> decoded(std::string_view text) {
    base64_decode_ctx context{};
    ::base64_decode_init(&context);
    std::vector<std::uint8_t> bytes(BASE64_DECODE_LENGTH(text.size()));
    std::size_t size = bytes.size();
    if (::base64_decode_update(&context, &size, bytes.data(), text.size(), text.data()) != 1 ||
        ::base64_decode_final(&context) != 1)
        return std::nullopt;
    std::string result(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    // nettle passes over blanks, and bits that stand for nothing.
    return encoded(result) == text ? std::optional(result) : std::nullopt;
}

std::string fingerprint_of(const std::string& blob) {
    sha256_ctx context{};
    ::sha256_init(&context);
    ::sha256_update(&context, blob.size(), bytes_of(blob));
    std::string digest(SHA256_DIGEST_SIZE, '\0');
    ::sha256_digest(&context, digest.size(), reinterpret_cast<std::uint8_t*>(digest.data()));
    std::string text = encoded(digest);
    while (text.ends_with('='))
        text.pop_back();
    return "SHA256:" + text;
}

// --- The line ---

constexpr const char* how = "paste the one line of the key's .pub file, or name that file";

void require_one_line(std::string_view text) {
    if (text.find("PRIVATE KEY") != std::string_view::npos)
        refuse("that is a private key, which should leave its owner's machine for nobody",
               "give the file that ends in .pub; if others saw this one, make a new key");
    if (text.size() > longest_text)
        refuse("that is too long for a public key", how);
    if (text.find('\n') != std::string_view::npos)
        refuse("that is more than one line, and a key is one", "add one key at a time");
    if (text.find('\r') != std::string_view::npos)
        refuse("there is a carriage return in it, as in files from Windows",
               "remove it: tr -d '\\r' <FILE | shipit key add APP -");
    const auto is_control = [](unsigned char c) { return c < ' ' || c == '\x7f'; };
    if (std::any_of(text.begin(), text.end(), is_control) || !is_utf8(text))
        refuse("there are characters in it that no public key has", how);
}

const Type& type_of(std::string_view word) {
    if (const Type* type = type_named(word))
        return *type;
    if (word.find("-cert-v01@") != std::string_view::npos)
        refuse("that is a certificate, not a key", "give the .pub file of the key itself");
    if (word == "ssh-dss")
        refuse("DSA keys are not safe any more, and sshd does not take them",
               "make a new one: ssh-keygen -t ed25519");
    refuse(fmt::format("'{}' is no type of key; it must begin with one, like ssh-ed25519, and with "
                       "no options before it",
                       printable(shortened(word, 40))),
           how);
}

// The next word, taken off the text.
std::string_view taken(std::string_view& text) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text = trimmed(text.substr(end));
    return word;
}

} // namespace

PublicKey parse_public_key(std::string_view text) {
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    require_one_line(text);
    text = trimmed(text);
    if (text.empty())
        refuse("there is no key", how);
    const Type& type = type_of(taken(text));
    const auto base64 = taken(text);
    const auto blob = decoded(base64);
    if (!blob || blob->empty())
        refuse("what follows the type is not base64: not all of it was pasted, or too much", how);
    Blob parts(*blob);
    if (parts.next() != type.name)
        refuse(fmt::format("it says that it is of type {}, and holds something else", type.name),
               how);
    std::string complaint = type.check(parts);
    if (complaint.empty() && !parts.is_at_end())
        complaint = is_damaged;
    if (!complaint.empty())
        refuse(complaint, how);
    return {std::string(type.name), std::string(base64), fingerprint_of(*blob),
            std::string(trimmed(beginning_of(text, longest_comment)))};
}

} // namespace shipit::ssh
