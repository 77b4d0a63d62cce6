// Any bytes as what the holder of a deploy key asks for.
//
// The input's first byte chooses what the rest is:
// - C: the command of the client (SSH_ORIGINAL_COMMAND). What is let through is taken apart as
//   shipit will, and must be one of the deeds in the table below, for this app and this root;
// - W: such a command, of which each two bytes choose a word among those that shipit knows: what
//   bytes alone would come to but slowly;
// - Q: the same, as a record quotes it.
#include "cmd/commands.hpp"
#include "cmd/receive_policy.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/supervise/words.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <map>
#include <set>

using namespace shipit;
using namespace shipit::cmd;
using fuzz::require;
using Words = std::vector<std::string>;

namespace {

const AppName& blog() {
    static const auto name = AppName::parse("blog");
    return name;
}

// Not taken from the policy: what stands there by mistake would be allowed here, too.
const std::map<std::string_view, std::set<std::string>>& deeds() {
    static const std::map<std::string_view, std::set<std::string>> table{
        {"deploy", {"message", "no-activate", "trial", "dry-run", "no-wait", "wait"}},
        {"activate", {"message", "trial", "no-wait", "wait"}},
        {"rollback", {"check", "undo", "code-only", "config-only", "message", "no-wait", "wait"}},
        {"releases", {"num", "graph"}},
        {"info", {}},
        {"why", {}},
        {"output", {"follow"}},
        {"diff", {"stat", "name-only"}},
        {"status", {}},
    };
    return table;
}

bool is_for_all(const std::string& option) {
    return option == "json" || option == "quiet" || option == "color";
}

bool names_a_release(const std::string& word) {
    return !word.empty() && word.front() != '-' && word.front() != '.' &&
           word.find_first_of("/\\~*$ ") == word.npos;
}

// As `shipit receive` starts it, and main() takes it apart.
void look_at_command(const Words& permitted_words) {
    Words words{"--root=/srv/apps", "--app=blog"};
    words.insert(words.end(), permitted_words.begin(), permitted_words.end());
    const CommandLine line = find_command(words);
    require(line.command != nullptr, "it is no command");
    const auto deed = deeds().find(line.command->name);
    require(deed != deeds().end(), "a command is let through that is not in the table");
    const Arguments arguments = parse(*line.command, line.words);
    require(arguments.text("app") == "blog", "it is another app's");
    require(arguments.text("root") == "/srv/apps", "it is in another root");
    for (const std::string& option : arguments.options())
        require(option == "app" || option == "root" || is_for_all(option) ||
                    deed->second.count(option) == 1,
                "an option is let through that is not in the table");
    const auto& rest = arguments.words();
    if (deed->first == "deploy")
        require(rest.size() == 1 && rest[0] == "-", "something else than what comes is deployed");
    else
        require(std::all_of(rest.begin(), rest.end(), names_a_release), "a word is no release");
}

// Another app or root is no slip to be passed over.
void look_at_what_was_asked(const Words& words) {
    const CommandLine line = find_command(words);
    const Arguments arguments = parse(*line.command, line.words);
    require(arguments.text("app").value_or("blog") == "blog", "another app was asked for");
    require(!arguments.has("root"), "another root was asked for");
}

std::string quoted(const std::string& word) {
    std::string result = "'";
    for (const char c : word)
        result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

// What came out is what comes out of itself.
void ask_again(const Words& words) {
    std::string command = "shipit";
    for (const std::string& word : words)
        command += " " + quoted(word);
    constexpr std::size_t longest = 4096;
    if (command.size() <= longest)
        require(permitted(blog(), command).words == words, "asked again it is another command");
}

void look_at(const Permitted& what, std::string_view original) {
    require(original.find('\0') == original.npos && original.find('\n') == original.npos,
            "it is more than a line");
    const auto asked = supervise::plain_words(original);
    require(asked.has_value(), "it would need a shell");
    switch (what.what) {
    case Permitted::What::push:
        require(*asked == Words{"shipit", "receive", "blog"}, "it is another push");
        break;
    case Permitted::What::git_push: {
        require(asked->size() == 2 && asked->front() == "git-receive-pack", "it is no git push");
        const std::string_view path = asked->back();
        const auto name = path.substr(path.find_last_of('/') + 1);
        require((name == "blog" || name == "blog.git") && path.find("..") == path.npos,
                "it is another repository");
        break;
    }
    case Permitted::What::command:
        look_at_what_was_asked({asked->begin() + 1, asked->end()});
        look_at_command(what.words);
        ask_again(what.words);
        break;
    }
}

void ask(std::string_view original) {
    std::optional<Permitted> what;
    try {
        what = permitted(blog(), original);
    } catch (const Error& error) {
        require(error.outcome() == Outcome::usage, "it is refused as something else");
        require((error.why() + error.next()).find("=SECRET") == std::string::npos,
                "a refusal tells a value");
        return;
    }
    try {
        look_at(*what, original);
    } catch (const Error&) {
        require(false, "what was let through is refused by shipit itself");
    }
}

void add_option(Words& words, const Option& option) {
    for (const std::string_view each : split(option.names, ',')) {
        const std::string name(each);
        words.push_back(name);
        if (option.value.empty())
            continue;
        for (const char* value : {"", "blog", "shop", "/srv/other", "3"})
            words.push_back(name + (name.starts_with("--") ? "=" : "") + value);
    }
}

Words words_beside(const Command& command) {
    Words words{"-",           "--", "v1", "blog",       "shop",        ".",
                "/etc/passwd", "''", "3",  "KEY=SECRET", "'-a' 'shop'", "\\-ashop"};
    for (const Option& option : command.options)
        add_option(words, option);
    for (const Option& option : common_options())
        add_option(words, option);
    return words;
}

void ask_in_words(std::string_view choices) {
    const auto chosen = [&choices](const auto& among) {
        const auto choice = static_cast<unsigned char>(choices.front());
        choices.remove_prefix(1);
        return among[choice % among.size()];
    };
    if (choices.empty())
        return;
    constexpr std::size_t few = 2;
    const Command& command = *chosen(all_commands());
    const bool is_short = choices.size() <= few;
    const Words words = words_beside(command);
    std::string text = "shipit " + std::string(command.name);
    while (!choices.empty())
        text += ' ' + chosen(words);
    ask(text);
    for (const std::string& word : words)
        if (is_short)
            ask(text + ' ' + word);
}

void quote(std::string_view original) {
    constexpr std::size_t longest = 200;
    const std::string text = quotable(original);
    require(printable(text) == text && text.find('\n') == text.npos, "it is no line of text");
    require(columns(text) <= longest, "it is not short");
    require(text.find("=SECRET") == text.npos, "a record tells a value");
}

} // namespace

void fuzz::run(char kind, std::string_view rest) {
    if (kind == 'C')
        ask(rest);
    else if (kind == 'W')
        ask_in_words(rest);
    else if (kind == 'Q')
        quote(rest);
}
