#include "core/slug/ignore.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include <fmt/core.h>

namespace shipit::slug {

namespace {

bool is_in_class(std::string_view name, unsigned char byte) {
    static constexpr std::pair<std::string_view, int (*)(int)> classes[] = {
        {"alnum", [](int c) { return std::isalnum(c); }},
        {"alpha", [](int c) { return std::isalpha(c); }},
        {"blank", [](int c) { return std::isblank(c); }},
        {"cntrl", [](int c) { return std::iscntrl(c); }},
        {"digit", [](int c) { return std::isdigit(c); }},
        {"graph", [](int c) { return std::isgraph(c); }},
        {"lower", [](int c) { return std::islower(c); }},
        {"print", [](int c) { return std::isprint(c); }},
        {"punct", [](int c) { return std::ispunct(c); }},
        {"space", [](int c) { return std::isspace(c); }},
        {"upper", [](int c) { return std::isupper(c); }},
        {"xdigit", [](int c) { return std::isxdigit(c); }}};
    for (const auto& [known, holds] : classes)
        if (name == known)
            return byte < 128 && holds(byte) != 0;
    return false;
}

bool is_class_name(std::string_view name) {
    for (const char* known : {"alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower",
                              "print", "punct", "space", "upper", "xdigit"})
        if (name == known)
            return true;
    return false;
}

// A bracket expression: where it ends, and whether it takes `byte`.
struct Bracket {
    std::size_t after;
    bool takes;
};

// One element after another of what stands between the brackets.
class BracketReader {
  public:
    BracketReader(std::string_view pattern, std::size_t at, char byte)
        : m_pattern(pattern), m_at(at), m_byte(static_cast<unsigned char>(byte)) {}

    // Nothing if the expression does not end: then the whole pattern matches nothing.
    std::optional<Bracket> read() {
        bool negated = false;
        if (m_at < m_pattern.size() && (m_pattern[m_at] == '!' || m_pattern[m_at] == '^')) {
            negated = true;
            m_at++;
        }
        for (bool first = true;; first = false) {
            if (m_at >= m_pattern.size())
                return std::nullopt;
            if (m_pattern[m_at] == ']' && !first)
                break;
            if (!read_element())
                return std::nullopt;
        }
        return Bracket{m_at + 1, m_found != negated};
    }

  private:
    bool read_element() {
        if (m_pattern.substr(m_at).starts_with("[:")) {
            const auto close = m_pattern.find(']', m_at + 2);
            if (close == std::string_view::npos)
                return false;
            if (m_pattern[close - 1] == ':' && close > m_at + 2)
                return read_class(close);
        }
        const auto low = read_byte();
        if (!low)
            return false;
        auto high = low;
        if (m_at + 1 < m_pattern.size() && m_pattern[m_at] == '-' && m_pattern[m_at + 1] != ']') {
            m_at++;
            high = read_byte();
            if (!high)
                return false;
        }
        m_found = m_found || *low == m_byte || (*low <= m_byte && m_byte <= *high);
        return true;
    }

    bool read_class(std::size_t close) {
        const auto name = m_pattern.substr(m_at + 2, close - 1 - (m_at + 2));
        if (!is_class_name(name))
            return false;
        m_found = m_found || is_in_class(name, m_byte);
        m_at = close + 1;
        return true;
    }

    std::optional<unsigned char> read_byte() {
        if (m_pattern[m_at] == '\\')
            m_at++;
        if (m_at >= m_pattern.size())
            return std::nullopt;
        return static_cast<unsigned char>(m_pattern[m_at++]);
    }

    std::string_view m_pattern;
    std::size_t m_at;
    unsigned char m_byte;
    bool m_found = false;
};

// Matches by backtracking, but never tries the same pair of positions twice.
class Matcher {
  public:
    Matcher(std::string_view pattern, std::string_view text)
        : m_pattern(pattern), m_text(text),
          m_failed((pattern.size() + 1) * (text.size() + 1), false) {}

    bool match(std::size_t p, std::size_t t) {
        const auto place = p * (m_text.size() + 1) + t;
        if (m_failed[place])
            return false;
        const bool matched = try_match(p, t);
        m_failed[place] = !matched;
        return matched;
    }

  private:
    bool try_match(std::size_t p, std::size_t t) {
        for (; p < m_pattern.size(); t++) {
            if (m_pattern[p] == '*')
                return match_stars(p, t);
            const auto after = t == m_text.size() ? std::nullopt : after_one(p, m_text[t]);
            if (!after)
                return false;
            p = *after;
        }
        return t == m_text.size();
    }

