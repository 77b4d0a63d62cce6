#include "core/slug/ignore.hpp"
#include "core/slug/walk.hpp"
#include "tests/unit/slug_support.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include <fcntl.h>

using namespace shipit;
using namespace shipit::tests;

namespace {

// A folder of files and folders, as both see it.
class TreeForBoth {
  public:
    explicit TreeForBoth(const std::vector<std::string>& files) {
        run(m_folder.path(), "mkdir tree && git init -q tree");
        for (const auto& file : files) {
            std::error_code taken; // a file may be in a file's place: then it is not there
            std::filesystem::create_directories((tree() / file).parent_path(), taken);
            if (!taken)
                std::ofstream(tree() / file, std::ios::app).put('x');
        }
        m_fd = sys::open_file(tree(), O_RDONLY | O_DIRECTORY);
    }

    void compare(const std::string& rules) const {
        std::ofstream(m_folder / "rules", std::ios::binary) << rules;
        CAPTURE(rules);
        CHECK(left_by_us(rules) == left_by_git());
    }

  private:
    [[nodiscard]] Path tree() const { return m_folder / "tree"; }

    [[nodiscard]] std::string left_by_us(const std::string& rules) const {
        slug::WalkOptions options;
        options.rules.add(".git");
        options.rules.add(rules);
        std::set<std::string> paths;
        for (const auto& entry : slug::walk(m_fd.get(), tree(), options).list.entries)
            if (entry.type == slug::Type::file && !entry.path.starts_with(".git/"))
                paths.insert(entry.path);
        return lines_of(paths);
    }

    [[nodiscard]] std::string left_by_git() const {
        std::set<std::string> paths;
        std::istringstream output(run(tree(), "git ls-files --others -z --exclude-from=../rules"));
        for (std::string path; std::getline(output, path, '\0');)
            paths.insert(path);
        return lines_of(paths);
    }

    static std::string lines_of(const std::set<std::string>& paths) {
        std::string lines;
        for (const auto& path : paths)
            lines += path + '\n';
        return lines;
    }

    TestFolder m_folder;
    sys::Fd m_fd;
};

bool has_git() {
    return shell("/", "git --version").status == 0;
}

std::string any_of(std::mt19937& random, const std::vector<std::string>& pieces, std::size_t most) {
    std::string text;
    for (auto n = random() % most + 1; n > 0; n--)
        text += pieces[random() % pieces.size()];
    return text;
}

} // namespace

TEST_SUITE_BEGIN("slug::IgnoreRules");

