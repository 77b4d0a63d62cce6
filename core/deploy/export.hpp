// Export: a release leaves this host as a file, for another host, or as an image of a container.
#pragma once

#include "core/deploy/app.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::deploy {

enum class ExportFormat {
    slug, // as it is
    tar,  // the files
    oci,  // an image of a container
};
[[nodiscard]] std::optional<ExportFormat> parse_export_format(std::string_view text);

struct ExportRequest {
    ReleaseNumber release;
    ExportFormat format = ExportFormat::slug;
    // A file; for an image also a folder that is not there yet, unless the name ends in ".tar".
    // Empty: a name of its own in the working folder.
    std::string destination = {};
    std::optional<int> output = {}; // write to this descriptor instead
    std::string process = "web";    // OCI: what the image runs
    std::string base = {};          // OCI: LAYOUT or LAYOUT:TAG
};

struct Exported {
    std::string destination; // empty: `output`
    SlugId slug;
    std::string sha256; // of the slug
    std::string digest; // OCI: of the manifest
};

// The same release is the same bytes. Nothing is written before the slug was checked, and nothing
// has its name before it is whole and on the disk. Takes no lock: a slug that is pruned meanwhile
// can be read to its end. No value of a config var is in it. Throws Error: no such release, pruned,
// damaged (corrupt), no such process type, something that is no file at `destination`.
[[nodiscard]] Exported export_release(const App& app, const ExportRequest& request);

} // namespace shipit::deploy
