#include "core/supervise/words.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

#include <unistd.h>

namespace shipit::supervise {

namespace {

constexpr std::string_view blanks = " \t";
constexpr std::string_view needs_shell = "|&;<>()$`*?[]{}!\n\r";
constexpr std::string_view needs_shell_quoted = "$`";

// Words that are no programs, or that mean something else to a shell than the program of that name.
constexpr std::array shell_words = {
    ".",     "source",  "exec",  "eval", "cd",    "export", "unset", "set",      "ulimit", "umask",
    "trap",  "wait",    "exit",  "if",   "while", "until",  "for",   "case",     "select", "time",
    "shift", "command", "alias", "read", "local", "return", "type",  "function",
};

bool is_in(std::string_view set, char c) {
    return set.find(c) != std::string_view::npos;
}

class Splitter {
  public:
    explicit Splitter(std::string_view command) : m_rest(command) {}

    std::optional<std::vector<std::string>> words() {
        while (!m_rest.empty() && m_plain) {
            const char c = m_rest.front();
            m_rest.remove_prefix(1);
            if (is_in(blanks, c))
                end_word();
            else if (c == '\'')
                single_quoted();
            else if (c == '"')
                double_quoted();
            else if (c == '\\')
                escaped();
            else
                unquoted(c);
        }
        end_word();
        if (!m_plain || m_words.empty() || is_shell_word(m_words.front()))
            return std::nullopt;
        return std::move(m_words);
    }

  private:
    static bool is_shell_word(const std::string& word) {
        return std::find(shell_words.begin(), shell_words.end(), word) != shell_words.end();
    }

    void add(char c) {
        m_in_word = true;
        m_word += c;
    }

    void end_word() {
        if (m_in_word)
            m_words.push_back(std::move(m_word));
        m_word.clear();
        m_in_word = false;
    }

    void unquoted(char c) {
        const bool starts = !m_in_word;
        const bool assigns = c == '=' && m_words.empty();
        if (is_in(needs_shell, c) || assigns || (starts && (c == '#' || c == '~')))
            m_plain = false;
        add(c);
    }

    void single_quoted() {
        m_in_word = true;
        const auto end = m_rest.find('\'');
        if (end == std::string_view::npos) {
            m_plain = false;
            return;
        }
        m_word += m_rest.substr(0, end);
        m_rest.remove_prefix(end + 1);
    }

    void double_quoted() {
        m_in_word = true;
        while (!m_rest.empty()) {
            char c = m_rest.front();
            m_rest.remove_prefix(1);
            if (c == '"')
                return;
            if (is_in(needs_shell_quoted, c))
                m_plain = false;
            if (c == '\\' && !m_rest.empty() && is_in("$`\"\\", m_rest.front())) {
                c = m_rest.front();
                m_rest.remove_prefix(1);
            } else if (c == '\\' && !m_rest.empty() && m_rest.front() == '\n') {
                m_rest.remove_prefix(1);
                continue;
            }
            add(c);
        }
        m_plain = false; // no closing quote
    }

    void escaped() {
        if (m_rest.empty() || m_rest.front() == '\n') {
            m_plain = false;
            return;
        }
        add(m_rest.front());
        m_rest.remove_prefix(1);
    }

    std::string_view m_rest;
    std::vector<std::string> m_words;
    std::string m_word;
    bool m_in_word = false;
    bool m_plain = true;
};

// One simple command, so that "exec" can be put before it.
bool is_simple(std::string_view command) {
    const std::string_view first = command.substr(0, command.find_first_of(blanks));
    const bool is_word =
        std::find(shell_words.begin(), shell_words.end(), first) == shell_words.end();
    return is_word && command.find_first_of(";&|(){}`!\n\r#") == std::string_view::npos &&
           first.find_first_of("='\"\\") == std::string_view::npos;
}

} // namespace

std::optional<std::vector<std::string>> plain_words(std::string_view command) {
    return Splitter(command).words();
}

std::vector<std::string> argv_of(const std::string& command) {
    const std::string_view text = trimmed(command);
    if (text.empty())
        throw Error("the command is empty", Outcome::usage);
    if (auto words = plain_words(text))
        return std::move(*words);
    // bash replaces itself by the last command of -c; Debian's dash, as /bin/sh, never does.
    if (::access("/bin/bash", X_OK) == 0)
        return {"/bin/bash", "-c", std::string(text)};
    return {"/bin/sh", "-c", (is_simple(text) ? "exec " : "") + std::string(text)};
}

} // namespace shipit::supervise
