// .slugignore: which files of a build stay out of its slug. The language is gitignore(5)'s, to the
// letter; the file stands at the build's root only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::slug {

class IgnoreRules {
  public:
    // No path is so long that it would take a longer line to match it; in bytes.
    static constexpr std::size_t longest_line = 8192;

    // Adds the rules of a .slugignore; later ones win over earlier ones. Throws Error (usage)
    // naming a line that is too long.
    void add(std::string_view text);

    // Whether the last rule that matches `path` (relative, '/' between names) leaves it out. What
    // is inside a folder that is left out is not asked for: it is left out too, as git does it.
    [[nodiscard]] bool leaves_out(std::string_view path, bool is_folder) const;

  private:
    struct Rule {
        std::string pattern;
        bool takes_back = false;   // "!…"
        bool folders_only = false; // "…/"
        bool anywhere = false;     // no slash but at the end: matches names at any depth
    };
    static std::optional<Rule> rule_in(std::string_view line);
    std::vector<Rule> m_rules;
};

// Whether a pattern of gitignore(5) matches the whole of `text`: * and ? do not match '/', "**"
// between slashes matches any folders. Takes time and memory in proportion to both lengths'
// product, and stack in proportion to the text's.
[[nodiscard]] bool wildcards_match(std::string_view pattern, std::string_view text);

} // namespace shipit::slug