TEST_CASE("rules mean what they mean to git") {
    if (!has_git())
        return;
    const TreeForBoth tree({"a.pyc",
                            "b",
                            "d/a.pyc",
                            "d/e/a.pyc",
                            "d/e/f",
                            "x/d/e/f",
                            "node_modules/y",
                            "x/node_modules/z",
                            "foo bar",
                            "foo ",
                            "#a",
                            "!a",
                            "a\\b",
                            "[a]",
                            "a-b",
                            "a]b",
                            "log/x.log",
                            "log/keep.log",
                            "abc/def/ghi",
                            "abc/ghi",
                            "abc/x/y/ghi",
                            "aXb",
                            "a/b",
                            "a/x/b",
                            "a/x/y/a",
                            "deep/a/b/c/f",
                            "deep/a",
                            "\xc3\xa9",
                            "UPPER",
                            "a1",
                            "a9",
                            "a\r",
                            "c",
                            "e/b"});
    for (const char* rules : {"a",
                              "/a",
                              "a/",
                              "*.pyc",
                              "d/*.pyc",
                              "d/**",
                              "**/e",
                              "**/e/",
                              "d/**/f",
                              "node_modules/",
                              "/node_modules",
                              "foo bar",
                              "foo\\ ",
                              "foo ",
                              "\\#a",
                              "\\!a",
                              "a\\\\b",
                              "[[]a]",
                              "a[]-]b",
                              "a[!x]b",
                              "a[^a-z]b",
                              "*.log\n!keep.log",
                              "log/\n!log/keep.log",
                              "log/*\n!log/keep.log",
                              "abc/**/ghi",
                              "abc/*/ghi",
                              "a?b",
                              "**",
                              "*",
                              "/*",
                              "/**/b",
                              "**/a/**",
                              "a**b",
                              "a/**b",
                              "*/b",
                              "/*/b",
                              "\xef\xbb\xbf\x61", // a byte order mark before "a"
                              "a\r\nb\r\n",
                              "a\r",
                              "#a",
                              "",
                              "!",
                              "/",
                              "//",
                              "a//b",
                              "[a",
                              "a[",
                              "[[:upper:]]*",
                              "a[[:digit:]]",
                              "a[[:digit:]",
                              "[[:nonsense:]]",
                              "a\\",
                              "\\a",
                              "*\n!a",
                              "*\n!*/\n!*.pyc",
                              "d/e/",
                              "e/f",
                              "**/e/f",
                              "a[0-9]",
                              "a[9-0]",
                              "[]a]",
                              "[!]a]",
                              "a/*",
                              "a/b/**",
                              "***",
                              "**/**",
                              "a/**/",
                              "deep/**/c",
                              "deep/**/c/",
                              "?",
                              "[a-]",
                              "[-a]",
                              "  a",
                              "a  \nb  ",
                              "*\\",
                              "[\\a]",
                              "[\\]]a",
                              "a[b-\\]]b",
                              "b \\ ",
                              "!.git",
                              "a/x\n!a/x/b",
                              "/d/\n!/d/e/",
                              "d/*\n!d/e",
                              "*a*",
                              "a*/b",
                              "\\*",
                              "a/\\*"})
        tree.compare(rules);
}

TEST_CASE("random rules mean what they mean to git") {
    if (!has_git())
        return;
    std::mt19937 random(20261122);
    const std::vector<std::string> names = {"a",   "b",   "c",  "ab", "ba", "abc",
                                            "a b", "[a]", "a*", "!a", " "};
    std::vector<std::string> files;
    for (int i = 0; i < 150; i++) {
        std::string path;
        for (auto depth = random() % 4; depth > 0; depth--)
            path += names[random() % names.size()] + '/';
        files.push_back(path + names[random() % names.size()]);
    }
    const TreeForBoth tree(files);
    const std::vector<std::string> pieces = {"a",    "b",   "c",    "*",    "**",  "?", "/",
                                             "/**/", "**/", "[ab]", "[!a]", "\\a", "!", "ab",
                                             " ",    "\\ ", "[",    "]",    "/**"};
    for (int round = 0; round < 300; round++) {
        std::string rules;
        for (int i = 0; i < 3; i++)
            rules += any_of(random, pieces, 5) + '\n';
        tree.compare(rules);
    }
}

TEST_CASE("many stars do not take for ever") {
    CHECK_FALSE(slug::wildcards_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b/**/**/**/**/x",
                                      std::string(4000, 'a')));
}

TEST_CASE("many stars between slashes are as one, and take no more stack") {
    std::string pattern;
    for (int i = 0; i < 340'000; i++)
        pattern += i % 2 == 0 ? "**/" : "***/";
    CHECK(slug::wildcards_match(pattern + "x", "a/b/x"));
    CHECK(slug::wildcards_match(pattern + "x", "x"));
    CHECK_FALSE(slug::wildcards_match(pattern + "x", "a/b/y"));
}

TEST_CASE("the deepest pattern that is taken fits on the stack") {
    std::string pattern;
    while (pattern.size() + 2 <= slug::IgnoreRules::longest_line)
        pattern += "*a";
    CHECK(slug::wildcards_match(pattern, std::string(slug::IgnoreRules::longest_line, 'a')));
}

TEST_CASE("a line that is too long is refused by its number") {
    slug::IgnoreRules rules;
    const std::string longest(slug::IgnoreRules::longest_line, 'a');
    rules.add("b\n" + longest + "\n");
    CHECK(rules.leaves_out(longest, false));
    CHECK(why_not([&] { rules.add("b\n\n" + longest + "a\n"); }) ==
          ".slugignore:3: a line of more than 8192 bytes");
}

TEST_SUITE_END();
