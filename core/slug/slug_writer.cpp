#include "core/slug/slug_writer.hpp"

#include "core/base/error.hpp"
#include "core/slug/tar_header.hpp"
#include "core/slug/zstd.hpp"

#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

constexpr std::uint64_t block = 4096; // of btrfs and XFS; others refuse, and are written to
constexpr std::uint64_t hand_over_size = std::uint64_t{8} << 20;

std::uint64_t next_block(std::uint64_t at) {
    return (at + block - 1) / block * block;
}

Path temporary_in(const Path& folder, sys::Fd& fd) {
    std::string name = (folder / temporary_prefix).string() + "XXXXXX";
    fd = sys::Fd(::mkostemp(name.data(), O_CLOEXEC)); // mode 0600
    if (!fd)
        throw_errno("cannot create a file in '" + folder.string() + "'");
    return name;
}

} // namespace

SlugWriter::SlugWriter(const Path& releases, int level)
    : m_releases(releases), m_level(level), m_temporary(temporary_in(releases, m_fd)) {}

SlugWriter::~SlugWriter() {
    if (!m_temporary.empty() && ::unlink(m_temporary.c_str()) != 0)
        sys::note_leftover();
}

void SlugWriter::write(std::string bytes) {
    sys::write_all(m_fd.get(), bytes, m_temporary);
    note_written(std::move(bytes));
}

void SlugWriter::note_written(std::string bytes) {
    m_size += bytes.size();
    m_sha256.add(std::move(bytes));
    // The disk begins while we go on, so that the flush in the end finds little to do.
    if (m_size - m_handed_over < hand_over_size)
        return;
    (void)::sync_file_range(m_fd.get(), static_cast<off_t>(m_handed_over),
                            static_cast<off_t>(m_size - m_handed_over), SYNC_FILE_RANGE_WRITE);
    m_handed_over = m_size;
}

void SlugWriter::add_frame(std::string packed, std::uint64_t unpacked, const Hash& hash) {
    m_run = {};
    m_frames.push_back(
        {m_size, static_cast<std::uint32_t>(packed.size()), static_cast<std::uint32_t>(unpacked)});
    m_hashes.push_back(hash);
    write(std::move(packed));
}

void SlugWriter::add_copy(std::string packed, const DataFrame& frame, int source) {
    if (!can_share(source))
        return add_frame(std::move(packed), frame.frame.unpacked, frame.hash);
    if (m_run.source_end != frame.frame.at || m_run.shared_end == 0)
        begin_run(frame.frame.at);
    m_frames.push_back({m_size, frame.frame.packed, frame.frame.unpacked});
    m_hashes.push_back(frame.hash);
    share(std::move(packed), frame.frame.at, source);
    m_run.source_end = frame.frame.at + frame.frame.packed;
}

// Tried once, with a block that is cut off again.
bool SlugWriter::can_share(int source) {
    if (m_sharing == Sharing::untried) {
        const file_clone_range range{source, 0, block, next_block(m_size)};
        const bool works = ::ioctl(m_fd.get(), FICLONERANGE, &range) == 0;
        m_sharing = works ? Sharing::works : Sharing::fails;
        if (works && ::ftruncate(m_fd.get(), static_cast<off_t>(m_size)) != 0)
            throw_errno("cannot write '" + m_temporary.string() + "'");
    }
    return m_sharing == Sharing::works;
}

// Blocks are shared only between places that are alike modulo their size: a skippable frame of the
// size that is missing brings us there.
void SlugWriter::begin_run(std::uint64_t source_at) {
    std::uint64_t missing = (source_at - m_size) % block;
    if (missing != 0 && missing < skippable_header_size)
        missing += block;
    if (missing != 0) {
        std::string pad;
        append_number(pad, pad_frame_magic, 4);
        append_number(pad, missing - skippable_header_size, 4);
        pad.resize(missing, '\0');
        m_frames.push_back({m_size, static_cast<std::uint32_t>(missing), 0});
        write(std::move(pad));
    }
    m_run.shared_end = next_block(m_size);
}

// Shares the whole blocks of the run that have their end now, and writes the rest; the last block
// is written as far as it goes, and shared when the next frame of the run completes it.
void SlugWriter::share(std::string packed, std::uint64_t source_at, int source) {
    const auto end = m_size + packed.size();
    const auto whole_end = end / block * block;
    auto written_from = m_size;
    if (whole_end > m_run.shared_end) {
        const auto head = m_run.shared_end > m_size ? m_run.shared_end - m_size : 0;
        sys::write_all(m_fd.get(), std::string_view(packed).substr(0, head), m_temporary);
        const file_clone_range range{source, source_at + m_run.shared_end - m_size,
                                     whole_end - m_run.shared_end, m_run.shared_end};
        if (::ioctl(m_fd.get(), FICLONERANGE, &range) != 0 ||
            ::lseek(m_fd.get(), static_cast<off_t>(whole_end), SEEK_SET) < 0)
            throw_errno("cannot write '" + m_temporary.string() + "'");
        m_run.shared_end = written_from = whole_end;
    }
    sys::write_all(m_fd.get(), std::string_view(packed).substr(written_from - m_size), m_temporary);
    note_written(std::move(packed));
}

std::string SlugWriter::finish(const FileList& list, const std::string& text) {
    const std::string end(tar_end_size, '\0');
    add_frame(Compressor(m_level).compress(end), end.size(), hash_of(end));
    auto tail = list_frame(list, text, m_hashes, m_level);
    m_frames.push_back({m_size, static_cast<std::uint32_t>(tail.size()), 0});
    write(std::move(tail));
    write(seek_table(m_frames));
    sys::flush(m_fd.get(), m_temporary);
    return m_sha256.finish();
}

void SlugWriter::publish(const Path& path) {
    sys::rename_durably(m_temporary, path);
    m_temporary.clear();
}

} // namespace shipit::slug