    // Where the pattern goes on if its next element takes `byte`.
    [[nodiscard]] std::optional<std::size_t> after_one(std::size_t p, char byte) const {
        if (m_pattern[p] == '?')
            return byte != '/' ? std::optional(p + 1) : std::nullopt;
        if (m_pattern[p] == '[') {
            const auto bracket = BracketReader(m_pattern, p + 1, byte).read();
            const bool takes = bracket && bracket->takes && byte != '/';
            return takes ? std::optional(bracket->after) : std::nullopt;
        }
        if (m_pattern[p] == '\\')
            p++;
        const bool takes = p < m_pattern.size() && m_pattern[p] == byte;
        return takes ? std::optional(p + 1) : std::nullopt;
    }

    bool match_stars(std::size_t p, std::size_t t) {
        std::size_t after = p;
        while (after < m_pattern.size() && m_pattern[after] == '*')
            after++;
        const bool begins_name = p == 0 || m_pattern[p - 1] == '/';
        const bool ends_name = after == m_pattern.size() || m_pattern[after] == '/';
        const bool crosses = after - p >= 2 && begins_name && ends_name;
        if (crosses)
            after = behind_the_same(after);
        // "**/" matches no folder at all too.
        if (crosses && after < m_pattern.size() && match(after + 1, t))
            return true;
        for (;; t++) {
            if (match(after, t))
                return true;
            if (t == m_text.size() || (m_text[t] == '/' && !crosses))
                return false;
        }
    }

    // "**/**/" is "**/": matching each by itself would take stack for it, and nothing of the text.
    // From one slash to the last.
    [[nodiscard]] std::size_t behind_the_same(std::size_t slash) const {
        for (;;) {
            const auto stars = m_pattern.substr(std::min(slash + 1, m_pattern.size()));
            const auto count = std::min(stars.find_first_not_of('*'), stars.size());
            if (count < 2 || count == stars.size() || stars[count] != '/')
                return slash;
            slash += 1 + count;
        }
    }

    std::string_view m_pattern;
    std::string_view m_text;
    std::vector<bool> m_failed;
};

bool is_literal(std::string_view pattern) {
    return pattern.find_first_of("*?[\\") == std::string_view::npos;
}

// Without the blanks at its end, unless a backslash protects them.
std::string_view without_trailing_blanks(std::string_view line) {
    std::size_t end = 0;
    for (std::size_t i = 0; i < line.size(); i++) {
        if (line[i] == '\\' && i + 1 < line.size())
            i++;
        else if (line[i] == ' ')
            continue;
        end = i + 1;
    }
    return line.substr(0, end);
}

} // namespace

bool wildcards_match(std::string_view pattern, std::string_view text) {
    if (is_literal(pattern))
        return pattern == text;
    if (pattern[0] == '*' && pattern.size() > 1 && is_literal(pattern.substr(1)) &&
        text.find('/') == std::string_view::npos)
        return text.ends_with(pattern.substr(1)); // "*.pyc", by far the most usual
    // Git compares what comes before the first wildcard by itself, so that for it "**" begins a
    // name in "a**/b" too. Rules have to mean what they mean there.
    const auto literal = pattern.find_first_of("*?[\\");
    if (pattern.substr(0, literal) != text.substr(0, literal))
        return false;
    return Matcher(pattern.substr(literal), text.substr(literal)).match(0, 0);
}

// Nothing for blank lines and comments.
std::optional<IgnoreRules::Rule> IgnoreRules::rule_in(std::string_view line) {
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    if (line.starts_with('#'))
        return std::nullopt;
    line = without_trailing_blanks(line);
    Rule rule;
    if (line.starts_with('!')) {
        rule.takes_back = true;
        line.remove_prefix(1);
    }
    if (line.ends_with('/')) {
        rule.folders_only = true;
        line.remove_suffix(1);
    }
    rule.anywhere = line.find('/') == std::string_view::npos;
    if (line.starts_with('/'))
        line.remove_prefix(1);
    if (line.empty())
        return std::nullopt;
    rule.pattern = line;
    return rule;
}

void IgnoreRules::add(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3);
    std::size_t number = 0;
    for (const auto line : split(text, '\n')) {
        number++;
        if (line.size() > longest_line)
            throw Error(
                fmt::format(".slugignore:{}: a line of more than {} bytes", number, longest_line),
                Outcome::usage);
        if (auto rule = rule_in(line))
            m_rules.push_back(std::move(*rule));
    }
}

bool IgnoreRules::leaves_out(std::string_view path, bool is_folder) const {
    const auto name = path.substr(path.rfind('/') + 1); // npos + 1 is 0
    for (auto rule = m_rules.rbegin(); rule != m_rules.rend(); ++rule) {
        if (rule->folders_only && !is_folder)
            continue;
        if (wildcards_match(rule->pattern, rule->anywhere ? name : path))
            return !rule->takes_back;
    }
    return false;
}

} // namespace shipit::slug
