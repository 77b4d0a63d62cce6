// completion, and the hidden `complete` that shells call back while somebody types.
#include "cmd/completion.hpp"
#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/config/keys.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

// Nobody looks through more, and each one's manifest is read.
constexpr std::size_t most_releases = 50;

// What the host knows. Whatever cannot be read has nothing to offer.
class Host {
  public:
    Host(const Completion& wanted, std::vector<Candidate>& into) : m_wanted(wanted), m_into(into) {}

    void offer() {
        switch (m_wanted.choice) {
        case Choice::apps:
            return offer_apps();
        case Choice::releases:
            return offer_releases();
        case Choice::config_names:
            return offer_config("");
        case Choice::config_assignments:
            return offer_config("=");
        case Choice::settings:
            return offer_settings();
        case Choice::processes:
            return offer_processes(false);
        case Choice::process_counts:
            return offer_processes(true);
        case Choice::nothing:
        case Choice::files:
            break;
        }
    }

  private:
    [[nodiscard]] deploy::Host host() const { return deploy::Host::at(m_wanted.root, {}); }
    [[nodiscard]] deploy::App app() const {
        return deploy::App::open(host(), deploy::chosen_app(host(), m_wanted.app, "."));
    }
    [[nodiscard]] bool fits(std::string_view text) const {
        return text.substr(0, m_wanted.typed.size()) == m_wanted.typed;
    }
    void add(const std::string& text, const std::string& description = {}) {
        if (fits(text))
            m_into.push_back({m_wanted.before + text, description});
    }

    void offer_apps() {
        for (const AppName& name : deploy::app_names(host()))
            add(name.text());
    }

    void offer_releases() {
        const deploy::App app = this->app();
        auto numbers = app.ledger.numbers();
        std::reverse(numbers.begin(), numbers.end());
        std::size_t left = most_releases;
        for (const ReleaseNumber number : numbers)
            if (fits(number.text()) && left > 0) {
                --left;
                add(number.text(), description_of(app, number));
            }
        for (const ReleaseNumber number : app.marks.all(release::MarkKind::pin))
            if (const auto pin = app.marks.get(release::MarkKind::pin, number);
                pin && !pin->why.empty())
                add(pin->why, "pinned: " + number.text());
    }

    static std::string description_of(const deploy::App& app, ReleaseNumber number) {
        try {
            return app.ledger.load(number).description;
        } catch (const Error&) {
            return {};
        }
    }

    void offer_config(const char* behind) {
        for (const auto& [name, value] : config::load_config(app().layout.config_toml()))
            add(name + behind);
    }

    // Keys of process types with those of the live release.
    void offer_settings() {
        const std::vector<std::string> types = this->types();
        for (const config::Key& key : config::keys()) {
            const auto star = key.path.find('*');
            if (star == std::string_view::npos) {
                add(std::string(key.path) + "=");
                continue;
            }
            for (const std::string& type : types)
                add(std::string(key.path).replace(star, 1, type) + "=");
        }
    }

    [[nodiscard]] std::vector<std::string> types() const {
        std::vector<std::string> result;
        for (const auto& [name, count] : counts())
            result.push_back(name);
        return result;
    }

    [[nodiscard]] std::vector<std::pair<std::string, unsigned>> counts() const {
        std::vector<std::pair<std::string, unsigned>> result;
        try {
            const deploy::App app = this->app();
            if (const auto current = app.ledger.current())
                for (const ProcessType& type : app.ledger.load(*current).spec.processes)
                    result.emplace_back(type.name, type.count);
        } catch (const Error&) {
            result.clear(); // not even which app is meant: keys without a type are offered all the
                            // same
        }
        return result;
    }

    void offer_processes(bool with_count) {
        for (const auto& [name, count] : counts()) {
            add(name + (with_count ? "=" : ""));
            for (unsigned i = 1; i <= count && !with_count; ++i)
                add(fmt::format("{}.{}", name, i));
        }
    }

    const Completion& m_wanted;
    std::vector<Candidate>& m_into;
};

// A line for each candidate: the word, a tab, what it is. The line ":files" asks the shell for its
// own completion of files. Says nothing on standard error, whatever happens: somebody is typing.
int complete(Invocation& invocation) {
    const auto words = invocation.arguments.words();
    Completion completion = completion_of({words.begin(), words.end()});
    try {
        Host(completion, completion.candidates).offer();
    } catch (const Error&) {
        completion.choice = Choice::nothing;
    }
    for (const Candidate& candidate : completion.candidates)
        invocation.terminal.print(
            fmt::format("{}\t{}", printable(candidate.text), printable(candidate.description)));
    if (completion.choice == Choice::files)
        invocation.terminal.print(":files");
    return 0;
}

int print_script(Invocation& invocation) {
    const std::string shell = *invocation.arguments.word(0);
    const auto script = completion_script(shell);
    if (!script)
        throw Error(fmt::format("there is no completion for '{}'", printable(shell)),
                    Outcome::usage)
            .advise("it is made for bash, zsh and fish");
    invocation.terminal.raw(*script);
    return 0;
}

} // namespace

extern const Command complete_command, completion_command;

const Command complete_command{"complete",
                               "what can stand at the end of a command line",
                               {{"WORDS", Argument::Number::any}},
                               {},
                               {},
                               complete,
                               true,
                               true};

const Command completion_command{
    "completion",
    "print the script by which a shell completes shipit's command lines",
    {{"SHELL", Argument::Number::one}},
    {},
    {"shipit completion bash > ~/.local/share/bash-completion/completions/shipit",
     "shipit completion fish > ~/.config/fish/completions/shipit.fish"},
    print_script};

} // namespace shipit::cmd
