#include "core/oci/image.hpp"

#include "core/base/error.hpp"
#include "core/oci/base_image.hpp"
#include "core/slug/gzip_encoder.hpp"
#include "core/slug/tar_export.hpp"

#include <algorithm>
#include <map>

#include <fmt/core.h>
#include <sys/utsname.h>

namespace shipit::oci {

namespace {

constexpr const char* config_type = "application/vnd.oci.image.config.v1+json";
constexpr const char* layer_type = "application/vnd.oci.image.layer.v1.tar+gzip";

struct Layer {
    Descriptor blob;
    std::string diff_id; // the SHA-256 of it unpacked
};

Layer write_layer(const Path& layout, const slug::SlugFile& slug, const Progress& progress) {
    BlobWriter blob(layout);
    slug::GzipEncoder gzip([&blob](std::string_view bytes) { blob.add(bytes); });
    slug::Sha256 unpacked;
    const auto sink = [&](std::string_view bytes) {
        unpacked.add(bytes);
        gzip.add(bytes);
    };
    slug::write_tar_below(app_folder, slug, sink, progress);
    gzip.finish();
    return {blob.finish(layer_type), "sha256:" + unpacked.finish()};
}

// Names that the base has keep their place; its PATH finds what it brings along.
Json environment(const Json& of_base, const ImagePlan& plan) {
    std::map<std::string, std::string> variables(plan.environment.begin(), plan.environment.end());
    for (const Json& each : of_base.items()) {
        const std::string line = each.text();
        const auto name = line.substr(0, line.find('='));
        if (name == "PATH" || !variables.contains(name))
            variables[name] = line.size() > name.size() ? line.substr(name.size() + 1) : "";
    }
    Json lines = Json::array();
    for (const auto& [name, value] : variables)
        lines.push_back(name + "=" + value);
    return lines;
}

// What comes from a base is of any shape.
Json object_in(const Json& value) {
    return value.is_object() ? value : Json();
}

// As OCI writes sets: the members of an object without content.
template <class Range, class Name>
void add_to_set(Json& config, const std::string& key, const Range& items, const Name& name_of) {
    Json set = object_in(config[key]);
    for (const auto& item : items)
        set.set(name_of(item), Json::object());
    if (set.is_object())
        config.set(key, set);
}

// `Cmd` would be arguments of our entry point.
Json without(const Json& object, std::string_view key) {
    Json result = Json::object();
    for (const auto& [name, value] : object.members())
        if (name != key)
            result.set(name, value);
    return result;
}

Json run_config(const Json& of_base, const ImagePlan& plan) {
    Json config = without(of_base, "Cmd");
    if (!plan.user.empty())
        config.set("User", plan.user);
    add_to_set(config, "ExposedPorts", plan.ports,
               [](std::uint16_t port) { return fmt::format("{}/tcp", port); });
    config.set("Env", environment(of_base["Env"], plan));
    config.set("Entrypoint", Json::array_of(plan.entrypoint));
    add_to_set(config, "Volumes", plan.volumes,
               [](const std::string& path) { return fmt::format("/{}/{}", app_folder, path); });
    config.set("WorkingDir", fmt::format("/{}", app_folder));
    Json labels = object_in(config["Labels"]);
    for (const auto& [name, value] : plan.labels)
        labels.set(name, value);
    config.set("Labels", labels);
    return config.set("StopSignal", plan.stop_signal);
}

Json image_config(const Json& of_base, const ImagePlan& plan, const std::string& diff_id) {
    Json diff_ids(of_base["rootfs"]["diff_ids"].items());
    diff_ids.push_back(diff_id);
    Json history(of_base["history"].items());
    history.push_back(Json::object({{"created", plan.created}, {"created_by", plan.author_note}}));
    Json config = of_base.is_object() ? of_base : Json::object();
    config.set("created", plan.created);
    config.set("architecture", own_architecture()).set("os", "linux");
    config.set("config", run_config(of_base["config"], plan));
    config.set("rootfs", Json::object({{"type", "layers"}, {"diff_ids", diff_ids}}));
    return config.set("history", history);
}

} // namespace

std::string own_architecture() {
    struct utsname names {};
    if (::uname(&names) != 0)
        throw_errno("cannot tell this machine's architecture");
    static const std::map<std::string, std::string> known{
        {"x86_64", "amd64"}, {"aarch64", "arm64"}, {"armv7l", "arm"}, {"i686", "386"}};
    const auto found = known.find(names.machine);
    return found != known.end() ? found->second : names.machine;
}

Descriptor write_image(const Path& layout, const slug::SlugFile& slug, const ImagePlan& plan,
                       const Progress& progress) {
    begin_layout(layout);
    BaseImage base;
    if (plan.base)
        base = copy_base(*plan.base, plan.base_tag, own_architecture(), layout);
    const Layer layer = write_layer(layout, slug, progress);
    base.layers.push_back(layer.blob.json());
    const auto config =
        add_blob(layout, image_config(base.config, plan, layer.diff_id).dump(), config_type);
    Json annotations = Json::object();
    for (const auto& [name, value] : plan.labels)
        annotations.set(name, value);
    const Json manifest = Json::object({{"schemaVersion", 2},
                                        {"mediaType", manifest_type},
                                        {"config", config.json()},
                                        {"layers", base.layers},
                                        {"annotations", annotations}});
    auto blob = add_blob(layout, manifest.dump(), manifest_type);
    finish_layout(layout, blob,
                  Json::object({{"architecture", own_architecture()}, {"os", "linux"}}), plan.tag);
    return blob;
}

} // namespace shipit::oci
