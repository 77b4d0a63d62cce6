#include "core/config/dotenv.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::config;

namespace {

ConfigVars vars_of(std::string_view text) {
    return parse_dotenv(text, ".env").vars;
}

// "3: why", what is thrown for `text`; it holds nothing of what is called SECRET there.
std::string dotenv_complaint(std::string_view text) {
    try {
        (void)parse_dotenv(text, ".env");
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::usage);
        CHECK((error.why() + error.next()).find("SECRET") == std::string::npos);
        REQUIRE(error.why().rfind(".env:", 0) == 0);
        return error.why().substr(5);
    }
    return "none";
}

} // namespace

TEST_SUITE_BEGIN("config: dotenv");

TEST_CASE("values in single quotes, in double quotes and in none are read as a shell reads them") {
    const std::vector<std::pair<std::string, ConfigVars>> table = {
        {"", {}},
        {"\n\n  # only = a comment 'with quotes\n", {}},
        {"A=1", {{"A", "1"}}},
        {"A=1\n", {{"A", "1"}}},
        {"A=\nB=''\nC=\"\"\n", {{"A", ""}, {"B", ""}, {"C", ""}}},
        {"export A=1\n\texport\tB=2\n", {{"A", "1"}, {"B", "2"}}},
        {"export=1\n", {{"export", "1"}}},
        {"export = 1\n", {{"export", "1"}}},
        {"  A = 1  \n", {{"A", "1"}}},
        {"A=two words  # and more\n", {{"A", "two words"}}},
        {"A=a#b\nB= # nothing\n", {{"A", "a#b"}, {"B", ""}}},
        {"A=postgres://u:p@h/d?x=1&y=2\n", {{"A", "postgres://u:p@h/d?x=1&y=2"}}},
        {"A=C:\\dir\n", {{"A", "C:\\dir"}}},
        {"A='$HOME \\n \"x\" #'  # comment\n", {{"A", "$HOME \\n \"x\" #"}}},
        {"A=\"\\n\\r\\t\\\\\\\"\\$\\` it's\"\n", {{"A", "\n\r\t\\\"$` it's"}}},
        {"A=\"one\n# two\nB=3\n\"\nC='x\ny'\n", {{"A", "one\n# two\nB=3\n"}, {"C", "x\ny"}}},
        {"\xef\xbb\xbf"
         "A=1\n",
         {{"A", "1"}}},
        {"A=é😀\n", {{"A", "é😀"}}},
    };
    for (const auto& [text, expected] : table) {
        const std::string shown = text;
        CHECK_MESSAGE(vars_of(text) == expected, shown);
    }
}

TEST_CASE("a file written on Windows has plain newlines, within quotes too") {
    CHECK(vars_of("A=1\r\n\r\nB='x\r\ny'\r\nC=\"z\"\r\n") ==
          ConfigVars{{"A", "1"}, {"B", "x\ny"}, {"C", "z"}});
    // A single plain newline tells that the others are meant.
    CHECK(vars_of("A=1\r\nB='x\r\ny'\nC=2\r\n") ==
          ConfigVars{{"A", "1"}, {"B", "x\r\ny"}, {"C", "2"}});
}

