#include "core/slug/unpack.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/slug/kept.hpp"
#include "core/slug/restore.hpp"
#include "core/slug/slug_check.hpp"
#include "core/slug/slug_writer.hpp"
#include "core/slug/tree_check.hpp"
#include "core/slug/tree_stamp.hpp"
#include "core/slug/tree_writer.hpp"
#include "core/sys/batch.hpp"
#include "core/sys/process.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::slug {

namespace {

void require_room(const FileList& list, const Path& trees) {
    const auto space = sys::disk_space(trees);
    if (list.unpacked() > space.free_bytes)
        throw Error(fmt::format("no room for the tree: it needs {}, and '{}' has {} left",
                                size_text(list.unpacked()), trees.string(),
                                size_text(space.free_bytes)))
            .advise(how_to_make_room);
    if (space.total_files != 0 && list.entries.size() > space.free_files)
        throw Error(fmt::format("no room for the tree: it has {} files, and '{}' can take {} more",
                                list.entries.size(), trees.string(), space.free_files))
            .advise(how_to_make_room);
}

void flush_file_system(const Path& tree) {
    const auto folder = sys::open_file(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (::syncfs(folder.get()) != 0)
        throw_errno(fmt::format("cannot flush '{}' to the disk", tree.string()));
}

// One slug on its way to a tree.
class Unpacking {
  public:
    Unpacking(const Store& store, const SlugId& id, const Path& trees, const UnpackOptions& options)
        : m_store(store), m_id(id), m_trees(trees), m_tree(trees / id.text()), m_options(options),
          m_slug(store.path_of(id)) {
        require_id(m_slug, id);
    }

    // Makes the whole tree, and puts it in its place.
    void make_tree() {
        m_options.progress.begin_phase("unpacking");
        require_room(m_slug.list(), m_trees);
        sys::TempFolder folder(m_trees, std::string(temporary_prefix));
        {
            TreeWriter writer(m_slug, folder.path(), m_options.group, m_crew);
            clone_from_beside(writer, folder.path());
            write_frames(writer);
            writer.finish();
        }
        remove_stamp(m_trees, m_id); // of a tree that is going to be replaced
        publish(folder);
        write_stamp(m_trees, m_id, {m_options.group, sys::boot_id()});
    }

    // Makes the tree that is there as it is to be. It keeps its stamp meanwhile: cut short, it is
    // as a tree in which something was changed, which the next look at it finds.
    void restore(const TreeStamp& stamp) {
        const bool has_group = stamp.group == m_options.group;
        if (!has_group) {
            write_stamp(m_trees, m_id, {in_between_groups, stamp.boot_id, stamp.is_flushed});
            change_group(m_tree, m_slug.list(), m_options.group);
        }
        auto changed = changed_entries(m_tree, m_slug.list(), m_options.group, m_options.is_ours);
        if (m_options.is_in_use)
            leave_alone(changed);
        if (!changed.empty())
            bring_back(changed, stamp.is_flushed);
        if (stamp.is_flushed && !(changed.empty() && has_group))
            flush_file_system(m_tree);
        if (!has_group)
            write_stamp(m_trees, m_id, {m_options.group, stamp.boot_id, stamp.is_flushed});
    }

  private:
    void bring_back(const std::vector<ChangedEntry>& changed, bool is_flushed) {
        const sys::TempFolder staging(m_trees, std::string(temporary_prefix));
        Kept kept(m_trees, m_id, m_slug.list());
        Restoration restoration({m_tree, staging.path(), kept}, m_slug.list(), m_options.group,
                                changed);
        if (restoration.needs_any()) {
            {
                TreeWriter writer(m_slug, staging.path(), m_options.group, m_crew);
                writer.write_only(restoration.needed());
                write_frames(writer);
            }
            if (is_flushed) // no name there may lead to a file that the power cut short
                flush_file_system(m_tree);
        }
        restoration.put_in_place();
        kept.drop_copies();
        tell_changed(changed, kept.folder().empty()
                                  ? "; restored from the slug"
                                  : fmt::format("; restored from the slug; what it was is kept in "
                                                "'{}': data belongs into app.shared",
                                                kept.folder().string()));
    }

    // A process that has such a file open would go on with what nobody else sees any more, and a
    // change that fails must leave what serves as it was.
    void leave_alone(std::vector<ChangedEntry>& changed) const {
        const auto others =
            std::stable_partition(changed.begin(), changed.end(), [](const ChangedEntry& change) {
                return change.kind != ChangedEntry::Kind::content;
            });
        if (others == changed.end())
            return;
        tell_changed({others, changed.end()},
                     ", and stays so while its release runs; data belongs into app.shared, since "
                     "the next build comes with its own. To have the slug's again, remove it, and "
                     "restart");
        changed.erase(others, changed.end());
    }

    void tell_changed(const std::vector<ChangedEntry>& changed, const std::string& and_then) const {
        constexpr std::size_t most = 3;
        std::string names;
        for (std::size_t i = 0; i < std::min(most, changed.size()); i++)
            names += fmt::format("{}'{}'", i == 0 ? "" : ", ",
                                 printable(m_slug.list().entries[changed[i].index].path));
        m_options.progress.warn_of(fmt::format(
            "{}{} changed on this server since it was unpacked{}", names,
            changed.size() > most ? fmt::format(" and {} more", changed.size() - most) : "",
            and_then));
    }

    void clone_from_beside(TreeWriter& writer, const Path& folder) const {
        if (!m_options.beside || !can_clone(folder))
            return;
        try {
            const SlugFile other(m_store.path_of(*m_options.beside));
            writer.clone_from(m_trees / m_options.beside->text(), other.list());
        } catch (const Error& error) {
            if (error.outcome() != Outcome::corrupt)
                throw;
        }
    }

    // Whether the file system shares blocks between the slug and a file here.
    [[nodiscard]] bool can_clone(const Path& folder) const {
        if (!sys::is_there(m_trees / m_options.beside->text()) || !m_store.has(*m_options.beside))
            return false;
        const auto probe = folder / "probe";
        const auto fd = sys::open_file(probe, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, S_IRUSR);
        const bool works = ::ioctl(fd.get(), FICLONE, m_slug.fd()) == 0;
        (void)sys::remove_file(probe);
        return works;
    }

    // The archive's SHA-256 is computed by one worker while the others unpack: nothing has its name
    // before all of it is done. Without one to compare with, what nothing is taken from is read as
    // well: frames that were copied from an earlier slug have never been.
    void write_frames(TreeWriter& writer) {
        const bool reads_all = m_options.sha256.empty();
        std::vector<std::size_t> frames;
        for (std::size_t i = 0; i < m_slug.data_frames().size(); i++)
            if (reads_all || writer.needs(m_slug.data_frames()[i].span))
                frames.push_back(i);
        std::vector<std::unique_ptr<Decompressor>> decompressors(m_crew.workers());
        std::atomic<std::uint64_t> done = 0;
        const auto total = m_slug.data_frames().back().span.end;
        const std::size_t checks = m_options.sha256.empty() ? 0 : 1;
        m_crew.run(checks + frames.size(), [&](unsigned worker, std::size_t job) {
            if (job < checks)
                return require_sha256(m_store, m_id, m_options.sha256, {});
            auto& decompressor = decompressors[worker];
            if (!decompressor) // every file is checked against its hash instead
                decompressor = std::make_unique<Decompressor>(Checksum::ignored);
            const auto index = frames[job - checks];
            const auto span = m_slug.data_frames()[index].span;
            if (!writer.needs(span)) {
                (void)m_slug.unpacked(index, *decompressor);
            } else {
                const auto bytes = m_slug.unpacked_unchecked(index, *decompressor);
                for (const auto& part : parts_in(m_slug.list(), m_slug.extents(), span))
                    writer.write(worker, part, bytes.substr(part.at, part.size));
            }
            m_options.progress.advance_to(done += span.size(), total);
        });
    }

    // One that is there already has no stamp, or the power cut it short; it is never missing, but
    // for a moment where the file system cannot exchange names (NFS).
    void publish(sys::TempFolder& made) const {
        if (::renameat2(AT_FDCWD, made.path().c_str(), AT_FDCWD, m_tree.c_str(), RENAME_EXCHANGE) ==
            0)
            return; // the old one goes with `made`
        if (errno != ENOENT && errno != EINVAL && errno != ENOSYS)
            refuse_to_rename(made);
        std::optional<sys::TempFolder> old;
        if (sys::is_there(m_tree)) {
            old.emplace(m_trees, std::string(temporary_prefix));
            sys::rename(m_tree, old->path() / m_id.text());
        }
        if (::rename(made.path().c_str(), m_tree.c_str()) != 0)
            refuse_to_rename(made);
        made.keep();
    }

    [[noreturn]] void refuse_to_rename(const sys::TempFolder& made) const {
        throw_errno(
            fmt::format("cannot rename '{}' to '{}'", made.path().string(), m_tree.string()));
    }

    const Store& m_store;
    const SlugId& m_id;
    const Path& m_trees;
    Path m_tree;
    const UnpackOptions& m_options;
    SlugFile m_slug;
    Crew m_crew{m_options.threads};
};

} // namespace

unsigned mode_in_tree(const Entry& entry, std::optional<gid_t> group) {
    if (!group)
        return entry.mode;
    // What the owner may read and enter, the app may too; neither group nor others may write.
    return (entry.mode & ~022U) | ((entry.mode >> 3U) & 050U);
}

unsigned mode_of_tree(std::optional<gid_t> group) {
    return group ? 0750 : 0755;
}

bool is_unpacked(const SlugId& id, const Path& trees) {
    const auto stamp = read_stamp(trees, id);
    return stamp && (stamp->is_flushed || stamp->boot_id == sys::boot_id()) &&
           sys::is_there(trees / id.text());
}

bool is_unpacked(const SlugId& id, const Path& trees, std::optional<gid_t> group) {
    const auto stamp = read_stamp(trees, id);
    return stamp && stamp->group == group && is_unpacked(id, trees);
}

Path unpack(const Store& store, const SlugId& id, const Path& trees, const UnpackOptions& options) {
    return while_doing(fmt::format("unpacking slug {}", id.brief()), [&] {
        const auto stamp =
            is_unpacked(id, trees) ? read_stamp(trees, id) : std::optional<TreeStamp>();
        std::optional<Unpacking> unpacking;
        try {
            unpacking.emplace(store, id, trees, options);
        } catch (const Error& error) {
            if (!stamp || stamp->group != options.group)
                throw;
            // Nothing is gained by refusing a tree that is whole as far as we know.
            options.progress.warn_of(error.why() + "; its tree is used unchecked");
            return trees / id.text();
        }
        if (stamp)
            unpacking->restore(*stamp);
        else
            unpacking->make_tree();
        return trees / id.text();
    });
}

std::vector<std::string> changed_in_tree(const Store& store, const SlugId& id, const Path& trees,
                                         const UnpackOptions& options) {
    const auto stamp = read_stamp(trees, id);
    const auto list = store.read_list(id);
    std::vector<std::string> paths;
    for (const ChangedEntry& change : changed_entries(
             trees / id.text(), list, stamp ? stamp->group : std::nullopt, options.is_ours))
        if (!options.is_in_use || change.kind != ChangedEntry::Kind::content)
            paths.push_back(list.entries[change.index].path);
    return paths;
}

Written written_in_tree(const Store& store, const SlugId& id, const Path& trees,
                        const LookOptions& options) {
    return written_in(trees / id.text(), store.read_list(id), options);
}

void flush_tree(const SlugId& id, const Path& trees) {
    auto stamp = read_stamp(trees, id);
    if (!stamp || stamp->is_flushed || stamp->boot_id != sys::boot_id())
        return;
    flush_file_system(trees / id.text());
    stamp->is_flushed = true;
    write_stamp(trees, id, *stamp);
}

} // namespace shipit::slug
