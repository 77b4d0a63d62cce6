#include "core/oci/layout.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>

namespace shipit::oci {

namespace {

constexpr std::string_view digest_prefix = "sha256:";
constexpr std::size_t digest_digits = 64;
constexpr mode_t file_mode = 0644;
constexpr mode_t folder_mode = 0755;

Path blobs_in(const Path& layout) {
    return layout / "blobs" / "sha256";
}

bool is_digest(std::string_view text) {
    return text.starts_with(digest_prefix) && text.size() == digest_prefix.size() + digest_digits &&
           text.find_first_not_of("0123456789abcdef", digest_prefix.size()) == std::string::npos;
}

void write_file(const Path& path, const std::string& text) {
    const auto fd = sys::open_file(path, O_WRONLY | O_CREAT | O_EXCL, file_mode);
    sys::write_all(fd.get(), text, path);
    sys::flush(fd.get(), path);
}

} // namespace

Json Descriptor::json() const {
    return Json::object({{"mediaType", media_type}, {"digest", digest}, {"size", size}});
}

Descriptor descriptor_in(const Json& json) {
    const auto size = json["size"].integer(-1);
    Descriptor blob{json["mediaType"].text(), json["digest"].text(), 0};
    if (!is_digest(blob.digest) || size < 0)
        throw Error("it refers to something without a SHA-256 and a size", Outcome::corrupt);
    blob.size = static_cast<std::uint64_t>(size);
    return blob;
}

Path blob_path(const Path& layout, const Descriptor& blob) {
    return blobs_in(layout) / blob.digest.substr(digest_prefix.size());
}

BlobWriter::BlobWriter(const Path& layout)
    : m_layout(layout), m_path(blobs_in(layout) / "new"),
      m_fd(sys::open_file(m_path, O_WRONLY | O_CREAT | O_EXCL, file_mode)) {}

void BlobWriter::add(std::string_view bytes) {
    sys::write_all(m_fd.get(), bytes, m_path);
    m_sha256.add(bytes);
    m_size += bytes.size();
}

Descriptor BlobWriter::finish(std::string media_type) {
    sys::flush(m_fd.get(), m_path);
    Descriptor blob{std::move(media_type), std::string(digest_prefix) + m_sha256.finish(), m_size};
    sys::rename_durably(m_path, blob_path(m_layout, blob));
    return blob;
}

void begin_layout(const Path& layout) {
    sys::make_folders(blobs_in(layout), folder_mode);
}

Descriptor add_blob(const Path& layout, std::string_view bytes, std::string media_type) {
    BlobWriter writer(layout);
    writer.add(bytes);
    return writer.finish(std::move(media_type));
}

void copy_blob(const Path& from, const Path& to, const Descriptor& blob) {
    const Path source = blob_path(from, blob);
    const auto fd = sys::open_file(source, O_RDONLY | O_NONBLOCK);
    BlobWriter writer(to);
    std::uint64_t left = blob.size;
    sys::read_pieces(fd.get(), source, [&](std::string_view bytes) {
        if (bytes.size() > left)
            throw Error(
                fmt::format("'{}' is larger than its image says", printable(source.string())),
                Outcome::corrupt)
                .advise(get_it_again);
        writer.add(bytes);
        left -= bytes.size();
    });
    if (writer.finish(blob.media_type).digest != blob.digest)
        throw Error(fmt::format("'{}' does not have the SHA-256 that it is named by",
                                printable(source.string())),
                    Outcome::corrupt)
            .advise(get_it_again);
}

void finish_layout(const Path& layout, const Descriptor& manifest, const Json& platform,
                   const std::string& name) {
    Json entry = manifest.json();
    entry.set("annotations", Json::object({{"org.opencontainers.image.ref.name", name}}));
    entry.set("platform", platform);
    Json manifests = Json::array();
    manifests.push_back(entry);
    const Json index =
        Json::object({{"schemaVersion", 2}, {"mediaType", index_type}, {"manifests", manifests}});
    write_file(layout / "index.json", index.dump());
    write_file(layout / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    sys::flush_folder(layout);
}

} // namespace shipit::oci
