#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/settings.hpp"
#include "core/push/sender.hpp"
#include "core/push/tunnel.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/interrupt.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

struct Target {
    std::string host; // as ssh takes it, with its user
    AppName app;
};

config::Settings settings_of(const slug::Build& build) {
    config::Sources sources;
    sources.build_toml = build.read_file("shipit.toml");
    sources.procfile = build.read_file("Procfile");
    return config::load(sources);
}

// The app of a HOST without one.
AppName named_elsewhere(const Invocation& invocation, const config::Settings& settings) {
    if (const auto name = invocation.arguments.text("app"))
        return AppName::parse(*name);
    if (const char* name = std::getenv("SHIPIT_APP"); name != nullptr && *name != '\0')
        return AppName::parse(name);
    if (settings.name)
        return *settings.name;
    throw Error("it is not clear which app is meant", Outcome::usage)
        .advise("write HOST:APP, or 'name' in the build's shipit.toml");
}

// "[USER@]HOST[:APP]"; an IPv6 address stands in brackets where an app follows.
Target target_of(const Invocation& invocation, const config::Settings& settings) {
    const auto word = invocation.arguments.word(0).value_or("");
    const auto colon = word.rfind(':');
    const bool has_app = colon != std::string::npos && word.find(']', colon) == std::string::npos;
    auto host = has_app ? word.substr(0, colon) : word;
    std::erase_if(host, [](char c) { return c == '[' || c == ']'; });
    const bool is_odd = std::any_of(host.begin(), host.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f;
    });
    // One that begins with '-' would be an option of ssh's.
    if (host.empty() || host.front() == '-' || is_odd)
        throw Error(fmt::format("'{}' names no host", printable(word)), Outcome::usage)
            .advise("write it as ssh takes it: deploy@example.org:blog");
    return {host, has_app ? AppName::parse(word.substr(colon + 1))
                          : named_elsewhere(invocation, settings)};
}

std::string setting(const Invocation& invocation, const char* option, const char* variable,
                    const char* otherwise) {
    if (const auto given = invocation.arguments.text(option))
        return *given;
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0' ? value : otherwise;
}

// A connection that has gone without a word is noticed within a minute.
constexpr const char* usual_ssh = "ssh -o ServerAliveInterval=15 -o ServerAliveCountMax=4";

// What runs `shipit WORDS` there.
std::vector<std::string> command_for(const Invocation& invocation, const Target& target,
                                     const std::vector<std::string>& what,
                                     const char* ssh = usual_ssh) {
    auto words = push::words_of(setting(invocation, "ssh", "SHIPIT_SSH", ssh));
    if (words.empty())
        throw Error("'--ssh' names no program", Outcome::usage);
    words.push_back(target.host);
    for (auto& word : push::words_of(setting(invocation, "remote", "SHIPIT_REMOTE", "shipit")))
        words.push_back(std::move(word));
    words.insert(words.end(), what.begin(), what.end());
    return words;
}

// --force is in the command, too, where whoever decides what a login may run can see it.
std::vector<std::string> receive_words(const Target& target, const push::Options& options) {
    std::vector<std::string> words{"receive", target.app.text()};
    if (options.force)
        words.emplace_back("--force");
    return words;
}

// What the host would refuse as malformed.
void require_sendable(const push::Options& options) {
    if (options.description.size() > push::longest_description)
        throw Error(fmt::format("'--message' takes up to {} bytes, not {}",
                                push::longest_description, options.description.size()),
                    Outcome::usage)
            .advise("put what is long into a file of the build");
    const auto require_short = [](const char* option, std::chrono::milliseconds time) {
        if (time > push::longest_time)
            throw unfit_value(option,
                              fmt::format("takes up to {} for a push, not {}",
                                          duration_text(push::longest_time), duration_text(time)),
                              "1h");
    };
    require_short("wait", options.lock_patience);
    require_short("trial", options.trial.value_or(std::chrono::milliseconds(0)));
}

push::Sending sending_of(const Invocation& invocation, const slug::Build& build,
                         const config::Settings& settings) {
    const auto options = change_options(invocation);
    push::Sending sending;
    sending.options = {invocation.arguments.text("message").value_or(""),
                       invocation.arguments.has("force"),
                       options.patience == deploy::Patience::until_live,
                       options.lock_patience,
                       asked_trial(invocation),
                       asked_not_to_activate(invocation)};
    require_sendable(sending.options);
    if (!build.is_staged())
        sending.source = release::source_of(build.folder());
    sending.leave_out = settings.app.shared;
    sending.level = settings.slug_level;
    sending.progress = invocation.terminal.progress();
    return sending;
}

constexpr const char* goes_on_there = "the deploy goes on there: the same command again joins it";

// A connection that ended before the push did.
struct Lost {
    Error error;    // what is wrong with it is ssh's to say, and it has said it
    bool was_heard; // whether the host had answered by it
};

// One push over as many connections as it takes.
class Pushing {
  public:
    Pushing(const Invocation& invocation, const Target& target, const push::Sending& sending)
        : m_invocation(invocation), m_target(target), m_sending(sending),
          m_cache(push::cache_folder(target.host, target.app),
                  {sys::own_account().name, "push", sys::now(), ::getpid()},
                  sending.options.lock_patience, sending.progress) {}

    push::Result run(const slug::Build& build) {
        try {
            return run_though_damaged(build);
        } catch (sys::Interrupted& interrupted) {
            if (m_is_delivered)
                interrupted.advise(goes_on_there);
            throw;
        }
    }

