#include "core/slug/tree_check.hpp"

#include "core/base/text.hpp"
#include "core/slug/unpack.hpp"
#include "core/slug/walk.hpp"

#include <algorithm>
#include <utility>

#include <fcntl.h>

namespace shipit::slug {

namespace {

// What programs leave wherever they run, by its name or that of a folder that it is in.
bool is_scratch(std::string_view path) {
    constexpr std::string_view folders[] = {"__pycache__", ".cache", "cache", "tmp", "log", "logs"};
    constexpr std::string_view endings[] = {".pyc", ".pid"};
    const auto parts = split(path, '/');
    return std::any_of(parts.begin(), parts.end(),
                       [&](std::string_view part) {
                           return std::find(std::begin(folders), std::end(folders), part) !=
                                  std::end(folders);
                       }) ||
           std::any_of(std::begin(endings), std::end(endings),
                       [&](std::string_view ending) { return path.ends_with(ending); });
}

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
            if (is_ours(*found))
                return;
            if (listed == nullptr || !has_content(*listed, *found))
                other = found->path;
        });
        return other;
    }

    Written written() {
        Written written;
        merge(m_list, m_walked.list, [&](const Entry* listed, const Entry* found) {
            if (found == nullptr || is_ours(*found))
                return;
            if (listed != nullptr && !has_content(*listed, *found))
                written.changed.push_back(found->path);
            if (listed == nullptr && found->type != Type::folder && !is_scratch(found->path))
                written.added.push_back(found->path);
        });
        if (!written.added.empty())
            written.place = first_unlisted(written.added.front());
        written.is_cut_short = m_walked.is_cut_short;
        return written;
    }

    std::vector<ChangedEntry> run() {
        merge(m_list, m_walked.list, [&](const Entry* listed, const Entry* found) {
            if (found != nullptr && is_ours(*found))
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

    [[nodiscard]] bool is_ours(const Entry& found) const {
        return found.type == Type::symlink && m_is_ours && m_is_ours(found.path, found.target);
    }

    [[nodiscard]] std::string first_unlisted(const std::string& path) const {
        for (auto end = path.find('/'); end != path.npos; end = path.find('/', end + 1))
            if (m_list.find(path.substr(0, end)) == nullptr)
                return path.substr(0, end);
        return path;
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

Walked walk_tree(const Path& tree, const FileList& list, WalkOptions options = {}) {
    const auto root = sys::open_file(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    options.other = [](const std::string&) {};
    options.expected = &list;
    return walk(root.get(), tree, options);
}

} // namespace

Written written_in(const Path& tree, const FileList& list, const LookOptions& options) {
    const sys::Deadline until(options.at_most);
    WalkOptions walk_options;
    walk_options.enters = [](const std::string& folder) { return !is_scratch(folder); };
    walk_options.until = &until;
    return TreeCheck(walk_tree(tree, list, walk_options), list, std::nullopt, options.is_ours)
        .written();
}

std::vector<ChangedEntry> changed_entries(const Path& tree, const FileList& list,
                                          std::optional<gid_t> group, const IsOurs& is_ours) {
    return TreeCheck(walk_tree(tree, list), list, group, is_ours).run();
}

std::optional<std::string> first_other(const Path& tree, const FileList& list,
                                       const std::string& path, const IsOurs& is_ours) {
    return TreeCheck(walk_tree(tree, list), list, std::nullopt, is_ours).first_other(path);
}

} // namespace shipit::slug
