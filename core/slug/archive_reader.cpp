#include "core/slug/archive_reader.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/archive_source.hpp"
#include "core/slug/staging_writer.hpp"
#include "core/slug/tar_header.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <new>
#include <optional>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

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
        if (m_locale != nullptr)
            m_before = ::uselocale(m_locale);
    }
    Utf8Here(const Utf8Here&) = delete;
    Utf8Here& operator=(const Utf8Here&) = delete;
    ~Utf8Here() {
        if (m_locale == nullptr)
            return;
        ::uselocale(m_before);
        ::freelocale(m_locale);
    }

  private:
    locale_t m_locale;
    locale_t m_before = nullptr;
};

[[noreturn]] void refuse_entry(std::string_view path, const std::string& why) {
    throw Error(fmt::format("the archive's entry '{}' {}", printable(path), why));
}

// Takes the entries of a tar or zip one by one.
class Reading {
  public:
    Reading(archive* handle, const Path& folder, const Limits& limits)
        : m_handle(handle), m_limits(limits), m_writer(folder, limits) {}

    // False at the end of the archive.
    bool take_next() {
        archive_entry* entry = nullptr;
        const int result = ::archive_read_next_header(m_handle, &entry);
        if (result == ARCHIVE_EOF)
            return false;
        // Even a warning may mean that an entry was passed over or its name changed.
        if (result != ARCHIVE_OK)
            refuse_header(entry, result);
        if (++m_entries > m_limits.entries)
            throw Error(fmt::format("it has more than {} entries", m_limits.entries));
        const char* path = ::archive_entry_pathname(entry);
        if (path == nullptr)
            throw Error(fmt::format("its entry {} has no readable name", m_entries));
        take(entry, path);
        return true;
    }

    void finish() {
        if (m_entries == 0)
            throw Error("it is empty");
        m_writer.finish();
    }

  private:
    [[noreturn]] void refuse_header(archive_entry* entry, int result) {
        const char* why = ::archive_error_string(m_handle);
        const char* path =
            result == ARCHIVE_WARN && entry != nullptr ? ::archive_entry_pathname(entry) : nullptr;
        if (path == nullptr)
            refuse_archive(m_handle);
        throw Error(fmt::format("the archive's entry '{}' cannot be read: {}", printable(path),
                                why != nullptr ? printable(why) : "its header is damaged"))
            .advise("make the archive with 'tar --format=gnu'");
    }

    void take(archive_entry* entry, std::string_view raw_path) {
        const auto path = m_writer.clean(raw_path);
        const auto type = ::archive_entry_filetype(entry);
        const char* hard_link = ::archive_entry_hardlink(entry);
        if (path.empty()) {
            if (type != AE_IFDIR)
                refuse_entry(raw_path, "names the build itself and is no folder");
            return; // the build's own folder: its mode is not ours to change
        }
        if (hard_link != nullptr) {
            if (::archive_entry_size(entry) > 0)
                refuse_entry(raw_path, "is a hard link with content of its own");
            return m_writer.make_hard_link(path, m_writer.clean(hard_link));
        }
        if (type == AE_IFDIR)
            return m_writer.make_folder(path, attributes_of(entry));
        if (type == AE_IFREG)
            return take_file(entry, path);
        if (type != AE_IFLNK)
            refuse_entry(raw_path, "is no file, folder or link");
        const char* target = ::archive_entry_symlink(entry);
        m_writer.make_symlink(path, target != nullptr ? target : "", attributes_of(entry));
    }

    static Attributes attributes_of(archive_entry* entry) {
        Attributes attributes;
        attributes.mode = ::archive_entry_perm(entry) & 0777U;
        attributes.mtime = clamped_mtime(::archive_entry_mtime(entry));
        const auto nanoseconds = static_cast<std::int64_t>(::archive_entry_mtime_nsec(entry));
        attributes.mtime_ns = nanoseconds >= 0 && nanoseconds < 1'000'000'000 ? nanoseconds : 0;
        return attributes;
    }

