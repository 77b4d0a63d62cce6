#include "core/slug/slug_file.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/tail.hpp"
#include "core/slug/tar_header.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

// A reader holds this much of a frame in memory; shipit-slug(5) promises no more.
constexpr std::uint32_t largest_frame = 16U << 20U;

// Damage that is found in `work` is told with the slug's name.
template <class Work>
auto named(const SlugFile& slug, Work&& work) {
    try {
        return work();
    } catch (Error& error) {
        if (error.outcome() != Outcome::corrupt)
            throw;
        throw Error(fmt::format("slug '{}' is damaged: {}", slug.name(), error.why()),
                    Outcome::corrupt);
    }
}

} // namespace

SlugFile::SlugFile(const Path& path, const std::string& name, const Limits* limits)
    : SlugFile(path, name, Reading::nothing) {
    named(*this, [&] {
        auto tail = parse_list_frame(read_list_frame(), limits);
        m_id = tail.id;
        m_list = std::move(tail.list);
        m_extents = extents_of(m_list);
        place_data_frames(tail.frame_hashes);
    });
}

SlugFile::SlugFile(const Path& path, const std::string& name, Reading)
    : m_path(path), m_name(printable(name.empty() ? path.string() : name)),
      m_fd(sys::open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)) {
    struct stat status {};
    if (::fstat(m_fd.get(), &status) != 0)
        throw_errno(fmt::format("cannot read '{}'", m_name));
    m_size = static_cast<std::uint64_t>(status.st_size);
    if (!S_ISREG(status.st_mode))
        throw Error(fmt::format("slug '{}' is damaged: it is not a file", m_name),
                    Outcome::corrupt);
}

bool SlugFile::has_list(const Path& path, std::string_view text) {
    SlugFile slug(path, {}, Reading::nothing);
    return named(slug, [&] { return holds_list(slug.read_list_frame(), text); });
}

std::string SlugFile::read_list_frame() {
    if (m_size < seek_footer_size)
        throw Error(fmt::format("it has {} bytes only", m_size), Outcome::corrupt);
    const auto table_size = seek_table_size(bytes_at(m_size - seek_footer_size, seek_footer_size));
    if (table_size > m_size)
        throw Error("its beginning is missing", Outcome::corrupt);
    m_frames = parse_seek_table(bytes_at(m_size - table_size, table_size), m_size);
    if (m_frames.empty())
        throw Error("it has no frames", Outcome::corrupt);
    return bytes_at(m_frames.back().at, m_frames.back().packed);
}

void SlugFile::place_data_frames(const std::vector<Hash>& hashes) {
    std::uint64_t at = 0;
    for (const auto& frame : m_frames) {
        if (frame.unpacked == 0)
            continue;
        if (frame.unpacked > largest_frame)
            throw Error("one of its frames is larger than 16 MiB", Outcome::corrupt);
        if (m_data_frames.size() == hashes.size())
            throw Error("it has more frames than its list says", Outcome::corrupt);
        m_data_frames.push_back({frame, {at, at + frame.unpacked}, hashes[m_data_frames.size()]});
        at += frame.unpacked;
    }
    const auto expected = (m_extents.empty() ? 0 : m_extents.back().end) + tar_end_size;
    if (m_data_frames.size() != hashes.size() || at != expected)
        throw Error("its frames do not hold what its list says", Outcome::corrupt);
}

void SlugFile::read_at(std::uint64_t at, std::span<char> bytes) const {
    while (!bytes.empty()) {
        const auto n = ::pread(m_fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw_errno(fmt::format("cannot read '{}'", m_name));
        if (n == 0)
            throw Error("it ends too early", Outcome::corrupt);
        at += static_cast<std::uint64_t>(n);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

std::string SlugFile::bytes_at(std::uint64_t at, std::uint64_t size) const {
    std::string bytes(size, '\0');
    read_at(at, bytes);
    return bytes;
}

std::string_view SlugFile::unpacked_unchecked(std::size_t data_frame,
                                              Decompressor& decompressor) const {
    const auto& frame = m_data_frames[data_frame].frame;
    try {
        const auto packed = decompressor.room(frame.packed);
        read_at(frame.at, packed);
        return decompressor.unpack({packed.data(), packed.size()}, frame.unpacked);
    } catch (Error& error) {
        if (error.outcome() != Outcome::corrupt)
            throw;
        refuse_frame(frame, error.why());
    }
}

std::string_view SlugFile::unpacked(std::size_t data_frame, Decompressor& decompressor) const {
    const auto& wanted = m_data_frames[data_frame];
    const auto bytes = unpacked_unchecked(data_frame, decompressor);
    const auto found = hash_of(bytes);
    if (found != wanted.hash)
        refuse_frame(wanted.frame, fmt::format("a frame has the hash {} instead of {}", found.hex(),
                                               wanted.hash.hex()));
    return bytes;
}

void SlugFile::refuse_frame(const Frame& frame, const std::string& why) const {
    throw Error(fmt::format("slug '{}' is damaged at byte {}: {}", m_name, frame.at, why),
                Outcome::corrupt);
}

} // namespace shipit::slug
