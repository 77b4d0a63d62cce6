// The bytes of an archive from outside: counted, with a look at the first ones, and for tar without
// its compression, watching how the stream ends.
#pragma once

#include "core/base/progress.hpp"
#include "core/slug/limits.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct archive;

namespace shipit::slug {

// What comes out of a descriptor.
class ByteSource {
  public:
    // Both outlive this.
    ByteSource(int fd, const Limits& limits, const Progress& progress);

    // The first bytes, up to `size` of them; they are read again by next().
    [[nodiscard]] std::string_view peek(std::size_t size);
    // The next bytes; empty at the end. Valid until the next call. Throws Error: it cannot be read,
    // there is far more of it than `limits` allow to unpack, or a signal asks to stop.
    [[nodiscard]] std::string_view next();
    [[nodiscard]] std::uint64_t total() const { return m_total; }
    // All bytes from this one to the last one read are zero.
    [[nodiscard]] std::uint64_t zeros_from() const { return m_zeros_from; }
    // Somebody is writing what is read here, and would die of SIGPIPE if it was not read to its
    // end.
    [[nodiscard]] bool has_writer() const { return !m_is_file; }

  private:
    std::size_t read_some(char* bytes, std::size_t size) const;

    int m_fd;
    const Limits& m_limits;
    const Progress& m_progress;
    bool m_is_file = false;
    std::uint64_t m_size = 0; // of a file
    std::string m_first;
    std::string m_buffer = std::string(std::size_t{1} << 18, '\0');
    std::uint64_t m_total = 0;
    std::uint64_t m_zeros_from = 0;
};

// Takes the compression off a stream.
class Decoder {
  public:
    Decoder() = default;
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    virtual ~Decoder() = default;

    // Fills the buffer as far as there are bytes; 0 at the end. Throws Error.
    [[nodiscard]] virtual std::size_t read(char* bytes, std::size_t size) = 0;
    // At the end: how many bytes of the source belonged to the compressed stream.
    [[nodiscard]] virtual std::uint64_t consumed() const = 0;
};

// libarchive's gzip reader checks neither CRC nor length, so this one is ours, by zlib.
[[nodiscard]] std::unique_ptr<Decoder> new_gzip_decoder(ByteSource& source);

// A ByteSource without gzip, bzip2, xz or zstd around it.
class UnpackedSource {
  public:
    UnpackedSource(ByteSource& source, const Limits& limits);

    [[nodiscard]] std::string_view next();
    // Reads what is left. Throws Error unless the stream ended, from byte `end` of what is
    // unpacked, in two blocks of zeros or more, and in nothing else.
    void finish(std::uint64_t end);

  private:
    const Limits& m_limits;
    ByteSource& m_source;
    std::unique_ptr<Decoder> m_decoder;
    std::string m_buffer = std::string(std::size_t{1} << 18, '\0');
    std::uint64_t m_total = 0;
    std::uint64_t m_zeros_from = 0; // all from here to m_total is zero
};

// Throws Error with libarchive's words.
[[noreturn]] void refuse_archive(archive* handle);
// Throws Error for an archive that ends too early.
[[noreturn]] void refuse_empty();
[[noreturn]] void refuse_more(); // than one archive
[[noreturn]] void refuse_cut_off(const std::string& what_is_missing);
// Throws Error if unpacking `unpacked` bytes from `read` ones is more than an archive may expand.
void require_honest_expansion(std::uint64_t unpacked, std::uint64_t read, const Limits& limits);

} // namespace shipit::slug