    void take_file(archive_entry* entry, const std::string& path) {
        const auto claimed =
            ::archive_entry_size_is_set(entry) != 0 ? ::archive_entry_size(entry) : 0;
        if (claimed < 0)
            refuse_entry(path, "has a negative size");
        require_room(static_cast<std::uint64_t>(claimed));
        m_writer.begin_file(path);
        std::uint64_t size = 0;
        for (;;) {
            const void* bytes = nullptr;
            std::size_t count = 0;
            la_int64_t offset = 0;
            const int result = ::archive_read_data_block(m_handle, &bytes, &count, &offset);
            if (result == ARCHIVE_EOF)
                break;
            if (result != ARCHIVE_OK || offset < 0)
                refuse_archive(m_handle);
            const auto end = static_cast<std::uint64_t>(offset) + count;
            require_room(end);
            m_writer.write_block(static_cast<std::uint64_t>(offset),
                                 {static_cast<const char*>(bytes), count});
            size = std::max(size, end);
        }
        size =
            std::max(size, static_cast<std::uint64_t>(claimed)); // a sparse file may end in a hole
        m_bytes += size;
        m_writer.finish_file(size, attributes_of(entry));
    }

    void require_room(std::uint64_t more) const {
        if (more > m_limits.bytes || m_bytes > m_limits.bytes - more)
            throw Error(fmt::format("it unpacks to more than {}", size_text(m_limits.bytes)));
    }

    archive* m_handle;
    const Limits& m_limits;
    StagingWriter m_writer;
    std::uint64_t m_entries = 0;
    std::uint64_t m_bytes = 0;
};

// What libarchive's callback needs to read a tar from an UnpackedSource.
struct TarInput {
    UnpackedSource& source;
    std::exception_ptr failure;

    static la_ssize_t read(archive* handle, void* self, const void** bytes) {
        auto& input = *static_cast<TarInput*>(self);
        try {
            const auto next = input.source.next();
            *bytes = next.data();
            return static_cast<la_ssize_t>(next.size());
        } catch (...) {
            input.failure = std::current_exception();
            ::archive_set_error(handle, EIO, "cannot read");
            return -1;
        }
    }
};

void unpack_tar(ByteSource& bytes, const Path& folder, const Limits& limits) {
    UnpackedSource source(bytes, limits);
    TarInput input{source, nullptr};
    const Handle handle = new_handle();
    try {
        if (::archive_read_support_format_tar(handle.get()) != ARCHIVE_OK ||
            ::archive_read_open(handle.get(), &input, nullptr, &TarInput::read, nullptr) !=
                ARCHIVE_OK)
            refuse_archive(handle.get());
        Reading reading(handle.get(), folder, limits);
        while (reading.take_next()) {
        }
        // At the end this is where the header after the last entry would be.
        source.finish(static_cast<std::uint64_t>(::archive_read_header_position(handle.get())));
        reading.finish();
    } catch (const Error&) {
        if (input.failure)
            std::rethrow_exception(input.failure);
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
            throw Error(fmt::format("it has more than {}", size_text(limits.bytes)));
        sys::write_all(fd.get(), next, folder);
    }
    if (::lseek(fd.get(), 0, SEEK_SET) != 0)
        throw_errno("cannot read it");
    return fd;
}

void unpack_zip(ByteSource& bytes, const Path& folder, Limits limits) {
    const sys::Fd file = spooled(bytes, folder, limits);
    // A small archive may be as dense as it likes, up to what a tar may be.
    const auto dense = std::max(bytes.total(), std::uint64_t{1} << 16);
    if (limits.bytes / limits.expansion > dense)
        limits.bytes = std::max(dense * limits.expansion, std::uint64_t{64} << 20);
    const Handle handle = new_handle();
    if (::archive_read_support_format_zip_seekable(handle.get()) != ARCHIVE_OK ||
        ::archive_read_open_fd(handle.get(), file.get(), std::size_t{1} << 16) != ARCHIVE_OK)
        refuse_archive(handle.get());
    Reading reading(handle.get(), folder, limits);
    while (reading.take_next()) {
    }
    reading.finish();
}

// Whoever sends must not die of SIGPIPE before it has heard why.
void drain(ByteSource& bytes, std::uint64_t most) noexcept {
    try {
        while (bytes.total() < most && !bytes.next().empty()) {
        }
    } catch (const std::exception&) {
        // the first failure is the one to tell
    }
}

} // namespace

void unpack_archive(int fd, const Path& folder, const Limits& limits) {
    const Utf8Here utf8;
    ByteSource bytes(fd);
    const auto first = bytes.peek(4);
    if (first.empty())
        throw Error("it is empty");
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
