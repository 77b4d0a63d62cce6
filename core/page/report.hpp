// The report of an app as one HTML page: no scripts, nothing from elsewhere, light and dark, as
// wide as the screen is. What it tells is given to it; nothing of that is trusted.
#pragma once

#include "core/base/ids.hpp"
#include "core/base/text.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shipit::page {

using std::chrono::milliseconds;

struct FileChange {
    enum class Kind { added, changed, removed, mode } kind;
    std::string path;
    std::uint64_t size_before = 0;
    std::uint64_t size_after = 0;
};

// Against what was live when the release was made.
struct Difference {
    ReleaseNumber from;
    std::uint64_t added = 0;
    std::uint64_t changed = 0; // modes, too
    std::uint64_t removed = 0;
    std::vector<FileChange> files = {};      // not all of them, where they are many
    std::string why_no_files = {};           // a file list is gone
    std::vector<std::string> config = {};    // "DATABASE_URL changed"; never a value
    std::vector<std::string> processes = {}; // "web changed"
};

struct Release {
    ReleaseNumber number;
    std::string complaint = {}; // its record cannot be read, and nothing more is known
    std::string description = {};
    std::string status = {}; // "succeeded", …; "never live"
    std::string by = {};
    WallTime created_at = {};
    std::optional<WallTime> live_at = {};
    std::optional<WallTime> ended_at = {};
    bool is_live = false;
    bool is_good = false;
    bool is_bad = false;
    bool is_pinned = false;
    std::optional<ReleaseNumber> from = {};    // release/descent
    std::optional<ReleaseNumber> left_by = {}; // likewise
    std::string why_failed = {};
    std::string slug = {}; // the beginning of its ID; empty: config vars alone
    std::uint64_t slug_size = 0;
    std::uint64_t tree_size = 0;
    std::uint64_t files = 0;
    std::string source = {}; // commit, branch and subject
    std::optional<milliseconds> healthy_after = {};
    std::uint64_t restarts = 0; // processes that ended by themselves
    std::uint64_t failed_checks = 0;
    std::uint64_t peak_memory = 0;
    std::optional<Difference> difference = {};

    [[nodiscard]] bool has_failed() const { return status == "failed"; } // never live
};

struct Report {
    std::string app;
    std::string state;
    WallTime at = {};
    std::vector<Release> releases = {}; // newest first
    std::uint64_t earlier = 0;          // releases that are not among them
};

[[nodiscard]] std::string html_of(const Report& report);

} // namespace shipit::page
