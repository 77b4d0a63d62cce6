#include "core/oci/base_image.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <string_view>
#include <vector>

#include <fmt/core.h>

namespace shipit::oci {

namespace {

constexpr std::string_view any_layer_type = "application/vnd.oci.image.layer.v1.tar";
constexpr std::uint64_t largest_document = std::uint64_t{4} << 20;
constexpr const char* advice = "skopeo copy docker://docker.io/library/debian:12-slim oci:base:12";

Json document(const Path& layout, const Descriptor& blob) {
    const Path path = blob_path(layout, blob);
    const std::string text = sys::read_file(path, largest_document);
    slug::Sha256 sha256;
    sha256.add(text);
    if ("sha256:" + sha256.finish() != blob.digest)
        throw Error(fmt::format("'{}' does not have the SHA-256 that it is named by",
                                printable(path.string())),
                    Outcome::corrupt)
            .advise(get_it_again);
    return Json::parse(text);
}

bool is_for(const Json& entry, const std::string& architecture) {
    const Json& platform = entry["platform"];
    return platform.is_null() ||
           (platform["os"].text() == "linux" && platform["architecture"].text() == architecture);
}

Json only_image(const Json& index, const std::string& tag, const std::string& architecture) {
    std::vector<Json> found;
    for (const Json& entry : index["manifests"].items())
        if (is_for(entry, architecture) &&
            (tag.empty() ||
             entry["annotations"]["org.opencontainers.image.ref.name"].text() == tag))
            found.push_back(entry);
    const std::string wanted =
        fmt::format("image for linux/{}{}", architecture, tag.empty() ? "" : " called " + tag);
    if (found.empty())
        throw Error("it has no " + printable(wanted)).advise(advice);
    if (found.size() > 1)
        throw Error(fmt::format("it has more than one {}", printable(wanted)), Outcome::usage)
            .advise("name the one that is meant: --base LAYOUT:TAG");
    return found.front();
}

Descriptor manifest_in(const Path& layout, const std::string& tag,
                       const std::string& architecture) {
    const auto text = sys::read_file_if_any(layout / "index.json", largest_document);
    if (!text)
        throw Error("it is no OCI image layout: it has no index.json", Outcome::usage)
            .advise(advice);
    auto found = descriptor_in(only_image(Json::parse(*text), tag, architecture));
    if (found.media_type == index_type) // one for several architectures
        found = descriptor_in(only_image(document(layout, found), {}, architecture));
    if (found.media_type != manifest_type)
        throw Error(
            fmt::format("its image is of type '{}', not OCI's", printable(found.media_type)))
            .advise(advice);
    return found;
}

} // namespace

BaseImage copy_base(const Path& from, const std::string& tag, const std::string& architecture,
                    const Path& to) {
    return while_doing(fmt::format("reading the base '{}'", printable(from.string())), [&] {
        const Json manifest = document(from, manifest_in(from, tag, architecture));
        BaseImage base;
        base.config = document(from, descriptor_in(manifest["config"]));
        if (!base.config.is_object() || base.config["architecture"].text() != architecture)
            throw Error(fmt::format("it is for '{}', and this host's programs for '{}'",
                                    printable(base.config["architecture"].text()), architecture));
        for (const Json& each : manifest["layers"].items()) {
            const Descriptor layer = descriptor_in(each);
            if (!std::string_view(layer.media_type).starts_with(any_layer_type))
                throw Error(fmt::format("a layer of it is of type '{}', not OCI's",
                                        printable(layer.media_type)))
                    .advise(advice);
            copy_blob(from, to, layer);
            base.layers.push_back(each);
        }
        if (base.config["rootfs"]["diff_ids"].items().size() != base.layers.items().size())
            throw Error("its configuration does not have its layers", Outcome::corrupt);
        return base;
    });
}

} // namespace shipit::oci
