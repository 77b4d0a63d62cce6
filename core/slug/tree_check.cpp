#include "core/slug/tree_check.hpp"

#include "core/slug/unpack.hpp"
#include "core/slug/walk.hpp"

#include <utility>

#include <fcntl.h>

namespace shipit::slug {

namespace {

class TreeCheck {
  public:
    TreeCheck(Walked walked, const FileList& list, std::optional<gid_t> group,
              const IsOurs& is_ours)
        : m_walked(std::move(walked)), m_list(list), m_group(group), m_is_ours(is_ours) {}

    std::optional<std::string> first_other(const std::string& path) {
        std::optional<std::string> other;
        merge(m_list, m_walked.list, [&](const Entry* listed, const Entry* found) {
            if (other || found == nullptr || (found->path != path && !is_inside(path, found->path)))
                return;
            if (found->type == Type::symlink && m_is_ours && m_is_ours(found->path, found->target))
                return;
            if (listed == nullptr || !has_content(*listed, *found))
                other = found->path;
        });
        return other;
    }

    std::vector<ChangedEntry> run() {
        merge(m_list, m_walked.list, [&](const Entry* listed, const Entry* found) {
            if (found != nullptr && found->type == Type::symlink && m_is_ours &&
                m_is_ours(found->path, found->target))
                m_ours = found->path;
            else if (listed != nullptr && !is_inside(m_ours, listed->path))
                look_at(*listed, found);
        });
        return std::move(m_changed);
    }

  private:
    static bool is_inside(const std::string& folder, std::string_view path) {
        return !folder.empty() && path.size() > folder.size() && path.starts_with(folder) &&
               path[folder.size()] == '/';
    }

    void look_at(const Entry& listed, const Entry* found) {
        auto kind = ChangedEntry::Kind::missing;
        if (found != nullptr) {
            const bool is_same = has_content(listed, *found);
            if (is_same && has_mode(listed, *found))
                return;
            kind = is_same ? ChangedEntry::Kind::mode : ChangedEntry::Kind::content;
            if (listed.type == Type::folder && !is_same)
                m_replaced = listed.path;
        } else if (is_inside(m_replaced, listed.path)) {
            kind = ChangedEntry::Kind::content;
        }
        m_changed.push_back({static_cast<std::size_t>(&listed - m_list.entries.data()), kind});
    }

    [[nodiscard]] bool has_mode(const Entry& listed, const Entry& found) const {
        return (listed.type != Type::folder && listed.type != Type::file) ||
               found.mode == mode_in_tree(listed, m_group);
    }

    [[nodiscard]] bool has_content(const Entry& listed, const Entry& found) const {
        if (listed.type != found.type || listed.target != found.target)
            return false;
        if (listed.type != Type::file)
            return true;
        const auto& identity =
            m_walked.identities[static_cast<std::size_t>(&found - m_walked.list.entries.data())];
        constexpr std::int64_t second = 1'000'000'000; // trees have whole ones
        return found.size == listed.size && identity.mtime_ns == listed.mtime * second;
    }

    Walked m_walked;
    const FileList& m_list;
    std::optional<gid_t> m_group;
    const IsOurs& m_is_ours;
    std::string m_ours;     // the last link of ours
    std::string m_replaced; // the last folder that is something else now
    std::vector<ChangedEntry> m_changed;
};

Walked walk_tree(const Path& tree, const FileList& list) {
    const auto root = sys::open_file(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    WalkOptions options;
    options.other = [](const std::string&) {};
    options.expected = &list;
    return walk(root.get(), tree, options);
}

} // namespace

std::vector<ChangedEntry> changed_entries(const Path& tree, const FileList& list,
                                          std::optional<gid_t> group, const IsOurs& is_ours) {
    return TreeCheck(walk_tree(tree, list), list, group, is_ours).run();
}

std::optional<std::string> first_other(const Path& tree, const FileList& list,
                                       const std::string& path, const IsOurs& is_ours) {
    return TreeCheck(walk_tree(tree, list), list, std::nullopt, is_ours).first_other(path);
}

} // namespace shipit::slug
