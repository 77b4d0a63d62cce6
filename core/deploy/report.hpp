// Gathers what the report of an app tells (page/report), and writes it.
#pragma once

#include "core/deploy/app.hpp"
#include "core/page/report.hpp"
#include "core/sys/file.hpp"

#include <cstddef>
#include <string>

namespace shipit::deploy {

// Of the newest releases, as many as are asked for. What is damaged is told of. No value of a
// config var is in it, and nothing that the app's processes wrote but why a release failed.
[[nodiscard]] page::Report report_of(const App& app, std::size_t releases);

// In the place of a file that was there, whole or not at all; a new one only its owner can read.
// Throws Error for what is there and is no file, like a terminal.
void write_report(const sys::Path& file, const std::string& html);

} // namespace shipit::deploy
