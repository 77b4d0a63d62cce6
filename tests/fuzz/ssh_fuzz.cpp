// Any bytes as keys: what somebody pasted, and the file that decides who may log in.
//
// The input's first byte chooses what the rest is:
//   K  a public key;
//   A  an authorized_keys file and, behind a NUL, a public key that is added to it.
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/ssh/authorized_keys.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

using namespace shipit;
using namespace shipit::ssh;
using fuzz::require;

namespace {

PublicKey read_key(std::string_view text) {
    const auto key = parse_public_key(text);
    require(is_utf8(key.comment) && key.comment.find_first_of("\n\r\x1b") == std::string::npos,
            "a comment is no line of text");
    require(is_key_name(name_of(key)), "a key's name is none");
    const auto again = parse_public_key(key.type + " " + key.base64 + " " + key.comment);
    require(again.fingerprint == key.fingerprint && again.comment == key.comment,
            "a key is read as another one");
    return key;
}

// Without the lines themselves, all others are as they were.
void take_lines_away(std::string_view text) {
    for (const DeployKey& key : deploy_keys(text)) {
        const auto lines = split(text, '\n');
        require(key.line >= 1 && key.line <= lines.size(), "a line is beyond the end");
        require(AppName::is_valid(key.app), "an app's name is none");
        const auto left = without_line(text, key.line);
        require(left.size() ==
                    text.size() - lines[key.line - 1].size() - (key.line < lines.size() ? 1 : 0),
                "more than a line is gone");
    }
}

void add(std::string_view text, std::string_view pasted) {
    take_lines_away(text);
    const auto key = read_key(pasted);
    const auto app = AppName::parse("blog");
    const std::string command = "'/opt/my \"apps/shipit' receive blog --key=" + name_of(key);
    const auto result = with_key(text, key, app, command);
    if (!result)
        return;
    require(result->starts_with(text), "other lines were changed");
    const auto keys = deploy_keys(*result);
    require(!keys.empty() && keys.back().fingerprint == key.fingerprint &&
                keys.back().app == "blog" && keys.back().name == name_of(key),
            "what was added is not found");
    require(keys.size() == deploy_keys(text).size() + 1, "more than one key was added");
    require(!with_key(*result, key, app, command), "the same key is added twice");
    const auto taken = without_line(*result, keys.back().line);
    require(taken == text || taken == std::string(text) + "\n", "what was added does not go");
}

} // namespace

void fuzz::run(char kind, std::string_view rest) {
    const auto end = std::min(rest.find('\0'), rest.size());
    if (kind == 'K')
        (void)read_key(rest);
    else if (kind == 'A')
        add(rest.substr(0, end), rest.substr(std::min(end + 1, rest.size())));
}
