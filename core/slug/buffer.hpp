// Room for bytes, used again and again and never zeroed: with pieces of megabytes, fresh pages cost
// more than what is done with them.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace shipit::slug {

class Buffer {
  public:
    // `size` bytes of no particular content, valid until the next call.
    [[nodiscard]] std::span<char> of(std::size_t size) {
        if (size > m_size) {
            m_bytes.reset(); // never both
            m_bytes = std::make_unique_for_overwrite<char[]>(size);
            m_size = size;
        }
        return {m_bytes.get(), size};
    }

  private:
    std::unique_ptr<char[]> m_bytes;
    std::size_t m_size = 0;
};

} // namespace shipit::slug
