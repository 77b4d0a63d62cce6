#include "core/sys/batch.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

namespace shipit::sys {

namespace {

Path new_name_of(const Path& path) {
    return path.parent_path() / (".new-" + path.filename().string());
}

void flush_file_system(const Path& folder) {
    const Fd fd = open_file(folder, O_RDONLY | O_DIRECTORY);
    if (::syncfs(fd.get()) != 0)
        throw_errno("cannot flush '" + printable(folder.string()) + "'");
}

} // namespace

void for_each_name_in(const Path& folder, const std::function<void(std::string_view)>& take) {
    const auto cannot_read = [&] {
        throw_errno("cannot read '" + printable(folder.string()) + "'");
    };
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
    if (!entries)
        cannot_read();
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(entries.get());
        if (entry == nullptr && errno != 0)
            cannot_read();
        if (entry == nullptr)
            return;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..")
            take(name);
    }
}

void replace_all_durably(const Path& folder, std::span<const FileContent> files, mode_t mode) {
    constexpr std::size_t few = 16; // a whole file system may have much to flush
    if (files.size() <= few) {
        for (const FileContent& file : files)
            replace_durably(file.path, file.content, mode);
        return;
    }
    try {
        for (const FileContent& file : files)
            replace(new_name_of(file.path), file.content, mode);
        flush_file_system(folder);
        for (const FileContent& file : files)
            sys::rename(new_name_of(file.path), file.path);
        flush_folder(folder);
    } catch (const Error&) {
        note_leftover();
        throw;
    }
}

void rename(const Path& from, const Path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0)
        throw_errno("cannot rename '" + printable(from.string()) + "' to '" +
                    printable(to.string()) + "'");
}

} // namespace shipit::sys
