#include "core/config/dotenv.hpp"

#include "core/base/error.hpp"
#include "core/base/rules.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"

#include <algorithm>
#include <cstdint>
#include <map>

#include <fmt/core.h>

namespace shipit::config {

namespace {

constexpr std::string_view blanks = " \t\r"; // \r: before a newline, or refused by what follows
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// A file that was written on Windows: every line of it ends in \r\n, those within quotes, too.
std::string with_plain_newlines(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            return std::string(text); // a single plain one: then \r is somebody's intention
        if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n')
            result += text[i];
    }
    return result;
}

bool is_control(char c) {
    constexpr unsigned char first_printable = 0x20;
    constexpr unsigned char del = 0x7f;
    const auto byte = static_cast<unsigned char>(c);
    return (byte < first_printable && c != '\t') || byte == del;
}

class Reader {
  public:
    Reader(std::string_view text, const std::string& file)
        : m_file(file), m_text(with_plain_newlines(text)), m_rest(m_text) {}

    Dotenv read() {
        check_bytes();
        if (m_rest.substr(0, byte_order_mark.size()) == byte_order_mark)
            m_rest.remove_prefix(byte_order_mark.size());
        while (!m_rest.empty()) {
            skip_blanks();
            if (!is_at('#') && !is_at('\n') && !m_rest.empty())
                read_assignment();
            end_line();
        }
        return std::move(m_result);
    }

  private:
    [[noreturn]] void refuse(std::size_t line, const std::string& why, const std::string& next) {
        throw Error(fmt::format("{}:{}: {}", printable(m_file), line, why), Outcome::usage)
            .advise(next);
    }

    // Of the whole text first, so that nothing below has to care.
    void check_bytes() {
        std::size_t number = 0;
        for (const std::string_view line : split(m_text, '\n')) {
            ++number;
            if (line.find('\0') != std::string_view::npos)
                refuse(number, "there is a NUL character", "no environment can hold one");
            if (!is_utf8(line))
                refuse(number, "this is not UTF-8", "save the file as UTF-8");
        }
    }

    [[nodiscard]] bool is_at(char c) const { return !m_rest.empty() && m_rest.front() == c; }

    char take() {
        const char c = m_rest.front();
        m_rest.remove_prefix(1);
        if (c == '\n')
            ++m_line;
        return c;
    }

    bool skip_blanks() {
        const auto end = std::min(m_rest.find_first_not_of(blanks), m_rest.size());
        m_rest.remove_prefix(end);
        return end > 0;
    }

    std::string_view take_until(std::size_t end) {
        const auto taken = m_rest.substr(0, end);
        m_rest.remove_prefix(taken.size());
        return taken;
    }

    // What is left of the line: nothing, or a comment.
    void end_line() {
        if (is_at('#'))
            (void)take_until(m_rest.find('\n'));
        if (!m_rest.empty())
            (void)take();
    }

    void read_assignment() {
        const std::size_t line = m_line;
        const std::string name = read_name();
        try {
            check_name(name);
        } catch (const Error& error) { // of a name that could be one, but is not the user's
            refuse(line, error.why(),
                   error.next().empty() ? "leave it out" : "leave it out: " + error.next());
        }
        const bool is_apart = skip_blanks();
        const std::string value = is_at('\'') || is_at('"') ? read_quoted() : read_plain(is_apart);
        try {
            check_value(name, value);
        } catch (const Error& error) {
            refuse(line, error.why(), error.next());
        }
        if (const auto [before, is_new] = m_lines.emplace(name, line); !is_new)
            refuse(line, fmt::format("the name of line {} again", before->second),
                   "leave one of them out");
        m_result.vars.emplace(name, value);
        if (m_is_odd)
            m_result.uninterpolated_lines.push_back(line);
        m_is_odd = false;
    }

