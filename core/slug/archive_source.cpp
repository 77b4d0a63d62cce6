#include "core/slug/archive_source.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/tar_header.hpp"

#include <cerrno>
#include <exception>
#include <new>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

constexpr std::uint64_t free_expansion = std::uint64_t{64} << 20;

} // namespace

void refuse_archive(archive* handle) {
    const char* why = ::archive_error_string(handle);
    Error error(why != nullptr ? fmt::format("it is damaged or no archive: {}", printable(why))
                               : std::string("it is damaged or no archive"));
    throw std::move(error).advise("archives may be tar (plain, gzip, bzip2, xz, zstd) or zip");
}

std::size_t ByteSource::read_some(char* bytes, std::size_t size) const {
    for (;;) {
        const auto n = ::read(m_fd, bytes, size);
        if (n >= 0)
            return static_cast<std::size_t>(n);
        if (errno != EINTR)
            throw_errno("cannot read it");
    }
}

std::string_view ByteSource::peek(std::size_t size) {
    while (m_first.size() < size) {
        std::string more(size - m_first.size(), '\0');
        const auto n = read_some(more.data(), more.size());
        if (n == 0)
            break;
        m_first.append(more, 0, n);
    }
    return m_first;
}

std::string_view ByteSource::next() {
    std::size_t size = 0;
    if (!m_first.empty()) {
        m_buffer.replace(0, m_first.size(), m_first);
        size = std::exchange(m_first, {}).size();
    } else {
        size = read_some(m_buffer.data(), m_buffer.size());
    }
    m_total += size;
    return std::string_view(m_buffer).substr(0, size);
}

// libarchive's filters, with its "raw" format behind them: what comes out is the tar.
struct UnpackedSource::Decoder {
    explicit Decoder(ByteSource& bytes) : source(bytes), handle(::archive_read_new()) {
        if (handle == nullptr)
            throw std::bad_alloc();
    }
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    ~Decoder() { ::archive_read_free(handle); }

    // No exception may cross libarchive's frames.
    static la_ssize_t read(archive* handle, void* self, const void** bytes) {
        auto& decoder = *static_cast<Decoder*>(self);
        try {
            const auto next = decoder.source.next();
            *bytes = next.data();
            return static_cast<la_ssize_t>(next.size());
        } catch (...) {
            decoder.failure = std::current_exception();
            ::archive_set_error(handle, EIO, "cannot read");
            return -1;
        }
    }

    void require(int result) {
        if (failure)
            std::rethrow_exception(failure);
        if (result != ARCHIVE_OK)
            refuse_archive(handle);
    }

    ByteSource& source;
    archive* handle;
    std::exception_ptr failure;
};

UnpackedSource::UnpackedSource(ByteSource& source, const Limits& limits)
    : m_limits(limits), m_source(source), m_decoder(std::make_unique<Decoder>(source)) {
    auto* handle = m_decoder->handle;
    for (const int result :
         {::archive_read_support_filter_gzip(handle), ::archive_read_support_filter_bzip2(handle),
          ::archive_read_support_filter_xz(handle), ::archive_read_support_filter_zstd(handle),
          ::archive_read_support_format_raw(handle)})
        m_decoder->require(result); // WARN would mean: by running a program
    m_decoder->require(
        ::archive_read_open(handle, m_decoder.get(), nullptr, &Decoder::read, nullptr));
    archive_entry* entry = nullptr;
    m_decoder->require(::archive_read_next_header(handle, &entry));
}

UnpackedSource::~UnpackedSource() = default;

std::string_view UnpackedSource::next() {
    const auto n = ::archive_read_data(m_decoder->handle, m_buffer.data(), m_buffer.size());
    if (n < 0)
        m_decoder->require(static_cast<int>(n));
    const auto bytes = std::string_view(m_buffer).substr(0, static_cast<std::size_t>(n));
    const auto last = bytes.find_last_not_of('\0');
    if (last != std::string_view::npos)
        m_zeros_from = m_total + last + 1;
    m_total += bytes.size();
    if (m_total > free_expansion && m_total / m_limits.expansion > m_source.total())
        throw Error(fmt::format("it unpacks to more than {} times its size", m_limits.expansion));
    return bytes;
}

void UnpackedSource::finish(std::uint64_t end) {
    while (!next().empty()) {
        if (m_zeros_from > end)
            throw Error("there is something behind its end");
    }
    if (m_zeros_from > end)
        throw Error("there is something behind its end");
    if (m_total < end + tar_end_size)
        throw Error("it is cut off: the two blocks of zeros that end a tar are missing")
            .advise("send it again; a dropped connection looks like this");
}

} // namespace shipit::slug
