// A slug as an image of a container: one layer on top of a base, and how to run it.
#pragma once

#include "core/base/progress.hpp"
#include "core/oci/layout.hpp"
#include "core/slug/slug_file.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace shipit::oci {

// Where the release's files are in the image; also the working directory.
inline constexpr const char* app_folder = "app";

struct ImagePlan {
    std::string tag;     // "v12"
    std::string created; // RFC 3339
    std::string author_note;
    std::vector<std::string> entrypoint;
    std::vector<std::pair<std::string, std::string>> environment; // over the base's, but for PATH
    std::vector<std::pair<std::string, std::string>> labels;
    std::vector<std::string> volumes; // paths in the app's folder that outlive a release
    std::vector<std::uint16_t> ports;
    std::string user;        // "33:33"; empty: the base's
    std::string stop_signal; // "SIGTERM"
    std::optional<Path> base = {};
    std::string base_tag = {}; // of several images in `base`
};

// Writes the whole image into `layout`, an empty folder, on the disk when this returns. The same
// plan, slug and base are the same bytes. Gives the manifest's descriptor. Throws Error.
Descriptor write_image(const Path& layout, const slug::SlugFile& slug, const ImagePlan& plan,
                       const Progress& progress);

// How OCI calls this machine: "amd64", "arm64", ….
[[nodiscard]] std::string own_architecture();

} // namespace shipit::oci
