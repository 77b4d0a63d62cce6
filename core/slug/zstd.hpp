// Whole zstd frames, one at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace shipit::slug {

constexpr int default_level = 3;

// One frame per call, with content size and checksum. Not for two threads at once.
class Compressor {
  public:
    explicit Compressor(int level = default_level);
    ~Compressor();
    [[nodiscard]] std::string compress(std::string_view bytes);

  private:
    struct State;
    std::unique_ptr<State> m_state;
};

// Whether a frame's own checksum is looked at. Ignored where every byte of use is checked against a
// hash anyway.
enum class Checksum { verified, ignored };

class Decompressor {
  public:
    explicit Decompressor(Checksum checksum = Checksum::verified);
    ~Decompressor();
    // Room for a frame that is going to be unpacked; valid until the next call.
    [[nodiscard]] std::span<char> room(std::size_t size);
    // `frame` must be one frame that unpacks to exactly `size` bytes; throws Error (corrupt).
    [[nodiscard]] std::string_view unpack(std::string_view frame, std::size_t size);

  private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace shipit::slug
