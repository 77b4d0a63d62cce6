// receive: the other side of `shipit push`, and what a deploy key may do beside it.
#include "cmd/invocation.hpp"
#include "cmd/push_session.hpp"
#include "cmd/receive_policy.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/repository.hpp"
#include "core/ssh/authorized_keys.hpp"
#include "core/sys/account.hpp"
#include "core/sys/process.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

constexpr const char* asked_by_client = "SSH_ORIGINAL_COMMAND"; // sshd(8)

struct Asked {
    std::optional<std::string> command; // nothing: sshd was given none
    std::vector<std::string> environment;

    static Asked of_this_process() {
        Asked asked;
        if (const char* command = std::getenv(asked_by_client))
            asked.command = command;
        for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
            asked.environment.emplace_back(*variable);
        return asked;
    }
};

// Of what comes in the environment only sshd's own word of where the client is counts; the client
// may have sent the rest.
std::vector<std::string> clean_environment(const std::optional<std::string>& key) {
    const sys::Account account = sys::own_account();
    std::vector<std::string> variables{
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=" + account.home,
        "USER=" + account.name,
        "LOGNAME=" + account.name,
        "SHELL=/bin/sh",
        "LANG=C.UTF-8",
    };
    if (const char* connection = std::getenv("SSH_CONNECTION"))
        variables.push_back("SSH_CONNECTION=" + printable(connection));
    // Also of a key without a name: it is by this that what is for people alone is refused to it.
    variables.push_back("SHIPIT_KEY=" + key.value_or("a key"));
    return variables;
}

void use(const std::vector<std::string>& environment) {
    (void)::clearenv();
    for (const std::string& variable : environment) {
        const auto end = variable.find('=');
        (void)::setenv(variable.substr(0, end).c_str(), variable.c_str() + end + 1, 1);
    }
}

[[noreturn]] void become(const std::string& program, std::vector<std::string> words) {
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    (void)::execve(program.c_str(), pointers.data(), environ);
    throw_errno(fmt::format("cannot execute '{}'", program));
}

[[noreturn]] void carry_out(const deploy::App& app, Permitted permitted) {
    if (permitted.what == Permitted::What::git_push) {
        const auto push = deploy::git_receive(app);
        become(push.front(), push);
    }
    std::vector<std::string> words{"shipit", "--root=" + app.host.root.string()};
    if (permitted.what == Permitted::What::push)
        permitted.words = {"receive", app.name().text()};
    else
        words.push_back("--app=" + app.name().text());
    words.insert(words.end(), permitted.words.begin(), permitted.words.end());
    become(sys::own_program().string(), std::move(words));
}

void require_clean(const Asked& asked, const std::optional<std::string>& root) {
    for (const std::string& name : hostile_variables(asked.environment)) {
        // A host may well tell everybody where its apps are.
        const bool is_harmless = name == "SHIPIT_ROOT" && root &&
                                 std::find(asked.environment.begin(), asked.environment.end(),
                                           "SHIPIT_ROOT=" + *root) != asked.environment.end();
        if (!is_harmless)
            throw Error(fmt::format("{} is set, which a client must not be able to send: see "
                                    "AcceptEnv in sshd_config(5){}",
                                    printable(shortened(name, 40)),
                                    name == "SHIPIT_ROOT" ? ", and --root in the key's line" : ""),
                        Outcome::usage);
    }
}

[[noreturn]] void serve_key(Invocation& invocation, const AppName& name) {
    const auto key = invocation.arguments.text("key");
    const Asked asked = Asked::of_this_process();
    use(clean_environment(key));
    const auto app = deploy::App::open(invocation.host(), name);
    try {
        require_clean(asked, invocation.arguments.text("root"));
        if (!asked.command)
            throw Error("it says no command", Outcome::usage);
        carry_out(app, permitted(app.name(), *asked.command));
    } catch (const Error& error) {
        const std::string what = asked.command ? quotable(*asked.command) : "";
        app.note_event("receive", std::nullopt, "refused",
                       what.empty() ? error.why() : fmt::format("'{}': {}", what, error.why()));
        throw Error(what.empty() ? "this key gives no shell"
                                 : fmt::format("this key may not run '{}': {}", what, error.why()),
                    error.outcome())
            .advise(
                fmt::format("it may push to '{}', and run: shipit deploy -, activate, rollback, "
                            "releases, info, why, output, diff, status",
                            name.text()));
    }
}

int run_receive(Invocation& invocation) {
    const AppName name = AppName::parse(*invocation.arguments.word(0));
    const auto key = invocation.arguments.text("key");
    if (key && !ssh::is_key_name(*key))
        throw Error(fmt::format("'{}' is no name for a key", printable(*key)), Outcome::usage)
            .advise("'shipit key add' writes lines that are right");
    if (key || std::getenv(asked_by_client) != nullptr)
        serve_key(invocation, name);
    // A key whose line has no --key, and whose holder asks for no command at all, comes here, too.
    const auto force = invocation.arguments.has("force") ? Force::allowed : Force::refused;
    return serve_push(deploy::App::open(invocation.host(), name), force, STDIN_FILENO,
                      STDOUT_FILENO);
}

} // namespace

extern const Command receive_command;
const Command receive_command{
    "receive",
    "let a deploy key do what it may; run by sshd (shipit-receive(8))",
    {{"APP", Argument::Number::one}},
    {{"--key", "NAME", "the key, as records call it"},
     {"--force", "", "let the push use '--force'; for no key"}},
    {"restrict,command=\"shipit receive blog --key=ci@example\" ssh-ed25519 AAAA... ci@example"},
    run_receive};

} // namespace shipit::cmd
