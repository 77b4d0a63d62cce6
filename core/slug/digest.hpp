// The two hashes of a slug: XXH3-128 names content and finds corruption; SHA-256 stands against
// forgery, since two files with one XXH3-128 can be made on purpose.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::slug {

// An XXH3-128.
struct Hash {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    // 32 lower-case digits, as `xxhsum -H2` prints them.
    [[nodiscard]] std::string hex() const;
    void append_hex(std::string& text) const;
    [[nodiscard]] static std::optional<Hash> parse(std::string_view hex);
    // 16 bytes, most significant first.
    [[nodiscard]] std::string bytes() const;
    [[nodiscard]] static Hash from_bytes(const char* sixteen);
    auto operator<=>(const Hash&) const = default;
};

[[nodiscard]] Hash hash_of(std::string_view bytes);
// For choices that need no more than being the same everywhere (where frames are cut).
[[nodiscard]] std::uint64_t short_hash_of(std::string_view bytes);

// XXH3-128 of bytes that come in pieces.
class Hasher {
  public:
    Hasher();
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    ~Hasher();
    void add(std::string_view bytes);
    [[nodiscard]] Hash result() const;

  private:
    struct State;
    std::unique_ptr<State> m_state;
};

inline constexpr std::size_t sha256_digits = 64;

// SHA-256 of bytes that come in pieces.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    void add(std::string_view bytes);
    // 64 lower-case digits, as `sha256sum` prints them. Nothing may be added after that.
    [[nodiscard]] std::string finish();

  private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace shipit::slug
