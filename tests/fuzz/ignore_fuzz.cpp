// Any bytes as a .slugignore: it means what it means to git.
//
// The input's first byte tells what lies at the path, a folder (D) or a file (F); then come the
// rules and, behind a NUL, the path. One `git check-ignore` answers for all inputs: it reads the
// rules of a folder anew whenever it was asked of another one in between.
#include "core/base/text.hpp"
#include "core/slug/ignore.hpp"
#include "tests/fuzz/folder.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using fuzz::require;
using sys::Path;

namespace {

constexpr std::size_t most_rules = 512; // git takes very long for many stars in one rule
constexpr std::size_t most_path = 200;
constexpr int patience_ms = 2000;

class Git {
  public:
    explicit Git(const Path& repository) {
        std::array<int, 2> to{};
        std::array<int, 2> from{};
        require(::pipe2(to.data(), O_CLOEXEC) == 0 && ::pipe2(from.data(), O_CLOEXEC) == 0,
                "no pipe");
        m_pid = ::fork();
        require(m_pid >= 0, "no process");
        if (m_pid == 0) {
            ::dup2(to[0], STDIN_FILENO);
            ::dup2(from[1], STDOUT_FILENO);
            ::execlp("git", "git", "-C", repository.c_str(), "-c", "core.excludesFile=/dev/null",
                     "check-ignore", "--stdin", "-z", "-v", "-n", "--no-index", nullptr);
            ::_exit(127);
        }
        m_to.reset(to[1]);
        m_from.reset(from[0]);
        (void)::close(to[0]);
        (void)::close(from[1]);
    }
    ~Git() {
        ::kill(m_pid, SIGKILL);
        ::waitpid(m_pid, nullptr, 0);
    }
    Git(const Git&) = delete;
    Git& operator=(const Git&) = delete;

    // The rule that decides, as git shows it; empty: none does. Nothing if git does not say so in
    // time, and then it never will.
    std::optional<std::string> rule_for(const std::string& path) {
        sys::write_all(m_to.get(), path + '\0', "git");
        std::string answer; // source NUL line NUL rule NUL path NUL
        while (std::count(answer.begin(), answer.end(), '\0') < 4) {
            char chunk[4096];
            pollfd wish{m_from.get(), POLLIN, 0};
            const ssize_t got =
                ::poll(&wish, 1, patience_ms) > 0 ? ::read(m_from.get(), chunk, sizeof chunk) : -1;
            if (got <= 0)
                return std::nullopt;
            answer.append(chunk, static_cast<std::size_t>(got));
        }
        return std::string(split(answer, '\0')[2]);
    }

  private:
    pid_t m_pid;
    sys::Fd m_to;
    sys::Fd m_from;
};

const Path& repository() {
    static const Path the_one = [] {
        ::signal(SIGPIPE, SIG_IGN);
        const Path path = fuzz::folder() / "repository";
        const auto command = "git init -q '" + path.string() + "' && mkdir '" + path.string() +
                             "/a' '" + path.string() + "/b'";
        if (std::system(command.c_str()) != 0) { // NOLINT(cert-env33-c): once, and nothing foreign
            (void)std::puts("skipped: ignore: there is no git to compare with");
            (void)std::fflush(stdout);
            sys::remove_tree(fuzz::folder());
            ::_exit(0); // libFuzzer takes exit(3) for a crash
        }
        return path;
    }();
    return the_one;
}

// As git keeps paths: without empty names and dots. And nothing that is git's own.
std::string cleaned(std::string_view path) {
    std::string result;
    for (const auto name : split(path.substr(0, most_path), '/'))
        if (!name.empty() && name != "." && name != ".." && !name.starts_with(".git"))
            result += (result.empty() ? "" : "/") + std::string(name);
    return result;
}

// Of the rules in `folder`, for a path below it.
std::optional<bool> left_out_by_git(std::string_view rules, const std::string& path,
                                    bool is_folder) {
    static std::unique_ptr<Git> git;
    static bool is_in_a = false;
    is_in_a = !is_in_a;
    const std::string folder = is_in_a ? "a/" : "b/";
    sys::replace(repository() / folder / ".gitignore", rules, 0644);
    if (is_folder)
        sys::make_folders(repository() / folder / path, 0755);
    if (!git)
        git = std::make_unique<Git>(repository());
    const auto rule = git->rule_for(folder + path);
    if (is_folder)
        sys::remove_tree(repository() / folder / path.substr(0, path.find('/')));
    if (!rule) {
        git.reset();
        return std::nullopt;
    }
    return !rule->empty() && rule->front() != '!';
}

bool left_out_by_us(std::string_view text, const std::string& path, bool is_folder) {
    slug::IgnoreRules rules;
    rules.add(text);
    for (auto end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1))
        if (rules.leaves_out(path.substr(0, end), true))
            return true;
    return rules.leaves_out(path, is_folder);
}

} // namespace

void fuzz::run(char kind, std::string_view rest) {
    const auto end = rest.find('\0');
    if ((kind != 'D' && kind != 'F') || end == std::string_view::npos || end > most_rules)
        return;
    const auto rules = rest.substr(0, end);
    const auto path = cleaned(rest.substr(end + 1));
    if (path.empty() || path.find('\0') != std::string::npos)
        return;
    const bool ours = left_out_by_us(rules, path, kind == 'D');
    const auto gits = left_out_by_git(rules, path, kind == 'D');
    require(!gits || *gits == ours, ours ? "git would keep it" : "git would leave it out");
}
