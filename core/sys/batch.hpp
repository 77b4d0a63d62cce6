// Many files at once, where doing one after the other, each durable by itself, would take minutes.
#pragma once

#include "core/sys/file.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace shipit::sys {

// As names_in, but in no order, and without keeping them all.
void for_each_name_in(const Path& folder, const std::function<void(std::string_view)>& take);

struct FileContent {
    Path path;
    std::string content;
};

// As replace_durably for files of one folder, with few flushes for all of them together. If it
// fails, some have been replaced; each has its old content or its new one, whenever the power goes.
void replace_all_durably(const Path& folder, std::span<const FileContent> files, mode_t mode);

// rename(2), durable once the caller flushes the folder.
void rename(const Path& from, const Path& to);

} // namespace shipit::sys
