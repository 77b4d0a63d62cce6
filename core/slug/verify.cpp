#include "core/slug/verify.hpp"

#include "core/slug/crew.hpp"
#include "core/slug/hash_files.hpp"
#include "core/slug/unpack.hpp"
#include "core/slug/walk.hpp"

#include <algorithm>

#include <fcntl.h>

namespace shipit::slug {

namespace {

// Of every file of the tree that the list has with the same size. What is written to meanwhile, or
// removed, gets none, and counts as edited.
void hash_comparable(const WalkedRoot& root, Walked& walked, const FileList& list,
                     const Progress& progress) {
    std::vector<std::size_t> wanted;
    merge(list, walked.list, [&](const Entry* listed, const Entry* found) {
        if (listed != nullptr && found != nullptr && found->type == Type::file &&
            found->size == listed->size && found->size != 0)
            wanted.push_back(static_cast<std::size_t>(found - walked.list.entries.data()));
    });
    Crew crew(0);
    hash_files(root, walked, wanted, crew, progress);
}

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

namespace {

// Whether `path` is the app's own, or in it.
bool is_left_out(const VerifyOptions& options, const std::string& path) {
    return std::any_of(
        options.leave_out.begin(), options.leave_out.end(),
        [&](const std::string& own) { return path == own || path.starts_with(own + '/'); });
}

// Whether `path` is a folder that was made for one that is the app's own.
bool leads_to_left_out(const VerifyOptions& options, const std::string& path) {
    return std::any_of(options.leave_out.begin(), options.leave_out.end(),
                       [&](const std::string& own) { return own.starts_with(path + '/'); });
}

// Of what is listed and what was found under one name; one of them may be missing.
std::optional<Difference> difference_of(const Entry* listed, const Entry* found,
                                        const VerifyOptions& options) {
    if (found == nullptr) {
        if (is_left_out(options, listed->path))
            return std::nullopt;
        return Difference{Difference::Kind::missing, listed->path};
    }
    if (listed == nullptr) {
        if (found->type == Type::folder && leads_to_left_out(options, found->path))
            return std::nullopt;
        return Difference{Difference::Kind::extra, found->path};
    }
    if (!is_same(*listed, *found))
        return Difference{Difference::Kind::edited, listed->path};
    if (has_mode(*listed) && mode_in_tree(*listed, options.group) != found->mode)
        return Difference{Difference::Kind::mode, listed->path};
    return std::nullopt;
}

} // namespace

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
    hash_comparable({root.get(), tree, IfChanged::has_no_hash}, walked, list, options.progress);
    const auto others = differences.size();
    const auto is_told = [&](const Entry& listed) {
        const auto end = differences.begin() + static_cast<std::ptrdiff_t>(others);
        return std::any_of(differences.begin(), end,
                           [&](const Difference& other) { return other.path == listed.path; });
    };
    merge(list, walked.list, [&](const Entry* listed, const Entry* found) {
        const auto difference = difference_of(listed, found, options);
        if (difference && (found != nullptr || !is_told(*listed)))
            differences.push_back(*difference);
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