    // Bytes, of all connections.
    [[nodiscard]] Json traffic() const {
        return Json::object({{"sent", m_sent}, {"received", m_received}});
    }

  private:
    static constexpr unsigned usual_retries = 5;

    push::Result run_though_damaged(const slug::Build& build) {
        try {
            return run_until_it_ends(build);
        } catch (const push::Damaged& damaged) {
            m_sending.progress.warn_of(
                damaged.why() + "; pushing once more, without what earlier pushes left here");
            return run_until_it_ends(build);
        }
    }

    push::Result run_until_it_ends(const slug::Build& build) {
        const unsigned retries = m_invocation.number("retries").value_or(usual_retries);
        for (unsigned retry = 0;; retry++) {
            try {
                return run_once(build);
            } catch (const Lost& lost) {
                // A host that never answered will hardly do so now: its name or the key is wrong.
                if (retry == retries || (retry == 0 && !lost.was_heard))
                    throw Error(lost.error);
                const auto wait = wait_before(retry);
                m_sending.progress.warn_of(fmt::format("{}; connecting again in {} ({} of {})",
                                                       lost.error.why(), duration_text(wait),
                                                       retry + 1, retries));
                sys::wait_for_time(wait);
            }
        }
    }

    // Half a minute for the usual retries: as long as a router takes to start, or a laptop to find
    // another network.
    static std::chrono::seconds wait_before(unsigned retry) {
        constexpr unsigned longest = 4;
        return std::chrono::seconds(1U << std::min(retry, longest));
    }

    push::Result run_once(const slug::Build& build) {
        push::Tunnel tunnel(
            command_for(m_invocation, m_target, receive_words(m_target, m_sending.options)));
        push::Wire wire(tunnel.from(), tunnel.to(), fmt::format("the host '{}'", m_target.host));
        push::Sender sender(wire, m_cache, m_sending, m_packed);
        try {
            auto result = sender.push(build);
            note(wire, sender);
            (void)tunnel.finish();
            return result;
        } catch (const push::Disconnected& lost) {
            note(wire, sender);
            Error error(fmt::format("{} (exit status {})", lost.why(), tunnel.finish()));
            error.advise(advice_after_loss(wire));
            throw Lost{error, wire.received() > 0};
        } catch (const Error&) {
            note(wire, sender);
            throw;
        }
    }

    // What a connection leaves, for the next one and for the end.
    void note(const push::Wire& wire, const push::Sender& sender) {
        m_sent += wire.sent();
        m_received += wire.received();
        m_packed = sender.packed();
        m_is_delivered = m_is_delivered || sender.is_delivered();
    }

    [[nodiscard]] std::string advice_after_loss(const push::Wire& wire) const {
        if (m_is_delivered)
            return goes_on_there;
        if (wire.received() > 0)
            return "the same command again sends what is still missing";
        return fmt::format(
            "see whether this works: {}{}",
            printable(joined(command_for(m_invocation, m_target, {"version"}, "ssh"), " ")),
            m_sending.options.force
                ? " (and '--force' takes a shipit there that is as new as this one)"
                : "");
    }

    const Invocation& m_invocation;
    const Target& m_target;
    const push::Sending& m_sending;
    push::Cache m_cache;
    std::optional<SlugId> m_packed; // by an earlier connection
    bool m_is_delivered = false;    // over any of them
    std::uint64_t m_sent = 0;
    std::uint64_t m_received = 0;
};

int run_push(Invocation& invocation) {
    const auto word = invocation.arguments.word(1).value_or(".");
    if (word == "-" && ::isatty(STDIN_FILENO) == 1)
        throw Error("'push HOST -' reads a tar archive from standard input, which is a terminal",
                    Outcome::usage)
            .advise("tar c . | shipit push HOST -");
    const char* temporary = std::getenv("TMPDIR");
    const auto build =
        slug::Build::open(word, temporary != nullptr && *temporary != '\0' ? temporary : "/tmp", {},
                          invocation.terminal.progress());
    const auto settings = settings_of(build);
    const auto target = target_of(invocation, settings);
    const auto sending = sending_of(invocation, build, settings);
    Json traffic;
    auto result = while_doing(fmt::format("pushing to '{}'", target.host), [&] {
        Pushing pushing(invocation, target, sending);
        auto ended = pushing.run(build);
        traffic = pushing.traffic();
        return ended;
    });
    if (result.error) {
        invocation.terminal.error(*result.error, result.status);
        return result.status;
    }
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(result.json.set("traffic", traffic));
    else
        say(invocation.terminal, result.said);
    return result.status;
}

} // namespace

extern const Command push_command;
const Command push_command{
    "push",
    "deploy a build to another host, by ssh",
    {{"[USER@]HOST[:APP]"}, {"BUILD", Argument::Number::optional}},
    {{"-m,--message", "TEXT", "what this release is, for 'shipit releases'"},
     {"--force", "", "deploy also what is held, ends all that runs, or is live already"},
     no_activate_option,
     trial_option,
     {"--ssh", "COMMAND", "how ssh is called (else SHIPIT_SSH, or ssh)"},
     {"--remote", "COMMAND", "how shipit is called there (else SHIPIT_REMOTE, or shipit)"},
     {"--retries", "N", "connections more, if one is lost (else 5)"},
     no_wait_option,
     wait_option},
    {"shipit push deploy@example.org:blog ./build -m 'New front page'",
     "shipit push --ssh 'ssh -p 2222' --remote 'sudo shipit' example.org:blog"},
    run_push};

} // namespace shipit::cmd
