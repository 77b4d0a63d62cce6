#include "core/slug/verify.hpp"

#include "core/slug/content_reader.hpp"
#include "core/slug/crew.hpp"
#include "core/slug/unpack.hpp"
#include "core/slug/walk.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <span>

#include <fcntl.h>

namespace shipit::slug {

namespace {

constexpr std::size_t piece = std::size_t{1} << 20;

// Goes along two lists in their common order.
void merge(const FileList& left, const FileList& right,
           const std::function<void(const Entry*, const Entry*)>& meet) {
    auto l = left.entries.begin();
    auto r = right.entries.begin();
    while (l != left.entries.end() || r != right.entries.end()) {
        const bool left_first =
            r == right.entries.end() || (l != left.entries.end() && path_before(l->path, r->path));
        const bool right_first =
            l == left.entries.end() || (r != right.entries.end() && path_before(r->path, l->path));
        meet(right_first ? nullptr : &*l, left_first ? nullptr : &*r);
        l += right_first ? 0 : 1;
        r += left_first ? 0 : 1;
    }
}

// Hashes every file of the tree that the list has with the same size.
class TreeHashing {
  public:
    TreeHashing(int root, const Path& shown, Walked& walked, const FileList& list)
        : m_walked(walked), m_list(list), m_readers(m_crew.workers()), m_root(root),
          m_shown(shown) {}

    void run(const Progress& progress) {
        std::atomic<std::uint64_t> done = 0;
        const auto total = m_walked.list.unpacked();
        m_crew.run(m_walked.list.entries.size(), [&](unsigned worker, std::size_t index) {
            auto& entry = m_walked.list.entries[index];
            const auto* listed = m_list.find(entry.path);
            if (entry.type != Type::file || listed == nullptr || listed->size != entry.size)
                return;
            entry.hash = hash_file(worker, index);
            progress.advance_to(done += entry.size, total);
        });
    }

  private:
    Hash hash_file(unsigned worker, std::size_t index) {
        auto& reader = m_readers[worker];
        if (!reader)
            reader = std::make_unique<ContentReader>(m_root, m_shown);
        const auto& entry = m_walked.list.entries[index];
        std::string bytes(std::min<std::uint64_t>(entry.size, piece), '\0');
        Hasher hasher;
        for (std::uint64_t at = 0; at < entry.size; at += bytes.size()) {
            bytes.resize(std::min<std::uint64_t>(entry.size - at, piece));
            reader->read(entry, m_walked.identities[index], at, bytes);
            hasher.add(bytes);
        }
        return hasher.result();
    }

    Walked& m_walked;
    const FileList& m_list;
    Crew m_crew{0};
    std::vector<std::unique_ptr<ContentReader>> m_readers;
    int m_root;
    Path m_shown;
};

// Hard links are files to whoever edits one: they are compared by what they are linked to.
bool is_same(const Entry& listed, const Entry& found) {
    return listed.type == found.type && listed.size == found.size &&
           listed.target == found.target &&
           (listed.type != Type::file || listed.hash == found.hash);
}

bool has_mode(const Entry& entry) {
    return entry.type == Type::file || entry.type == Type::folder;
}

} // namespace

const char* name_of(Difference::Kind kind) {
    switch (kind) {
    case Difference::Kind::edited:
        return "edited";
    case Difference::Kind::missing:
        return "missing";
    case Difference::Kind::extra:
        return "extra";
    case Difference::Kind::mode:
        break;
    }
    return "mode";
}

const char* name_of(Change::Kind kind) {
    switch (kind) {
    case Change::Kind::added:
        return "added";
    case Change::Kind::removed:
        return "removed";
    case Change::Kind::changed:
        return "changed";
    case Change::Kind::mode:
        break;
    }
    return "mode";
}

std::vector<Difference> verify_tree(const Path& tree, const FileList& list,
                                    const VerifyOptions& options) {
    std::vector<Difference> differences;
    const auto root = sys::open_file(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    WalkOptions walk_options;
    walk_options.leave_out = {options.leave_out.begin(), options.leave_out.end()};
    walk_options.other = [&](const std::string& path) {
        differences.push_back(
            {list.find(path) != nullptr ? Difference::Kind::edited : Difference::Kind::extra,
             path});
    };
    auto walked = walk(root.get(), tree, walk_options);
    TreeHashing(root.get(), tree, walked, list).run(options.progress);
    const auto others = differences.size();
    merge(list, walked.list, [&](const Entry* listed, const Entry* found) {
        if (found == nullptr) {
            const auto told = [&](const Difference& other) { return other.path == listed->path; };
            const auto end = differences.begin() + static_cast<std::ptrdiff_t>(others);
            if (std::none_of(differences.begin(), end, told))
                differences.push_back({Difference::Kind::missing, listed->path});
        } else if (listed == nullptr) {
            differences.push_back({Difference::Kind::extra, found->path});
        } else if (!is_same(*listed, *found)) {
            differences.push_back({Difference::Kind::edited, listed->path});
        } else if (has_mode(*listed) && mode_in_tree(*listed, options.group) != found->mode) {
            differences.push_back({Difference::Kind::mode, listed->path});
        }
    });
    std::sort(differences.begin(), differences.end(), [](const auto& left, const auto& right) {
        return path_before(left.path, right.path);
    });
    return differences;
}

namespace {

// A folder is news only by itself, not for what is in it.
bool is_empty_folder(const FileList& list, const Entry& entry) {
    const auto next = &entry + 1;
    return next == list.entries.data() + list.entries.size() ||
           !next->path.starts_with(entry.path + '/');
}

bool is_told(const FileList& list, const Entry& entry) {
    return entry.type != Type::folder || is_empty_folder(list, entry);
}

} // namespace

std::vector<Change> diff(const FileList& before, const FileList& after) {
    std::vector<Change> changes;
    merge(before, after, [&](const Entry* old_entry, const Entry* new_entry) {
        if (new_entry == nullptr) {
            if (is_told(before, *old_entry))
                changes.push_back({Change::Kind::removed, old_entry->path, old_entry->size, 0,
                                   old_entry->mode, 0});
            return;
        }
        if (old_entry == nullptr) {
            if (is_told(after, *new_entry))
                changes.push_back(
                    {Change::Kind::added, new_entry->path, 0, new_entry->size, 0, new_entry->mode});
            return;
        }
        if (old_entry->same_content(*new_entry))
            return;
        const bool mode_only =
            old_entry->type == new_entry->type && is_same(*old_entry, *new_entry);
        changes.push_back({mode_only ? Change::Kind::mode : Change::Kind::changed, new_entry->path,
                           old_entry->size, new_entry->size, old_entry->mode, new_entry->mode});
    });
    return changes;
}

} // namespace shipit::slug