TEST_CASE("what could be meant otherwise is refused with its line, and nothing of it is told") {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"A=1\nSECRET\n", "2: this is not NAME=VALUE"},
        {"A=1\n\n1SECRET=2\n", "3: this is not NAME=VALUE"},
        {"=SECRET\n", "1: this is not NAME=VALUE"},
        {"SEC-RET=SECRET\n", "1: this is not NAME=VALUE"},
        {"export SECRET\n", "1: this is not NAME=VALUE"},
        {"SECRET: 1\n", "1: this is not NAME=VALUE"},
        {"{\"A\": \"SECRET\"}\n", "1: this is not NAME=VALUE"},
        {"KEY=-----BEGIN\nSECRET+/=\n-----END\n", "2: this is not NAME=VALUE"},
        {"ÄSECRET=1\n", "1: this is not NAME=VALUE"},
        {"A='x\ny'\nPORT=SECRET\n", "3: 'PORT' is set by shipit"},
        {"SHIPIT_APP=SECRET\n", "1: 'SHIPIT_APP' is not yours to set"},
        {"A=1\nB='x\ny'\nA=SECRET\n", "4: the name of line 1 again"},
        {"A='SECRET\nB=1\n", "1: the quote that begins here is not closed"},
        {"A=\"SECRET\\\"\n", "1: the quote that begins here is not closed"},
        {"A=\"SECRET\\", "1: a backslash in double quotes"},
        {"A=\"x\nSECRET\\x\"\n", "2: a backslash in double quotes"},
        {"A=\"SECRET\\\nx\"\n", "1: a backslash in double quotes"},
        {"A='SECRET'x\n", "1: something stands behind the closing quote"},
        {"A='x\n'\\''SECRET'\n", "2: something stands behind the closing quote"},
        {"A='SECRET'#x\n", "1: something stands behind the closing quote"},
        {"A=it's SECRET\n", "1: there is a quote within a value"},
        {"A={\"SECRET\":1}\n", "1: there is a quote within a value"},
        {"A=#SECRET\n", "1: the value begins with '#'"},
        {"A=SECRET\\\nB=1\n", "1: the value ends with a backslash"},
        {"A=SECRET\rB=1\n", "1: there is a control character"},
        {"A=SECRET\x1b[2J\n", "1: there is a control character"},
        {std::string("A=1\nB='SECRET\0'\n", 16), "2: there is a NUL character"},
        {std::string("# \0\n", 4), "1: there is a NUL character"},
        {"A=1\n# SECRET \xff\n", "2: this is not UTF-8"},
        {"\xff\xfe"
         "A",
         "1: this is not UTF-8"}, // UTF-16, as PowerShell writes it
        {"A=" + std::string(128 << 10, 'x') + "\n", "1: the value of 'A' is 128 KB long"},
    };
    for (const auto& [text, expected] : table) {
        const auto told = dotenv_complaint(text);
        const auto shown = shortened(text, 80);
        CHECK_MESSAGE(told.rfind(expected, 0) == 0, shown << " -> " << told);
    }
}

TEST_CASE("values in which another reader would put something are told by their lines") {
    const auto read =
        parse_dotenv("A=$HOME\nB='$HOME'\nC=\"x\n`id`\"\nD=\"\\$HOME\"\nE=\"$\"\n", "x");
    CHECK(read.uninterpolated_lines == std::vector<std::size_t>{1, 3, 6});
}

TEST_CASE("what is written is read back byte for byte") {
    std::string every_byte;
    for (char c = 1; c != 127; ++c)
        every_byte += c;
    const std::vector<std::string> values = {
        "",          "plain", "two words",  "it's", "'",        "\"",       "\\",
        "\\n",       "a\nb",  "a\r\nb\r\n", "\r",   "#x",       " # x",     " x ",
        "$HOME `x`", "'$`\\", "~user",      "é😀",   every_byte, "x\\",      "'\r\n",
        "\n\n",      "a=b",   "\t",         "'\n'", "\\'",      "\\\\\"$'", "!x'!"};
    std::string all;
    ConfigVars vars;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string name = "A" + std::to_string(i);
        const ConfigVars one = {{name, values[i]}};
        CHECK_MESSAGE(vars_of(dotenv_line(name, values[i])) == one, printable(values[i]));
        all += dotenv_line(name, values[i]);
        vars.emplace(name, values[i]);
    }
    const auto read = parse_dotenv(all, "all");
    CHECK(read.vars == vars);
    CHECK(read.uninterpolated_lines.empty());
    CHECK(dotenv_line("A", "x-1/2") == "A=x-1/2\n");
    CHECK(dotenv_line("A", "x y") == "A='x y'\n");
    CHECK(dotenv_line("A", "it's $5") == "A=\"it's \\$5\"\n");
}
