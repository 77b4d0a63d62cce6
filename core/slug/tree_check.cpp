#include "core/slug/tree_check.hpp"

#include "core/slug/unpack.hpp"
#include "core/slug/walk.hpp"

#include <fcntl.h>

namespace shipit::slug {

namespace {

class TreeCheck {
  public:
    TreeCheck(const Walked& walked, const FileList& list, std::optional<gid_t> group,
              const IsOurs& is_ours)
        : m_walked(walked), m_list(list), m_group(group), m_is_ours(is_ours) {}

    std::vector<std::size_t> run() {
        merge(m_list, m_walked.list, [&](const Entry* listed, const Entry* found) {
            if (found != nullptr && found->type == Type::symlink && m_is_ours &&
                m_is_ours(found->path, found->target))
                m_ours = found->path;
            else if (listed != nullptr && !is_inside_ours(listed->path) &&
                     (found == nullptr || !is_as_unpacked(*listed, *found)))
                m_changed.push_back(static_cast<std::size_t>(listed - m_list.entries.data()));
        });
        return std::move(m_changed);
    }

  private:
    [[nodiscard]] bool is_inside_ours(std::string_view path) const {
        return !m_ours.empty() && path.size() > m_ours.size() && path.starts_with(m_ours) &&
               path[m_ours.size()] == '/';
    }

    [[nodiscard]] bool is_as_unpacked(const Entry& listed, const Entry& found) const {
        if (listed.type != found.type || listed.target != found.target)
            return false;
        if (listed.type == Type::folder)
            return found.mode == mode_in_tree(listed, m_group);
        if (listed.type != Type::file)
            return true;
        const auto& identity =
            m_walked.identities[static_cast<std::size_t>(&found - m_walked.list.entries.data())];
        constexpr std::int64_t second = 1'000'000'000; // trees have whole ones
        return found.mode == mode_in_tree(listed, m_group) && found.size == listed.size &&
               identity.mtime_ns == listed.mtime * second;
    }

    const Walked& m_walked;
    const FileList& m_list;
    std::optional<gid_t> m_group;
    const IsOurs& m_is_ours;
    std::string m_ours; // the last link of ours
    std::vector<std::size_t> m_changed;
};

} // namespace

std::vector<std::size_t> changed_entries(const Path& tree, const FileList& list,
                                         std::optional<gid_t> group, const IsOurs& is_ours) {
    const auto root = sys::open_file(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    WalkOptions options;
    options.other = [](const std::string&) {};
    options.expected = &list;
    const auto walked = walk(root.get(), tree, options);
    return TreeCheck(walked, list, group, is_ours).run();
}

} // namespace shipit::slug