    std::string read_name() {
        auto name = take_name();
        if (name == "export" && skip_blanks() && !is_at('='))
            name = take_name();
        skip_blanks();
        if (!is_variable_name(name) || !is_at('='))
            refuse(m_line, "this is not NAME=VALUE",
                   "names are of letters, digits and '_', and do not begin with a digit; values of "
                   "several lines stand in quotes");
        (void)take();
        return std::string(name);
    }

    std::string_view take_name() {
        constexpr std::string_view in_names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                              "0123456789_";
        return take_until(m_rest.find_first_not_of(in_names));
    }

    // To the end of the line, or a comment. What shells or other readers of such files would take
    // for something else has to stand in quotes.
    std::string read_plain(bool is_apart) {
        if (is_at('#') && !is_apart)
            refuse(m_line, "the value begins with '#'", "put it in quotes");
        const auto value = trimmed(take_until(end_of_plain()));
        if (value.find_first_of("'\"") != std::string_view::npos)
            refuse(m_line, "there is a quote within a value that is not in quotes",
                   "put all of the value in quotes of the other kind");
        if (std::any_of(value.begin(), value.end(), is_control))
            refuse(m_line, "there is a control character in a value that is not in quotes",
                   "put the value in quotes");
        if (!value.empty() && value.back() == '\\')
            refuse(m_line, "the value ends with a backslash",
                   "put the value in quotes; in quotes it may have several lines");
        m_is_odd = value.find_first_of("$`") != std::string_view::npos;
        return std::string(value);
    }

    [[nodiscard]] std::size_t end_of_plain() const {
        const std::size_t end = std::min(m_rest.find('\n'), m_rest.size());
        for (std::size_t i = 0; i < end; ++i)
            if (m_rest[i] == '#' && (i == 0 || blanks.find(m_rest[i - 1]) != blanks.npos))
                return i;
        return end;
    }

    std::string read_quoted() {
        const std::size_t line = m_line;
        const char quote = take();
        std::string value;
        while (!is_at(quote)) {
            if (m_rest.empty())
                refuse(line, "the quote that begins here is not closed",
                       "within single quotes nothing is special, within double quotes \\\" is a "
                       "quote");
            const char c = take();
            const bool is_special = quote == '"';
            value += is_special && c == '\\' ? read_escape() : c;
            m_is_odd = m_is_odd || (is_special && (c == '$' || c == '`'));
        }
        (void)take();
        const bool is_apart = skip_blanks();
        if (!m_rest.empty() && !is_at('\n') && !(is_apart && is_at('#')))
            refuse(m_line, "something stands behind the closing quote",
                   "put all of the value in one pair of quotes");
        return value;
    }

    char read_escape() {
        constexpr std::string_view written = "nrt\\\"$`";
        constexpr std::string_view meant = "\n\r\t\\\"$`";
        const auto which = m_rest.empty() ? written.npos : written.find(m_rest.front());
        if (which == written.npos)
            refuse(m_line, "a backslash in double quotes before something that it does not change",
                   "write \\\\ for a backslash, or put the value in single quotes");
        (void)take();
        return meant[which];
    }

    const std::string& m_file;
    std::string m_text;
    std::string_view m_rest;
    std::size_t m_line = 1;
    bool m_is_odd = false; // the value at hand has a `$` that elsewhere would be replaced
    Dotenv m_result;
    std::map<std::string, std::size_t> m_lines; // of names
};

} // namespace

Dotenv parse_dotenv(std::string_view text, const std::string& file) {
    return Reader(text, file).read();
}

std::string dotenv_line(const std::string& name, const std::string& value) {
    if (shell_quoted(value) == value)
        return name + "=" + value + "\n";
    if (value.find('\'') == std::string::npos)
        return name + "='" + value + "'\n";
    std::string quoted;
    for (const char c : value) {
        if (std::string_view("\\\"$`").find(c) != std::string_view::npos)
            quoted += '\\';
        quoted += c;
    }
    return name + "=\"" + quoted + "\"\n";
}

} // namespace shipit::config
