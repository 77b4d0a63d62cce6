#include "core/deploy/export.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/oci/image.hpp"
#include "core/slug/slug_contents.hpp"
#include "core/slug/store.hpp"
#include "core/slug/tar_export.hpp"
#include "core/supervise/words.hpp"
#include "core/sys/account.hpp"
#include "core/sys/interrupt.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

namespace shipit::deploy {

namespace {

using slug::Sink;
using sys::Path;

constexpr mode_t private_file = 0600; // as slugs are
constexpr mode_t private_folder = 0700;
constexpr const char* temporary = ".shipit-export-";
constexpr std::size_t piece_size = std::size_t{1} << 18;

// --- Where it goes ---

Sink stoppable(const Sink& sink) {
    return [sink](std::string_view bytes) {
        sys::stop_if_interrupted();
        sink(bytes);
    };
}

Path folder_of(const Path& destination) {
    return destination.has_parent_path() ? destination.parent_path() : Path(".");
}

// Where an image is made that goes to standard output.
Path temporary_place() {
    std::error_code absent;
    Path place = std::filesystem::temp_directory_path(absent);
    if (absent)
        throw Error(
            fmt::format("no image can be made in TMPDIR, which is no folder: {}", absent.message()),
            Outcome::usage)
            .advise("set TMPDIR to a folder that has room, or unset it");
    return place;
}

// A device, a pipe or a folder would be replaced, not written to.
void refuse_what_is_no_file(const Path& destination) {
    if (!destination.has_filename())
        throw Error(fmt::format("'{}' names a folder, and this is one file",
                                printable(destination.string())),
                    Outcome::usage)
            .advise("-o FILE says what the file is called");
    struct stat status {};
    if (::lstat(destination.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
        throw Error(fmt::format("'{}' is there, and no file", printable(destination.string())),
                    Outcome::usage)
            .advise("-o FILE names another one, '-o -' standard output");
}

void write_file(const Path& destination, const std::function<void(const Sink&)>& write) {
    refuse_what_is_no_file(destination);
    const sys::TempFolder temp(folder_of(destination), temporary);
    const Path file = temp.path() / "whole";
    const auto fd = sys::open_file(file, O_WRONLY | O_CREAT | O_EXCL, private_file);
    write(stoppable([&](std::string_view bytes) { sys::write_all(fd.get(), bytes, file); }));
    sys::flush(fd.get(), file);
    sys::rename_durably(file, destination);
}

void write_out(const ExportRequest& request, const std::string& destination,
               const std::function<void(const Sink&)>& write) {
    if (request.output)
        write(stoppable([&](std::string_view bytes) {
            sys::write_all(*request.output, bytes, "standard output");
        }));
    else
        write_file(destination, write);
}

// --- What goes ---

void copy(const Path& file, std::uint64_t size, const Sink& sink) {
    const auto fd = sys::open_file(file, O_RDONLY | O_NOFOLLOW);
    std::uint64_t left = size;
    sys::read_pieces(fd.get(), file, [&](std::string_view bytes) {
        sink(bytes);
        left -= std::min<std::uint64_t>(left, bytes.size());
    });
    if (left > 0)
        throw Error(fmt::format("'{}' became shorter while it was read", file.string()));
}

void copy_slug(const slug::SlugFile& slug, const Sink& sink) {
    for (std::uint64_t at = 0; at < slug.size(); at += piece_size)
        sink(slug.bytes_at(at, std::min<std::uint64_t>(piece_size, slug.size() - at)));
}

// A layout as one file: as `skopeo` calls it, an oci-archive.
void write_archive(const Path& layout, const Sink& sink) {
    slug::TarWriter tar(sink);
    std::vector<Path> paths;
    for (const auto& each : std::filesystem::recursive_directory_iterator(layout))
        paths.push_back(each.path());
    std::sort(paths.begin(), paths.end());
    for (const Path& path : paths) {
        slug::Entry entry;
        entry.path = path.lexically_relative(layout).string();
        const bool is_folder = std::filesystem::is_directory(path);
        entry.type = is_folder ? slug::Type::folder : slug::Type::file;
        entry.mode = is_folder ? 0755 : 0644;
        entry.size = is_folder ? 0 : std::filesystem::file_size(path);
        tar.add(entry);
        if (is_folder)
            continue;
        copy(path, entry.size, [&tar](std::string_view bytes) { tar.add_content(bytes); });
        tar.finish_content(entry);
    }
    tar.finish();
}

const ProcessType& process_named(const release::Manifest& manifest, const std::string& name) {
    std::vector<std::string> names;
    for (const ProcessType& type : manifest.spec.processes) {
        if (type.name == name)
            return type;
        names.push_back(type.name);
    }
    Error error(fmt::format("{} has no process type '{}'", manifest.number.text(), printable(name)),
                Outcome::usage);
    error.advise(names.empty() ? "it has none; '--format tar' gives its files"
                               : fmt::format("--process {}", joined(names, " | ")));
    throw std::move(error);
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs environment(const App& app, const release::Manifest& manifest, const ProcessType& type,
                  std::uint16_t port) {
    return {{"LANG", "C.UTF-8"},
            {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            {"PORT", std::to_string(port)},
            {"SHIPIT_APP", app.name().text()},
            {"SHIPIT_PROCESS", type.name + ".1"},
            {"SHIPIT_RELEASE", manifest.number.text()},
            {"SHIPIT_SLUG", manifest.slug->id.text()}};
}

Pairs labels(const App& app, const release::Manifest& manifest) {
    Pairs labels{{"org.opencontainers.image.created", time_text(manifest.created_at)},
                 {"org.opencontainers.image.description", printable(manifest.description)},
                 {"org.opencontainers.image.title", app.name().text()},
                 {"org.opencontainers.image.version", manifest.number.text()},
                 {"shipit.slug", manifest.slug->id.text()},
                 {"shipit.slug.sha256", manifest.slug->sha256}};
    if (manifest.source)
        labels.emplace_back("org.opencontainers.image.revision", manifest.source->commit);
    std::vector<std::string> names;
    for (const auto& [name, value] : manifest.config)
        names.push_back(name);
    labels.emplace_back("shipit.config", joined(names, ","));
    std::sort(labels.begin(), labels.end());
    return labels;
}

// A user by number: a container knows no names of this host.
std::string user_in_image(const config::AppSettings& settings) {
    if (settings.user.empty())
        return {};
    const auto account = sys::account_of(settings.user);
    return fmt::format("{}:{}", account.uid, account.gid);
}

oci::ImagePlan plan_image(const App& app, const release::Manifest& manifest,
                          const slug::SlugFile& slug, const ExportRequest& request) {
    constexpr std::uint16_t usual_port = 8080;
    const ProcessType& type = process_named(manifest, request.process);
    const config::Settings settings = app.settings_of_slug(slug.path());
    oci::ImagePlan plan;
    plan.tag = manifest.number.text();
    plan.created = time_text(manifest.created_at);
    plan.author_note = fmt::format("shipit export {}", manifest.number.text());
    plan.entrypoint = supervise::argv_of(type.command);
    plan.environment = environment(app, manifest, type, settings.app.port.value_or(usual_port));
    plan.labels = labels(app, manifest);
    plan.volumes = settings.app.shared;
    if (settings.app.port)
        plan.ports.push_back(*settings.app.port);
    plan.ports.insert(plan.ports.end(), settings.app.ports.begin(), settings.app.ports.end());
    plan.user = user_in_image(settings.app);
    plan.stop_signal = "SIG" + type.stop_signal;
    if (!request.base.empty()) {
        const auto colon = request.base.rfind(':');
        const bool has_tag =
            colon != std::string::npos && request.base.find('/', colon) == std::string::npos;
        plan.base = has_tag ? request.base.substr(0, colon) : request.base;
        plan.base_tag = has_tag ? request.base.substr(colon + 1) : "";
    }
    return plan;
}

std::string export_image(const App& app, const release::Manifest& manifest,
                         const slug::SlugFile& slug, const ExportRequest& request,
                         const Path& named) {
    // "blog.oci/" is that folder.
    const Path destination = named.has_filename() ? named : named.parent_path();
    const auto plan = plan_image(app, manifest, slug, request);
    const bool is_folder = !request.output && destination.extension() != ".tar";
    if (is_folder && sys::is_there(destination))
        throw Error(fmt::format("'{}' is there already", printable(destination.string())),
                    Outcome::usage)
            .advise("-o NAME names another folder, -o NAME.tar one file");
    const Path parent = request.output ? temporary_place() : folder_of(destination);
    const sys::TempFolder temp(parent, temporary);
    const Path layout = temp.path() / "image";
    sys::make_folders(layout, private_folder);
    auto progress = app.host.progress;
    progress.advance = [inner = progress.advance](std::uint64_t done, std::uint64_t total) {
        sys::stop_if_interrupted();
        if (inner)
            inner(done, total);
    };
    const auto blob = oci::write_image(layout, slug, plan, progress);
    if (is_folder)
        sys::rename_durably(layout, destination);
    else
        write_out(request, destination, [&](const Sink& sink) { write_archive(layout, sink); });
    return blob.digest;
}

std::string usual_name(const App& app, const ExportRequest& request) {
    static const std::map<ExportFormat, const char*> ends{
        {ExportFormat::slug, ".tar.zst"}, {ExportFormat::tar, ".tar"}, {ExportFormat::oci, ".oci"}};
    return fmt::format("{}-{}{}", app.name().text(), request.release.text(),
                       ends.at(request.format));
}

Exported exported(const App& app, const ExportRequest& request) {
    const auto manifest = app.ledger.load(request.release);
    const slug::Store store(app.layout.releases());
    if (!manifest.slug || !store.has(manifest.slug->id))
        throw Error(fmt::format("{} has no slug any more: it was pruned, or never had one",
                                request.release.text()))
            .advise(fmt::format("shipit -a {} releases", app.name().text()));
    Exported result{"", manifest.slug->id, manifest.slug->sha256, ""};
    if (!request.output)
        result.destination =
            request.destination.empty() ? usual_name(app, request) : request.destination;
    const slug::SlugFile slug(store.path_of(manifest.slug->id));
    store.check(manifest.slug->id, manifest.slug->sha256, app.host.progress);
    if (request.format == ExportFormat::oci) {
        result.digest = export_image(app, manifest, slug, request, result.destination);
        return result;
    }
    write_out(request, result.destination, [&](const Sink& sink) {
        if (request.format == ExportFormat::tar)
            slug::write_tar(slug, sink, app.host.progress);
        else
            copy_slug(slug, sink);
    });
    return result;
}

} // namespace

std::optional<ExportFormat> parse_export_format(std::string_view text) {
    if (text == "slug")
        return ExportFormat::slug;
    if (text == "tar")
        return ExportFormat::tar;
    return text == "oci" ? std::optional(ExportFormat::oci) : std::nullopt;
}

Exported export_release(const App& app, const ExportRequest& request) {
    return while_doing(
        fmt::format("exporting {} of '{}'", request.release.text(), app.name().text()),
        [&] { return exported(app, request); });
}

} // namespace shipit::deploy
