#include "core/slug/unpack.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/slug_check.hpp"
#include "core/slug/slug_writer.hpp"
#include "core/slug/tree_stamp.hpp"
#include "core/slug/tree_writer.hpp"
#include "core/sys/process.hpp"

#include <atomic>
#include <memory>
#include <vector>

#include <cerrno>

#include <fcntl.h>
#include <fmt/core.h>
#include <stdio.h>
#include <sys/stat.h>

namespace shipit::slug {

namespace {

// A tree has a stamp only after it was flushed, so that any stamp will do; the group must fit.
bool is_unpacked(const Path& trees, const SlugId& id, const UnpackOptions& options) {
    const auto stamp = read_stamp(trees, id);
    return stamp && stamp->group == options.group && sys::is_there(trees / id.text());
}

void require_room(const FileList& list, const Path& trees) {
    const auto space = sys::disk_space(trees);
    if (list.unpacked() > space.free_bytes)
        throw Error(fmt::format("no room for the tree: it needs {}, and '{}' has {} left",
                                size_text(list.unpacked()), trees.string(),
                                size_text(space.free_bytes)))
            .advise("run 'shipit prune', or make room");
    if (space.total_files != 0 && list.entries.size() > space.free_files)
        throw Error(fmt::format("no room for the tree: it has {} files, and '{}' can take {} more",
                                list.entries.size(), trees.string(), space.free_files))
            .advise("run 'shipit prune', or make room");
}

void unpack_frames(const SlugFile& slug, TreeWriter& writer, Crew& crew, const Progress& progress) {
    std::vector<std::unique_ptr<Decompressor>> decompressors(crew.workers());
    std::atomic<std::uint64_t> done = 0;
    const auto total = slug.data_frames().back().span.end;
    crew.run(slug.data_frames().size(), [&](unsigned worker, std::size_t index) {
        if (!decompressors[worker])
            decompressors[worker] = std::make_unique<Decompressor>();
        const auto bytes = slug.unpacked(index, *decompressors[worker]);
        const auto span = slug.data_frames()[index].span;
        for (const auto& part : parts_in(slug.list(), slug.extents(), span))
            writer.write(worker, part, bytes.substr(part.at, part.size));
        progress.advance_to(done += span.size(), total);
    });
}

// Puts the finished tree in its place. One that is there already is damaged or of another group;
// it may be live, so that it is never missing.
void publish(sys::TempFolder& made, const Path& trees, const SlugId& id) {
    const auto tree = trees / id.text();
    if (::renameat2(AT_FDCWD, made.path().c_str(), AT_FDCWD, tree.c_str(), RENAME_EXCHANGE) == 0) {
        sys::flush_folder(trees);
        return; // the old one goes with `made`
    }
    if (errno != ENOENT)
        throw_errno(fmt::format("cannot rename '{}' to '{}'", made.path().string(), tree.string()));
    sys::rename_durably(made.path(), tree);
    made.keep();
}

} // namespace

unsigned mode_in_tree(const Entry& entry, std::optional<gid_t> group) {
    if (!group)
        return entry.mode;
    // What the owner may read and enter, the app may too; neither group nor others may write.
    return (entry.mode & ~022U) | ((entry.mode >> 3U) & 050U);
}

Path unpack(const Store& store, const SlugId& id, const Path& trees, const UnpackOptions& options) {
    return while_doing(fmt::format("unpacking slug {}", id.brief()), [&] {
        auto tree = trees / id.text();
        if (is_unpacked(trees, id, options))
            return tree;
        options.progress.begin_phase("unpacking");
        if (!options.sha256.empty())
            require_sha256(store, id, options.sha256, {});
        const SlugFile slug(store.path_of(id));
        require_id(slug, id);
        require_room(slug.list(), trees);

        sys::TempFolder folder(trees, std::string(temporary_prefix));
        Crew crew(options.threads);
        TreeWriter writer(slug, folder.path(), options.group, crew);
        writer.make_folders();
        unpack_frames(slug, writer, crew, options.progress);
        writer.finish();
        writer.flush();
        (void)sys::remove_file(stamp_path(trees, id)); // of a tree that is going to be replaced
        publish(folder, trees, id);
        write_stamp(trees, id, {options.group, sys::boot_id()});
        return tree;
    });
}

bool remove_tree(const SlugId& id, const Path& trees) {
    const auto tree = trees / id.text();
    (void)sys::remove_file(stamp_path(trees, id));
    if (!sys::is_there(tree))
        return false;
    // Interrupted, this leaves a folder that tidy_trees knows, and no half of a tree by its name.
    const auto doomed = trees / (std::string(temporary_prefix) + id.text());
    sys::remove_tree(doomed);
    sys::rename_durably(tree, doomed);
    sys::remove_tree(doomed);
    return true;
}

void tidy_trees(const Path& trees) {
    for (const auto& name : sys::names_in(trees))
        if (std::string_view(name).starts_with(temporary_prefix))
            sys::remove_tree(trees / name);
}

} // namespace shipit::slug
