// The bytes of an archive from outside: counted, with a look at the first ones, and for tar without
// its compression, watching how the stream ends.
#pragma once

#include "core/slug/limits.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct archive;

namespace shipit::slug {

using sys::Path;

// What comes out of a descriptor.
class ByteSource {
  public:
    explicit ByteSource(int fd) : m_fd(fd) {}

    // The first bytes, up to `size` of them; they are read again by next().
    [[nodiscard]] std::string_view peek(std::size_t size);
    // The next bytes; empty at the end. Valid until the next call. Throws Error.
    [[nodiscard]] std::string_view next();
    [[nodiscard]] std::uint64_t total() const { return m_total; }

  private:
    std::size_t read_some(char* bytes, std::size_t size) const;

    int m_fd;
    std::string m_first;
    std::string m_buffer = std::string(std::size_t{1} << 18, '\0');
    std::uint64_t m_total = 0;
};

// The same without gzip, bzip2, xz or zstd around it.
class UnpackedSource {
  public:
    UnpackedSource(ByteSource& source, const Limits& limits);
    ~UnpackedSource();

    [[nodiscard]] std::string_view next();
    // Reads what is left. Throws Error unless the stream ended, from byte `end` of what is
    // unpacked, in two blocks of zeros or more, and in nothing else.
    void finish(std::uint64_t end);

  private:
    struct Decoder;
    const Limits& m_limits;
    ByteSource& m_source;
    std::unique_ptr<Decoder> m_decoder;
    std::string m_buffer = std::string(std::size_t{1} << 18, '\0');
    std::uint64_t m_total = 0;
    std::uint64_t m_zeros_from = 0; // all from here to m_total is zero
};

// Throws Error with libarchive's words.
[[noreturn]] void refuse_archive(archive* handle);

} // namespace shipit::slug
