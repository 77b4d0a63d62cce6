// Files and folders by name: the one place that knows what makes a change durable.
//
// Durable means: on the disk when the function returns, whatever is unplugged then. A file's new
// content becomes visible under its name whole or not at all (temp file, fsync, rename, fsync of
// the folder; rename(2) does not flush the folder).
#pragma once

#include "core/sys/fd.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace shipit::sys {

using Path = std::filesystem::path;

// --- Reading ---

// open(2) with O_CLOEXEC | O_NOFOLLOW where asked; throws Error "cannot open '…': …".
[[nodiscard]] Fd open_file(const Path& path, int flags, mode_t mode = 0);
// All that comes from an open file, a pipe or a terminal, until its end; throws if that is more
// than `limit` bytes. `name` is for the error.
[[nodiscard]] std::string read_all(int fd, const Path& name, std::uint64_t limit);
// The same piece by piece, for what may be large; `take` may throw.
void read_pieces(int fd, const Path& name, const std::function<void(std::string_view)>& take);
// The whole of a regular file; throws if it is larger than `limit` bytes or not a regular file
// (a FIFO does not block). Follows symlinks.
[[nodiscard]] std::string read_file(const Path& path, std::uint64_t limit = 1 << 20);
// Nothing if there is no such file; other failures throw.
[[nodiscard]] std::optional<std::string> read_file_if_any(const Path& path,
                                                          std::uint64_t limit = 1 << 20);
[[nodiscard]] bool is_there(const Path& path); // of whatever type; does not follow a last symlink
// The same, for what must not be taken for absent: throws where that cannot be told.
[[nodiscard]] bool is_surely_there(const Path& path);
// The target of a symlink; nothing if there is none by that name or it is no symlink.
[[nodiscard]] std::optional<std::string> link_target(const Path& path);
// Names in a folder in byte order, without "." and ".."; throws if it cannot be read.
[[nodiscard]] std::vector<std::string> names_in(const Path& folder);
[[nodiscard]] std::vector<std::string> names_in_if_any(const Path& folder); // none if it is absent

// --- Writing ---

// Writes all of `bytes`; EINTR and short writes are dealt with. `name` is for the error.
void write_all(int fd, std::string_view bytes, const Path& name);
// fsync(2); throws with the name.
void flush(int fd, const Path& name);
void flush_folder(const Path& folder);

struct Owner {
    uid_t user;
    gid_t group;
};
// Replaces or creates `path` durably with this content and mode; as the file of `owner`, if told.
void replace_durably(const Path& path, std::string_view content, mode_t mode,
                     std::optional<Owner> owner = std::nullopt);
// As above but not durable: for what is worth nothing after a power cut.
void replace(const Path& path, std::string_view content, mode_t mode);
// Like replace_durably, but throws Error if `path` exists (by link(2): no race).
void create_durably(const Path& path, std::string_view content, mode_t mode);
// Makes `link` a symlink to `target`, replacing one that is there by one rename; durable.
// Throws, changing nothing, if `link` exists and is no symlink.
void replace_link_durably(const Path& link, const std::string& target);
// Appends one record with one write(2) and fsyncs; creates the file with `mode`. Gives where in
// the file the record begins.
std::uint64_t append_durably(const Path& path, std::string_view record, mode_t mode);

// Makes `folder` and its missing parents (parents 0755); an existing folder keeps its mode.
// Durable.
void make_folders(const Path& folder, mode_t mode);
// rename(2), durable (both folders).
void rename_durably(const Path& from, const Path& to);
// unlink(2); false if there was none. Not durable.
bool remove_file(const Path& path);
// The same, durable.
bool remove_file_durably(const Path& path);
// Removes a file or a whole tree without following any symlink, by directory descriptors (an app
// may swap directories meanwhile). Absent is fine. Folders without write permission are made
// writable first. What is mounted in it or on it is not touched, and stays. Throws for what could
// not be removed, after removing all that could be.
void remove_tree(const Path& path);

// Whether the file or folder that is open is still the one by that name: it may have been renamed,
// removed, or made anew meanwhile. A symlink is not followed.
[[nodiscard]] bool is_by_that_name(const Fd& fd, const Path& path);

// The mode of what is open, if only by O_PATH, which fchmod(2) refuses: so nothing else that has
// got its name meanwhile is changed. False, and errno, where that fails.
[[nodiscard]] bool set_mode(const Fd& fd, mode_t mode);

// --- Temporary ---

// A new private folder (0700) inside `parent`, named `prefix` + random; removed on destruction
// unless kept. It is locked (flock(2)) until then: whoever tidies sees that its maker lives.
class TempFolder {
  public:
    TempFolder(const Path& parent, const std::string& prefix);
    TempFolder(TempFolder&& other) noexcept;
    TempFolder& operator=(TempFolder&&) = delete;
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder();
    [[nodiscard]] const Path& path() const { return m_path; }
    void keep();

  private:
    Path m_path;
    Fd m_in_use;
};

// Removes what stands there, a file or a whole tree; false if it is a folder that somebody who
// lives holds as his TempFolder, which stays. Throws like remove_tree.
[[nodiscard]] bool remove_if_abandoned(const Path& path);

// --- Files in use, by flock(2) ---
//
// Of files that nobody may open but who may hold them: to read is all that it takes.

// While what it gives lives, hold_alone() of that file gives nothing: somebody uses what belongs to
// it. Waits for who holds it alone. Nothing if the file has gone meanwhile, or is none.
[[nodiscard]] std::optional<Fd> hold(const Path& file);
// For who takes away what belongs to it, which nobody uses then; nothing if somebody does, or it is
// none.
[[nodiscard]] std::optional<Fd> hold_alone(const Path& file);
[[nodiscard]] bool is_held(const Path& file);

// --- Leftovers ---

// That something with a temporary name stays behind: an undo that fails has nobody to tell. Whoever
// tidies asks.
void note_leftover() noexcept;
[[nodiscard]] bool has_left_something() noexcept; // this process, ever

// --- The disk ---

struct DiskSpace {
    std::uint64_t free_bytes; // for us: root's reserve counts only for root
    std::uint64_t total_bytes;
    std::uint64_t free_files; // inodes; 0 total means the file system does not count them
    std::uint64_t total_files;
};
[[nodiscard]] DiskSpace disk_space(const Path& path);

} // namespace shipit::sys
