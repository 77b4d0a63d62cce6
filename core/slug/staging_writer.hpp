// Writes what an archive says into an empty private folder, and never outside of it: every name on
// a path is opened without following symlinks, and nothing that exists is ever opened for writing.
#pragma once

#include "core/slug/folder_chain.hpp"
#include "core/slug/limits.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace shipit::slug {

using sys::Path;

struct Attributes {
    unsigned mode = 0; // the nine permission bits
    std::int64_t mtime = 0;
    std::int64_t mtime_ns = 0;
};

class StagingWriter {
  public:
    StagingWriter(const Path& folder, const Limits& limits);

    // An archive's path as the writer uses it: without "." and doubled slashes; empty for the root
    // itself. Throws Error for paths that are absolute, contain "..", or are beyond the limits.
    [[nodiscard]] std::string clean(std::string_view path) const;

    // Each takes a clean path and makes missing parents. Throws Error if the name is taken.
    void make_folder(const std::string& path, const Attributes& attributes);
    void make_symlink(const std::string& path, std::string_view target,
                      const Attributes& attributes);
    // Of a file, or of a symlink: another such symlink, which must not lead out of the build where
    // this one lies.
    void make_hard_link(const std::string& path, const std::string& target);
    // Begins a file; blocks go into it until finish_file.
    void begin_file(const std::string& path);
    void write_block(std::uint64_t offset, std::string_view block);
    void finish_file(std::uint64_t size, const Attributes& attributes);

    // Gives folders their modes and times: after everything else.
    void finish();

  private:
    struct Folder {
        Attributes attributes;
        bool is_made = false;
        bool is_explicit = false; // not only on the way to something
    };
    int parent_of(const std::string& path);
    void count(std::string_view path, std::string_view target);
    void make_parents(const std::string& path);
    void make_parent(const std::string& path, const std::string& folder);
    [[noreturn]] void refuse_limit(std::string_view path, Limit which, std::uint64_t enough,
                                   const std::string& why) const;
    void require_usable(const std::string& path, const Attributes& attributes,
                        unsigned needed) const;

    Path m_folder;
    const Limits& m_limits;
    bool m_is_root;
    sys::Fd m_root;
    FolderChain m_chain;
    std::uint64_t m_count = 0; // of what was made
    std::uint64_t m_name_bytes = 0;
    std::map<std::string, Folder> m_folders;
    std::string m_last_parent;
    sys::Fd m_file;
    std::string m_file_path;
};

// Throws Error: "the archive's entry '<path>' <why>".
[[noreturn]] void refuse_entry(std::string_view path, const std::string& why,
                               const std::string& next = {});

// Whether a symlink at `path` with `target` stays inside the folder that paths are relative to,
// wherever other symlinks that do so lead. That is not known of ".." after a name.
[[nodiscard]] bool stays_inside(std::string_view path, std::string_view target);

} // namespace shipit::slug
