// The checks of what on this host works with shipit: systemd(1), cron(8), sshd(8).
#include "core/deploy/doctor_checks.hpp"

#include "core/base/text.hpp"
#include "core/sys/capture.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>
#include <fnmatch.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr std::chrono::seconds patience(3);
constexpr std::size_t longest_answer = 256 << 10;

// What starts the apps with the host, and prunes them.
struct Starter {
    std::string who; // "systemd"
    bool starts = false;
    bool prunes = false;
    std::string next; // what makes it do so
};

bool contains_line_with(std::string_view text, std::string_view words) {
    const auto lines = split(text, '\n');
    return std::any_of(lines.begin(), lines.end(), [words](std::string_view line) {
        return !trimmed(line).starts_with("#") && line.find(words) != std::string_view::npos;
    });
}

Starter units_in(const sys::Path& folder, const char* target, const std::string& systemctl) {
    return {"systemd", sys::is_there(folder / target / "shipit.service"),
            sys::is_there(folder / "timers.target.wants/shipit-prune.timer"),
            systemctl + " enable --now shipit.service shipit-prune.timer"};
}

Starter table_of_cron(std::string_view table) {
    return {"cron", contains_line_with(table, "start --all"),
            contains_line_with(table, "prune --all"), "./install.sh puts both into cron's table"};
}

Starter starter_for_root() {
    if (sys::is_there("/run/systemd/system"))
        return units_in("/etc/systemd/system", "multi-user.target.wants", "systemctl");
    return table_of_cron(
        sys::read_file_if_any("/etc/cron.d/shipit", longest_answer).value_or(std::string()));
}

Starter starter_for(const sys::Account& self) {
    Starter units = units_in(sys::Path(self.home) / ".config/systemd/user", "default.target.wants",
                             "systemctl --user");
    if (units.starts && sys::lingers(self))
        return units;
    Starter cron = table_of_cron(sys::answer_to({"/usr/bin/crontab", {"-l"}, {"LC_ALL=C"}, {}},
                                                sys::Deadline(patience), longest_answer)
                                     .value_or(std::string()));
    cron.next = "./install.sh --user puts both into your crontab";
    return cron;
}

// An entry with which a login can have its shell, or shipit, run or read something else.
std::string harmful_name(const std::string& pattern) {
    constexpr std::array names = {"BASH_ENV",        "ENV",         "PATH",       "LD_PRELOAD",
                                  "LD_LIBRARY_PATH", "SHIPIT_ROOT", "SHIPIT_APP", "SHIPIT_KEY"};
    const auto* const found = std::find_if(names.begin(), names.end(), [&](const char* name) {
        return ::fnmatch(pattern.c_str(), name, 0) == 0;
    });
    return found == names.end() ? std::string() : std::string(*found);
}

} // namespace

Findings check_start(const Host& host) {
    const sys::Account self = sys::own_account();
    const sys::Path usual = self.uid == 0 ? sys::Path(release::system_root)
                                          : sys::Path(self.home) / ".local/share/shipit";
    if (host.root != usual)
        return {note(fmt::format("nothing that comes with shipit starts or prunes what is in '{}': "
                                 "that is for '{}'",
                                 printable(host.root.string()), printable(usual.string())),
                     fmt::format("crontab -e, and there: @reboot shipit --root {} start --all",
                                 shell_quoted(host.root.string())))};
    const Starter starter = self.uid == 0 ? starter_for_root() : starter_for(self);
    if (!starter.starts)
        return {note("nothing starts the apps when the host starts", starter.next)};
    if (!starter.prunes)
        return {note(starter.who + " starts apps with the host; nothing prunes old releases",
                     starter.next)};
    return {ok(starter.who + " starts apps with the host and prunes old releases daily")};
}

Findings judge_sshd(std::string_view effective) {
    Findings findings;
    for (const std::string_view line : split(effective, '\n')) {
        const auto words = split(line, ' ');
        if (words.size() < 2)
            continue;
        if (words[0] == "pubkeyauthentication" && words[1] == "no")
            findings.push_back(note("sshd takes no keys (PubkeyAuthentication no): deploy keys "
                                    "cannot be used",
                                    "allow them in /etc/ssh/sshd_config, then reload sshd"));
        if (words[0] != "acceptenv")
            continue;
        for (std::size_t i = 1; i < words.size(); ++i)
            if (const auto name = harmful_name(std::string(words[i])); !name.empty())
                findings.push_back(problem(
                    fmt::format("sshd takes {} from whoever logs in (AcceptEnv {}): with that, a "
                                "deploy key can do more than it should",
                                name, printable(words[i])),
                    "take it out of /etc/ssh/sshd_config, then reload sshd"));
    }
    if (findings.empty())
        findings.push_back(ok("takes deploy keys, and no environment that could harm"));
    return findings;
}

// Only root can read the keys of the host, without which sshd does not tell.
Findings check_sshd(const Host& /*host*/) {
    if (::geteuid() != 0)
        return {};
    const auto effective =
        sys::answer_to({"/usr/sbin/sshd", {"-T"}, {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin"}, {}},
                       sys::Deadline(patience), longest_answer);
    return effective ? judge_sshd(*effective) : Findings();
}

} // namespace shipit::deploy
