#include "core/slug/digest.hpp"

#include <array>
#include <cstdint>

#include <nettle/sha2.h>
#include <xxhash.h>

namespace shipit::slug {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

std::string hex_of(std::string_view bytes) {
    std::string hex;
    hex.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        hex += digits[value >> 4U];
        hex += digits[value & 15U];
    }
    return hex;
}

Hash from_xxh(XXH128_hash_t hash) {
    return {hash.high64, hash.low64};
}

} // namespace

std::string Hash::bytes() const {
    std::string bytes(16, '\0');
    for (std::size_t i = 0; i < 8; i++) {
        bytes[i] = static_cast<char>(high >> (56 - 8 * i));
        bytes[8 + i] = static_cast<char>(low >> (56 - 8 * i));
    }
    return bytes;
}

Hash Hash::from_bytes(const char* sixteen) {
    Hash hash;
    for (std::size_t i = 0; i < 8; i++) {
        hash.high = hash.high << 8U | static_cast<unsigned char>(sixteen[i]);
        hash.low = hash.low << 8U | static_cast<unsigned char>(sixteen[8 + i]);
    }
    return hash;
}

std::string Hash::hex() const {
    std::string hex;
    append_hex(hex);
    return hex;
}

void Hash::append_hex(std::string& text) const {
    std::array<char, 32> hex{};
    for (unsigned i = 0; i < 16; i++) {
        hex[i] = digits[high >> (60 - 4 * i) & 15U];
        hex[16 + i] = digits[low >> (60 - 4 * i) & 15U];
    }
    text.append(hex.data(), hex.size());
}

std::optional<Hash> Hash::parse(std::string_view hex) {
    if (hex.size() != 32)
        return std::nullopt;
    Hash hash;
    for (std::size_t i = 0; i < 32; i++) {
        const char c = hex[i];
        const bool is_letter = c >= 'a' && c <= 'f';
        if (!is_letter && (c < '0' || c > '9'))
            return std::nullopt;
        auto& half = i < 16 ? hash.high : hash.low;
        half = half << 4U | static_cast<std::uint64_t>(is_letter ? c - 'a' + 10 : c - '0');
    }
    return hash;
}

Hash hash_of(std::string_view bytes) {
    return from_xxh(XXH3_128bits(bytes.data(), bytes.size()));
}

std::uint64_t short_hash_of(std::string_view bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

struct Hasher::State {
    XXH3_state_t* xxh = XXH3_createState();
    State() {
        if (xxh == nullptr)
            throw std::bad_alloc();
        XXH3_128bits_reset(xxh);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { XXH3_freeState(xxh); }
};

Hasher::Hasher() : m_state(std::make_unique<State>()) {}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::add(std::string_view bytes) {
    XXH3_128bits_update(m_state->xxh, bytes.data(), bytes.size());
}

Hash Hasher::result() const {
    return from_xxh(XXH3_128bits_digest(m_state->xxh));
}

struct Sha256::State {
    sha256_ctx sha256{};
    State() { sha256_init(&sha256); }
};

Sha256::Sha256() : m_state(std::make_unique<State>()) {}
Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
    sha256_update(&m_state->sha256, bytes.size(),
                  reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

std::string Sha256::finish() {
    std::array<unsigned char, SHA256_DIGEST_SIZE> digest{};
    sha256_digest(&m_state->sha256, digest.size(), digest.data());
    return hex_of({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

} // namespace shipit::slug
