#include "core/release/source.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/account.hpp"
#include "core/sys/capture.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace shipit::release {

namespace {

constexpr std::size_t longest_subject = 200;
constexpr std::size_t longest_answer = 64 << 10;

// How git is run for one folder.
struct Caller {
    sys::Question question;  // without the subcommand
    bool is_foreign = false; // the repository is somebody else's, and we are not root
};

std::string variable_of_caller(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nothing sets variables
    return value != nullptr ? value : "";
}

std::string home_of(uid_t uid) {
    try {
        return sys::account_of(std::to_string(uid)).home;
    } catch (const Error&) {
        return "/nonexistent";
    }
}

std::optional<Caller> caller_for(const sys::Path& folder) {
    struct stat status {};
    const auto git = sys::find_program("git");
    if (!git || ::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return std::nullopt;
    Caller caller;
    sys::Question& question = caller.question;
    question.program = *git;
    std::string home = variable_of_caller("HOME");
    if (status.st_uid != ::geteuid()) {
        if (::geteuid() == 0) {
            question.become = {status.st_uid, status.st_gid};
            home = home_of(status.st_uid);
        } else {
            caller.is_foreign = true;
        }
    }
    question.arguments = {"--no-pager", "-C", folder.string()};
    for (const char* setting :
         {"core.fsmonitor=false", "core.hooksPath=/dev/null", "core.untrackedCache=false"})
        question.arguments.insert(question.arguments.end(), {"-c", setting});
    if (caller.is_foreign)
        question.arguments.insert(question.arguments.end(), {"-c", "safe.directory=*"});
    // No protocol at all, whatever the repository allows: not each git knows GIT_NO_LAZY_FETCH.
    question.environment = {
        "PATH=" + sys::search_path(), "HOME=" + home,          "LC_ALL=C",
        "GIT_OPTIONAL_LOCKS=0",       "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1",
        "GIT_ALLOW_PROTOCOL="};
    if (const auto config = variable_of_caller("XDG_CONFIG_HOME");
        !config.empty() && !question.become)
        question.environment.push_back("XDG_CONFIG_HOME=" + config);
    return caller;
}

std::optional<std::string> ask(const Caller& caller, const std::vector<std::string>& command,
                               const sys::Deadline& deadline, std::size_t limit = longest_answer) {
    sys::Question question = caller.question;
    question.arguments.insert(question.arguments.end(), command.begin(), command.end());
    return sys::answer_to(question, deadline, limit);
}

// Whether the repository itself says what files go through before git compares them:
// "scope<TAB>key" for each key of filter.NAME, and of git-lfs, which runs extensions.
bool names_filter(std::string_view line) {
    const auto key = line.substr(std::min(line.find('\t') + 1, line.size()));
    const bool is_its_own = line.starts_with("local\t") || line.starts_with("worktree\t");
    const bool is_program =
        key.ends_with(".clean") || key.ends_with(".smudge") || key.ends_with(".process");
    return is_its_own && is_program &&
           (key.starts_with("filter.") || key.starts_with("lfs.extension."));
}

// Such programs are whoever's who wrote the repository's configuration: of an archive that somebody
// has unpacked, not theirs.
bool may_be_compared(const Caller& caller, const sys::Deadline& deadline) {
    const auto settings =
        ask(caller, {"config", "--list", "--show-scope", "--name-only"}, deadline);
    if (!settings || settings->size() >= longest_answer) // cut off
        return false;
    const auto lines = split(*settings, '\n');
    return std::none_of(lines.begin(), lines.end(), names_filter);
}

bool is_commit(std::string_view text) {
    constexpr std::size_t sha1_digits = 40;
    constexpr std::size_t sha256_digits = 64;
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return (text.size() == sha1_digits || text.size() == sha256_digits) &&
           std::all_of(text.begin(), text.end(), is_hex);
}

} // namespace

Json json_of(const Source& source) {
    return Json::object({{"commit", source.commit},
                         {"branch", source.branch},
                         {"dirty", source.dirty},
                         {"subject", source.subject}});
}

std::optional<Source> source_of(const sys::Path& folder, std::chrono::milliseconds patience) {
    const sys::Deadline deadline(patience);
    const auto caller = caller_for(folder);
    if (!caller)
        return std::nullopt;
    // Plumbing, which heeds none of the settings that make `git log` run gpg and others.
    const auto commit =
        ask(*caller, {"rev-list", "--max-count=1", "--format=%s", "HEAD", "--"}, deadline);
    constexpr std::string_view heading = "commit ";
    if (!commit || commit->compare(0, heading.size(), heading) != 0)
        return std::nullopt;
    const auto lines = split(*commit, '\n');
    Source source;
    source.commit = lines[0].substr(heading.size());
    if (!is_commit(source.commit))
        return std::nullopt;
    if (lines.size() > 1)
        source.subject = shortened(printable(lines[1]), longest_subject);
    if (const auto branch = ask(*caller, {"symbolic-ref", "--quiet", "--short", "HEAD"}, deadline))
        source.branch = shortened(printable(trimmed(*branch)), longest_subject);
    if (caller->is_foreign || !may_be_compared(*caller, deadline))
        return source;
    // One byte says it all.
    const auto changes =
        ask(*caller, {"status", "--porcelain", "--ignore-submodules=all"}, deadline, 1);
    source.dirty = changes && !changes->empty();
    return source;
}

} // namespace shipit::release
