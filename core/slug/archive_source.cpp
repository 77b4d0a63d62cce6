#include "core/slug/archive_source.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/tar_header.hpp"
#include "core/sys/interrupt.hpp"

#include <cerrno>
#include <exception>
#include <new>
#include <utility>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

constexpr int interrupt_interval_ms = 200;

// Where the zeros begin that bytes `from` to `from` + bytes.size() end in.
std::uint64_t zeros_after(std::string_view bytes, std::uint64_t from, std::uint64_t zeros_from) {
    const auto last = bytes.find_last_not_of('\0');
    return last == std::string_view::npos ? zeros_from : from + last + 1;
}

} // namespace

void refuse_archive(archive* handle) {
    const char* why = ::archive_error_string(handle);
    Error error(why != nullptr ? fmt::format("it is damaged or no archive: {}", printable(why))
                               : std::string("it is damaged or no archive"));
    throw std::move(error).advise("archives may be tar (plain, gzip, bzip2, xz, zstd) or zip");
}

void refuse_empty() {
    throw Error("it is empty").advise("look whether what was to make it failed");
}

void refuse_more() {
    throw Error("there is something behind its end")
        .advise("send one archive, with nothing after it");
}

void refuse_cut_off(const std::string& what_is_missing) {
    throw Error("it is cut off: " + what_is_missing)
        .advise("send it again; a dropped connection looks like this");
}

void require_honest_expansion(std::uint64_t unpacked, std::uint64_t read, const Limits& limits) {
    if (unpacked > free_expansion && unpacked / limits.expansion > read)
        refuse_beyond(limits, Limit::expansion, limits.expansion * 10,
                      fmt::format("it unpacks to more than slug.max_expansion ({}) times its size",
                                  limits.expansion));
}

// --- ByteSource ---

ByteSource::ByteSource(int fd, const Limits& limits, const Progress& progress)
    : m_fd(fd), m_limits(limits), m_progress(progress) {
    struct stat status {};
    if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        m_is_file = true;
        m_size = static_cast<std::uint64_t>(status.st_size);
    }
}

std::size_t ByteSource::read_some(char* bytes, std::size_t size) const {
    for (;;) {
        // A sender may keep us waiting for as long as it likes, but not from a ^C.
        pollfd waiting{m_fd, POLLIN, 0};
        const int ready = m_is_file ? 1 : ::poll(&waiting, 1, interrupt_interval_ms);
        sys::stop_if_interrupted();
        if (ready <= 0)
            continue;
        const auto n = ::read(m_fd, bytes, size);
        if (n >= 0)
            return static_cast<std::size_t>(n);
        if (errno != EINTR && errno != EAGAIN)
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
    const auto bytes = std::string_view(m_buffer).substr(0, size);
    m_zeros_from = zeros_after(bytes, m_total, m_zeros_from);
    m_total += size;
    // Tar's headers and padding come on top of what it holds, but not without end.
    if (m_total > free_expansion && m_total / 2 > m_limits.bytes)
        refuse_beyond(m_limits, Limit::bytes, m_total,
                      fmt::format("it has more than {}, and it may unpack to no more than "
                                  "slug.max_bytes ({})",
                                  size_text(m_total - 1), size_text(m_limits.bytes)));
    m_progress.advance_to(m_total, m_size);
    return bytes;
}

// --- UnpackedSource ---

namespace {

// libarchive's filters, with its "raw" format behind them: what comes out is the tar.
class FilterDecoder : public Decoder {
  public:
    explicit FilterDecoder(ByteSource& source) : m_source(source), m_handle(::archive_read_new()) {
        if (m_handle == nullptr)
            throw std::bad_alloc();
        try {
            open();
        } catch (...) {
            ::archive_read_free(m_handle);
            throw;
        }
    }
    FilterDecoder(const FilterDecoder&) = delete;
    FilterDecoder& operator=(const FilterDecoder&) = delete;
    ~FilterDecoder() override { ::archive_read_free(m_handle); }

    std::size_t read(char* bytes, std::size_t size) override {
        const auto n = ::archive_read_data(m_handle, bytes, size);
        if (n < 0)
            require(static_cast<int>(n));
        return static_cast<std::size_t>(n);
    }

    [[nodiscard]] std::uint64_t consumed() const override {
        return static_cast<std::uint64_t>(::archive_filter_bytes(m_handle, -1));
    }

  private:
    void open() {
        for (const int result : {::archive_read_support_filter_bzip2(m_handle),
                                 ::archive_read_support_filter_xz(m_handle),
                                 ::archive_read_support_filter_zstd(m_handle),
                                 ::archive_read_support_format_raw(m_handle)})
            require(result); // WARN would mean: by running a program
        require(::archive_read_open(m_handle, this, nullptr, &FilterDecoder::give, nullptr));
        // Each layer could expand a thousandfold without anything coming out of the last one.
        if (::archive_filter_count(m_handle) > 2)
            throw Error("it is compressed more than once");
        archive_entry* entry = nullptr;
        require(::archive_read_next_header(m_handle, &entry));
    }

    // No exception may cross libarchive's frames.
    static la_ssize_t give(archive* handle, void* self, const void** bytes) {
        auto& decoder = *static_cast<FilterDecoder*>(self);
        try {
            const auto next = decoder.m_source.next();
            *bytes = next.data();
            return static_cast<la_ssize_t>(next.size());
        } catch (...) {
            decoder.m_failure = std::current_exception();
            ::archive_set_error(handle, EIO, "cannot read");
            return -1;
        }
    }

    void require(int result) {
        if (m_failure)
            std::rethrow_exception(m_failure);
        if (result != ARCHIVE_OK)
            refuse_archive(m_handle);
    }

    ByteSource& m_source;
    archive* m_handle;
    std::exception_ptr m_failure;
};

std::unique_ptr<Decoder> new_decoder(ByteSource& source) {
    if (source.peek(4).starts_with("\x1f\x8b"))
        return new_gzip_decoder(source);
    return std::make_unique<FilterDecoder>(source);
}

} // namespace

UnpackedSource::UnpackedSource(ByteSource& source, const Limits& limits)
    : m_limits(limits), m_source(source), m_decoder(new_decoder(source)) {}

std::string_view UnpackedSource::next() {
    const auto n = m_decoder->read(m_buffer.data(), m_buffer.size());
    const auto bytes = std::string_view(m_buffer).substr(0, n);
    m_zeros_from = zeros_after(bytes, m_total, m_zeros_from);
    m_total += bytes.size();
    require_honest_expansion(m_total, m_source.total(), m_limits);
    return bytes;
}

void UnpackedSource::finish(std::uint64_t end) {
    const auto refuse_rest = [] { refuse_more(); };
    while (!next().empty())
        if (m_zeros_from > end)
            refuse_rest();
    if (m_zeros_from > end)
        refuse_rest();
    if (m_total < end + tar_end_size)
        refuse_cut_off("the two blocks of zeros that end a tar are missing");
    const auto packed_end = m_decoder->consumed();
    while (m_source.zeros_from() <= packed_end && !m_source.next().empty()) {
    }
    if (m_source.zeros_from() > packed_end)
        refuse_rest();
}

} // namespace shipit::slug
