#include "core/slug/slug_writer.hpp"

#include "core/base/error.hpp"
#include "core/slug/tar_header.hpp"
#include "core/slug/zstd.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

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
    if (!m_temporary.empty())
        (void)::unlink(m_temporary.c_str()); // a leftover is removed by the next Store::tidy
}

void SlugWriter::write(std::string_view bytes) {
    sys::write_all(m_fd.get(), bytes, m_temporary);
    m_sha256.add(bytes);
    m_size += bytes.size();
}

void SlugWriter::add_frame(std::string_view packed, std::uint64_t unpacked, const Hash& hash) {
    m_frames.push_back(
        {m_size, static_cast<std::uint32_t>(packed.size()), static_cast<std::uint32_t>(unpacked)});
    m_hashes.push_back(hash);
    write(packed);
}

std::string SlugWriter::finish(const FileList& list, const std::string& text) {
    const std::string end(tar_end_size, '\0');
    add_frame(Compressor(m_level).compress(end), end.size(), hash_of(end));
    const auto tail = list_frame(list, text, m_hashes, m_level);
    m_frames.push_back({m_size, static_cast<std::uint32_t>(tail.size()), 0});
    write(tail);
    write(seek_table(m_frames));
    sys::flush(m_fd.get(), m_temporary);
    return m_sha256.finish();
}

void SlugWriter::publish(const Path& path) {
    sys::rename_durably(m_temporary, path);
    m_temporary.clear();
}

} // namespace shipit::slug
