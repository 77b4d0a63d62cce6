#include "core/ssh/authorized_keys.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::ssh {

namespace {

constexpr std::size_t longest_name = 64;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_plain(char c) {
    return is_letter_or_digit(c) || std::string_view("@._+-:/").find(c) != std::string_view::npos;
}

// [options] type base64 [comment], as sshd takes a line apart.
struct Line {
    std::string_view options;
    std::string_view type;
    std::string_view base64;
};

// Where the first field ends: at a blank that is in no quotes, in which \" is no quote.
std::size_t end_of_field(std::string_view text) {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"')
            ++i;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == ' ' || text[i] == '\t'))
            return i;
    }
    return text.size();
}

std::string_view take_field(std::string_view& text) {
    const auto end = end_of_field(text);
    const auto field = text.substr(0, end);
    text = trimmed(text.substr(end));
    return field;
}

bool is_key_type(std::string_view word) {
    return word.starts_with("ssh-") || word.starts_with("ecdsa-") || word.starts_with("sk-");
}

Line parts_of(std::string_view text) {
    text = trimmed(text);
    Line line;
    if (text.empty() || text.front() == '#')
        return line;
    line.type = take_field(text);
    if (!is_key_type(line.type)) {
        line.options = line.type;
        line.type = take_field(text);
    }
    line.base64 = take_field(text);
    return line;
}

// The value of the option `command="..."`; empty if there is none.
std::string command_in(std::string_view options) {
    constexpr std::string_view name = "command=\"";
    const auto begin = options.find(name);
    std::string value;
    for (auto i = begin == std::string_view::npos ? options.size() : begin + name.size();
         i < options.size() && options[i] != '"'; ++i) {
        if (options.substr(i, 2) == "\\\"")
            ++i;
        value += options[i];
    }
    return value;
}

// Sets app and name of a command like `/usr/bin/shipit receive blog --key=ci@example`; whether it
// is one.
bool read_command(const std::string& command, DeployKey& key) {
    const auto words = split(command, ' ');
    for (std::size_t i = 1; i + 1 < words.size(); ++i) {
        std::string_view program = words[i - 1];
        if (program.ends_with('\''))
            program.remove_suffix(1);
        if (words[i] == "receive" && program.ends_with("shipit") && AppName::is_valid(words[i + 1]))
            key.app = words[i + 1];
    }
    constexpr std::string_view option = "--key=";
    for (const std::string_view word : words)
        if (word.starts_with(option) && is_key_name(word.substr(option.size())))
            key.name = word.substr(option.size());
    return !key.app.empty();
}

std::string fingerprint_of(const Line& line) {
    try {
        return parse_public_key(fmt::format("{} {}", line.type, line.base64)).fingerprint;
    } catch (const Error&) {
        return ""; // a line that was edited by hand
    }
}

[[noreturn]] void refuse_second_line(const PublicKey& key, std::size_t number, const Line& line) {
    DeployKey other{number, "", "", "", "", ""};
    if (read_command(command_in(line.options), other))
        throw Error(fmt::format("key {} is one of app '{}' already (line {}); sshd goes by the "
                                "first line of a key, so that each can be for one app only",
                                key.fingerprint, other.app, number),
                    Outcome::usage)
            .advise("make another key for this app: ssh-keygen -t ed25519");
    throw Error(fmt::format("key {} is there already, for something else (line {})",
                            key.fingerprint, number),
                Outcome::usage)
        .advise("make a key for deploys alone: ssh-keygen -t ed25519");
}

std::string in_quotes(const std::string& command) {
    std::string result;
    for (const char c : command)
        result += c == '"' ? std::string("\\\"") : std::string(1, c);
    return result;
}

} // namespace

std::vector<DeployKey> deploy_keys(std::string_view text) {
    std::vector<DeployKey> keys;
    std::size_t number = 0;
    for (const std::string_view each : split(text, '\n')) {
        ++number;
        const Line line = parts_of(each);
        DeployKey key{number, "", "", std::string(line.type), std::string(line.base64), ""};
        if (line.base64.empty() || !read_command(command_in(line.options), key))
            continue;
        key.fingerprint = fingerprint_of(line);
        keys.push_back(std::move(key));
    }
    return keys;
}

bool is_key_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_name && name.front() != '-' &&
           std::all_of(name.begin(), name.end(), is_plain);
}

std::string name_of(const PublicKey& key) {
    std::string name;
    for (const char c : key.comment.substr(0, longest_name)) {
        if (is_plain(c))
            name += c;
        else if (!name.empty() && name.back() != '-')
            name += '-';
    }
    const auto begin = std::find_if(name.begin(), name.end(), is_letter_or_digit);
    name.erase(name.begin(), begin);
    while (name.ends_with('-'))
        name.pop_back();
    return name.empty() ? key.fingerprint : name;
}

std::optional<std::string> with_key(std::string_view text, const PublicKey& key, const AppName& app,
                                    const std::string& command) {
    std::size_t number = 0;
    for (const std::string_view each : split(text, '\n')) {
        ++number;
        const Line line = parts_of(each);
        if (line.base64 != key.base64)
            continue;
        DeployKey there{number, "", "", "", "", ""};
        if (read_command(command_in(line.options), there) && there.app == app.text())
            return std::nullopt;
        refuse_second_line(key, number, line);
    }
    std::string result(text);
    if (!result.empty() && result.back() != '\n')
        result += '\n';
    return result + fmt::format("restrict,command=\"{}\" {} {} {}\n", in_quotes(command), key.type,
                                key.base64, name_of(key));
}

std::string without_line(std::string_view text, std::size_t line) {
    std::size_t begin = 0;
    for (std::size_t number = 1; number < line; ++number)
        begin = text.find('\n', begin) + 1;
    const auto end = text.find('\n', begin);
    std::string result(text.substr(0, begin));
    return end == std::string_view::npos ? result : result.append(text.substr(end + 1));
}

} // namespace shipit::ssh
