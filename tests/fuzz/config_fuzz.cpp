// Any bytes as config vars: `.env` files, config.toml, words of `config set`.
//
// The input's first byte chooses what the rest is:
//   E  a `.env` file; what it says is read back from what we write, also as a shell reads it;
//   T  a config.toml;
//   A  words of `config set`, with NULs between them.
// Wherever an input says SECRET, no error may.
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/config/dotenv.hpp"
#include "tests/fuzz/folder.hpp"
#include "tests/fuzz/target.hpp"

#include <wordexp.h>

using namespace shipit;
using namespace shipit::config;
using fuzz::require;

namespace {

// As a shell has it, without any to run.
bool is_one_word_to_a_shell(const std::string& quoted, const std::string& value) {
    wordexp_t words{};
    if (::wordexp(quoted.c_str(), &words, WRDE_NOCMD | WRDE_UNDEF) != 0)
        return false;
    const bool is =
        value.empty() ? words.we_wordc <= 1 : words.we_wordc == 1 && value == words.we_wordv[0];
    ::wordfree(&words);
    return is;
}

void read_dotenv(std::string_view text) {
    ConfigVars vars;
    try {
        vars = parse_dotenv(text, ".env").vars;
    } catch (const Error& error) {
        require((error.why() + error.next()).find("SECRET") == std::string::npos,
                "an error tells what the file says");
        throw;
    }
    check_vars(vars);
    std::string again;
    for (const auto& [name, value] : vars) {
        const auto line = dotenv_line(name, value);
        require(line.starts_with(name + "=") && line.ends_with('\n'), "a line is none");
        const auto quoted = line.substr(name.size() + 1, line.size() - name.size() - 2);
        require(is_one_word_to_a_shell(quoted, value), "a shell reads another value");
        again += line;
    }
    require(parse_dotenv(again, ".env").vars == vars, "what is written is read as something else");
}

void read_config(std::string_view text) {
    const auto file = fuzz::folder() / "config.toml";
    sys::replace(file, text, 0600);
    ConfigVars vars;
    try {
        vars = load_config(file);
        check_vars(vars);
    } catch (const Error& error) {
        // The name of a variable may be told, so SECRET counts only where a value would be.
        require(error.why().find("=SECRET") == std::string::npos, "an error tells a value");
        throw;
    }
    save_config(file, vars);
    require(load_config(file) == vars, "what is written is read as something else");
}

void read_words(std::string_view rest) {
    const auto pieces = split(rest, '\0');
    for (const Assignment& each : parse_assignments({pieces.begin(), pieces.end()}))
        check_name(each.name);
}

} // namespace

void fuzz::run(char kind, std::string_view rest) {
    if (kind == 'E')
        read_dotenv(rest);
    else if (kind == 'T')
        read_config(rest);
    else if (kind == 'A')
        read_words(rest);
}
