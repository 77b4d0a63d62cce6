// The image that another one is built upon, out of a layout in a folder.
#pragma once

#include "core/base/json.hpp"
#include "core/oci/layout.hpp"

#include <string>

namespace shipit::oci {

struct BaseImage {
    Json config;                 // of the image, whole
    Json layers = Json::array(); // its descriptors
};

// Reads the image for `architecture` in `from`, and copies its layers into `to`, each checked
// against its digest. With several images in the layout, `tag` chooses one. Throws Error: no
// layout, no such image, damaged, or one whose layers are not OCI's.
[[nodiscard]] BaseImage copy_base(const Path& from, const std::string& tag,
                                  const std::string& architecture, const Path& to);

} // namespace shipit::oci
