#include "core/slug/file_list.hpp"

#include "core/base/error.hpp"
#include "core/slug/tar_header.hpp"

#include <algorithm>

namespace shipit::slug {

namespace {

constexpr std::size_t most_path_bytes = 4096;
constexpr std::size_t most_name_bytes = 255;

} // namespace

bool Entry::same_content(const Entry& other) const {
    return type == other.type && mode == other.mode && size == other.size && hash == other.hash &&
           path == other.path && target == other.target;
}

bool path_before(std::string_view left, std::string_view right) {
    const auto [l, r] = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
    if (l == left.end() || r == right.end())
        return r != right.end();
    const auto rank = [](char byte) { return byte == '/' ? 0U : static_cast<unsigned char>(byte); };
    return rank(*l) < rank(*r);
}

SlugId id_of_text(std::string_view text) {
    return *SlugId::parse(hash_of(text).hex());
}

SlugId FileList::id() const {
    return id_of_text(text());
}

const Entry* FileList::find(std::string_view path) const {
    const auto found = std::lower_bound(entries.begin(), entries.end(), path,
                                        [](const Entry& entry, std::string_view wanted) {
                                            return path_before(entry.path, wanted);
                                        });
    return found != entries.end() && found->path == path ? &*found : nullptr;
}

std::uint64_t FileList::files() const {
    return static_cast<std::uint64_t>(
        std::count_if(entries.begin(), entries.end(), [](const Entry& e) {
            return e.type == Type::file || e.type == Type::hard_link;
        }));
}

std::uint64_t FileList::unpacked() const {
    std::uint64_t sum = 0;
    for (const auto& entry : entries)
        sum += entry.size;
    return sum;
}

void merge(const FileList& left, const FileList& right,
           const std::function<void(const Entry*, const Entry*)>& meet) {
    auto l = left.entries.begin();
    auto r = right.entries.begin();
    while (l != left.entries.end() || r != right.entries.end()) {
        const bool is_same =
            l != left.entries.end() && r != right.entries.end() && l->path == r->path;
        const bool left_only =
            !is_same && (r == right.entries.end() ||
                         (l != left.entries.end() && path_before(l->path, r->path)));
        const bool right_only = !is_same && !left_only;
        meet(right_only ? nullptr : &*l, left_only ? nullptr : &*r);
        l += right_only ? 0 : 1;
        r += left_only ? 0 : 1;
    }
}

std::vector<Extent> extents_of(const FileList& list) {
    std::vector<Extent> extents;
    extents.reserve(list.entries.size());
    std::uint64_t at = 0;
    for (const auto& entry : list.entries) {
        Extent extent;
        extent.header = at;
        extent.data = at + tar_header_size(entry);
        extent.end = extent.data + (entry.size + 511) / 512 * 512;
        at = extent.end;
        if (at > (std::uint64_t{1} << 62))
            throw Error("the slug's file list adds up to more than 2^62 bytes", Outcome::corrupt);
        extents.push_back(extent);
    }
    return extents;
}

const char* path_fault(std::string_view path) {
    if (path.empty())
        return "its path is empty";
    if (path.size() > most_path_bytes - 1)
        return "its path is longer than 4095 bytes";
    if (path.find('\0') != std::string_view::npos)
        return "its path contains a NUL";
    for (std::size_t begin = 0, end = 0; end != path.size(); begin = end + 1) {
        end = std::min(path.find('/', begin), path.size());
        const auto name = path.substr(begin, end - begin);
        if (name.empty())
            return "its path begins or ends with a slash or has two in a row";
        if (name == "." || name == "..")
            return "its path contains '.' or '..'";
        if (name.size() > most_name_bytes)
            return "a name in its path is longer than 255 bytes";
    }
    return nullptr;
}

} // namespace shipit::slug
