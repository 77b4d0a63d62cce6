// A folder in the OCI image layout (image-spec 1.0): blobs named by their SHA-256, and an index.
#pragma once

#include "core/base/json.hpp"
#include "core/slug/digest.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace shipit::oci {

// Media types (OCI image-spec, media-types.md).
inline constexpr const char* index_type = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* manifest_type = "application/vnd.oci.image.manifest.v1+json";

using sys::Path;

// What a reference to a blob says; `digest` is "sha256:" and 64 digits.
struct Descriptor {
    std::string media_type;
    std::string digest;
    std::uint64_t size = 0;

    [[nodiscard]] Json json() const;
};

// Throws Error (corrupt) for anything but a descriptor whose digest is a SHA-256: it becomes the
// name of a file.
[[nodiscard]] Descriptor descriptor_in(const Json& json);

// What to do about an image that is not what its digests say.
inline constexpr const char* get_it_again =
    "get the image again, with 'skopeo copy' or as it was got";

[[nodiscard]] Path blob_path(const Path& layout, const Descriptor& blob);

// A blob that is written piece by piece, under a name of its own until its hash is known.
class BlobWriter {
  public:
    explicit BlobWriter(const Path& layout);
    void add(std::string_view bytes);
    // On the disk under its name when this returns.
    [[nodiscard]] Descriptor finish(std::string media_type);

  private:
    Path m_layout;
    Path m_path;
    sys::Fd m_fd;
    slug::Sha256 m_sha256;
    std::uint64_t m_size = 0;
};

// Makes the folders, in an empty one.
void begin_layout(const Path& layout);
Descriptor add_blob(const Path& layout, std::string_view bytes, std::string media_type);
// Copies a blob of another layout. Throws Error (corrupt) if it is not what its digest says.
void copy_blob(const Path& from, const Path& to, const Descriptor& blob);
// The file that makes it a layout, and the index with one image, called `name`.
void finish_layout(const Path& layout, const Descriptor& manifest, const Json& platform,
                   const std::string& name);

} // namespace shipit::oci
