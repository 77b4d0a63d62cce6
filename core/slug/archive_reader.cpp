#include "core/slug/archive_reader.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/archive_entries.hpp"
#include "core/slug/archive_source.hpp"
#include "core/slug/zip_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <limits>
#include <memory>
#include <new>

#include <archive.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <locale.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

// Of one entry, long names and extended headers included. libarchive keeps what it reads of them;
// a map of a sparse file could be as long as the archive.
constexpr std::uint64_t most_header_bytes = std::uint64_t{4} << 20;

constexpr auto anything = std::numeric_limits<std::uint64_t>::max();

using Handle = std::unique_ptr<archive, decltype(&::archive_read_free)>;

Handle new_handle() {
    Handle handle(::archive_read_new(), ::archive_read_free);
    if (!handle)
        throw std::bad_alloc();
    return handle;
}

// libarchive converts names by the locale of the thread; in UTF-8 none is lost.
class Utf8Here {
  public:
    Utf8Here() : m_locale(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
        if (m_locale == nullptr)
            throw_errno("the locale C.UTF-8 is missing");
        m_before = ::uselocale(m_locale);
    }
    Utf8Here(const Utf8Here&) = delete;
    Utf8Here& operator=(const Utf8Here&) = delete;
    ~Utf8Here() {
        ::uselocale(m_before);
        ::freelocale(m_locale);
    }

  private:
    locale_t m_locale;
    locale_t m_before = nullptr;
};

// What libarchive's callback needs to read a tar from an UnpackedSource.
class TarInput {
  public:
    TarInput(ByteSource& bytes, const Limits& limits) : m_source(bytes, limits) {}

    // From here to the next call libarchive may read so much.
    void allow(std::uint64_t bytes) { m_allowed = bytes; }
    void finish(std::uint64_t end) { m_source.finish(end); }
    void rethrow_failure() const {
        if (m_failure)
            std::rethrow_exception(m_failure);
    }

    // No exception may cross libarchive's frames.
    static la_ssize_t give(archive* handle, void* self, const void** bytes) {
        auto& input = *static_cast<TarInput*>(self);
        try {
            if (input.m_allowed == 0)
                throw Error(fmt::format("an entry's header is larger than {}",
                                        size_text(most_header_bytes)));
            const auto next = input.m_source.next();
            input.m_allowed -= std::min<std::uint64_t>(input.m_allowed, next.size());
            *bytes = next.data();
            return static_cast<la_ssize_t>(next.size());
        } catch (...) {
            input.m_failure = std::current_exception();
            ::archive_set_error(handle, EIO, "cannot read");
            return -1;
        }
    }

  private:
    UnpackedSource m_source;
    std::uint64_t m_allowed = most_header_bytes;
    std::exception_ptr m_failure;
};

void unpack_tar(ByteSource& bytes, const Path& folder, const Limits& limits) {
    TarInput input(bytes, limits);
    const Handle handle = new_handle();
    try {
        if (::archive_read_support_format_tar(handle.get()) != ARCHIVE_OK ||
            ::archive_read_open(handle.get(), &input, nullptr, &TarInput::give, nullptr) !=
                ARCHIVE_OK)
            refuse_archive(handle.get());
        ArchiveEntries entries(handle.get(), folder, limits, [&] { return bytes.total(); });
        while (input.allow(most_header_bytes), entries.next()) {
            input.allow(anything);
            entries.take();
        }
        // At the end this is where the header after the last entry would be.
        input.finish(static_cast<std::uint64_t>(::archive_read_header_position(handle.get())));
        entries.finish();
    } catch (const Error&) {
        input.rethrow_failure();
        throw;
    }
}

// A zip's truth is at its end: it has to be a file that can be sought in.
sys::Fd spooled(ByteSource& bytes, const Path& folder, const Limits& limits) {
    std::string name = (folder / "zip-XXXXXX").string();
    sys::Fd fd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd || ::unlink(name.c_str()) != 0)
        throw_errno(fmt::format("cannot create a file in '{}'", printable(folder.string())));
    for (auto next = bytes.next(); !next.empty(); next = bytes.next()) {
        if (bytes.total() > limits.bytes)
            refuse_beyond(
                limits, Limit::bytes, bytes.total(),
                fmt::format("it has more than slug.max_bytes ({})", size_text(limits.bytes)));
        sys::write_all(fd.get(), next, folder);
    }
    return fd;
}

void unpack_zip(ByteSource& bytes, const Path& folder, const Limits& limits) {
    const sys::Fd file = spooled(bytes, folder, limits);
    require_whole_zip(file.get(), limits);
    if (::lseek(file.get(), 0, SEEK_SET) != 0)
        throw_errno("cannot read it");
    const Handle handle = new_handle();
    if (::archive_read_support_format_zip_seekable(handle.get()) != ARCHIVE_OK ||
        ::archive_read_open_fd(handle.get(), file.get(), std::size_t{1} << 16) != ARCHIVE_OK)
        refuse_archive(handle.get());
    ArchiveEntries entries(handle.get(), folder, limits, [&] { return bytes.total(); });
    while (entries.next())
        entries.take();
    entries.finish();
}

// Whoever sends must not die of SIGPIPE before it has heard why.
void drain(ByteSource& bytes, std::uint64_t most) noexcept {
    try {
        while (bytes.has_writer() && bytes.total() < most && !bytes.next().empty()) {
        }
    } catch (const std::exception&) {
        // the first failure is the one to tell
    }
}

} // namespace

void unpack_archive(int fd, const Path& folder, const Limits& limits, const Progress& progress) {
    const Utf8Here utf8;
    ByteSource bytes(fd, limits, progress);
    const auto first = bytes.peek(4);
    if (first.empty())
        refuse_empty();
    try {
        if (first.starts_with("PK\x03\x04") || first.starts_with("PK\x05\x06"))
            unpack_zip(bytes, folder, limits);
        else
            unpack_tar(bytes, folder, limits);
    } catch (const Error&) {
        drain(bytes, limits.bytes);
        throw;
    }
}

} // namespace shipit::slug
