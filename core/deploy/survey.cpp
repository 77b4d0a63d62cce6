#include "core/deploy/survey.hpp"

#include "core/base/text.hpp"
#include "core/config/procfile.hpp"
#include "core/deploy/survey_kinds.hpp"
#include "core/slug/ignore.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

bool is_word_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

bool has_word(std::string_view line, std::string_view word) {
    for (std::size_t at = line.find(word); at != line.npos; at = line.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        const bool begins = at == 0 || !is_word_character(line[at - 1]);
        if (begins && (end == line.size() || !is_word_character(line[end])))
            return true;
    }
    return false;
}

void look_at_procfile(Surveyor& at) {
    const auto text = at.tree.text("Procfile");
    // One that is passed over is not displaced: a [processes] of ours would be read in its place.
    at.survey.has_processes = at.tree.has("Procfile");
    if (!text)
        return;
    std::vector<std::string> names;
    at.procfile = config::parse_procfile(*text, "Procfile");
    for (const auto& entry : at.procfile) {
        at.survey.has_release_command |= entry.name == "release";
        names.push_back(entry.name);
    }
    at.found("Procfile",
             names.empty() ? "no process type" : "process types " + joined(names, ", "));
}

// Files that a web server serves; only where nothing else says what runs.
void look_at_static_site(Surveyor& at) {
    if (at.survey.has_processes || !at.survey.found.empty())
        return;
    for (const char* folder : {"", "public/", "dist/", "build/", "_site/", "out/"}) {
        const std::string index = std::string(folder) + "index.html";
        if (!at.tree.has_file(index))
            continue;
        at.found(index, "a site of files, with nothing to run");
        at.survey.is_files_only = true;
        if (*folder != '\0')
            at.note(fmt::format("the site is in {}: web servers find it in current/{}", folder,
                                folder));
        return;
    }
    at.note("what runs is for you to say, in [processes]; without it, the app is files only");
}

// What people upload is no part of a build.
void look_at_uploads(Surveyor& at) {
    for (const char* folder : {"media", "uploads", "public/uploads"})
        if (at.tree.has_folder(folder)) {
            at.survey.shared.emplace_back(folder);
            at.found(std::string(folder) + "/", "shared by all releases, and not deployed");
        }
}

bool is_database(std::string_view name) {
    return name.ends_with(".sqlite") || name.ends_with(".sqlite3") || name.ends_with(".db");
}

// In the tree and the folders at its top that are neither left out nor shared.
std::vector<std::string> databases(Surveyor& at, const slug::IgnoreRules& rules) {
    const auto& shared = at.survey.shared;
    std::vector<std::string> found;
    const auto look = [&](const std::string& path) {
        if (is_database(path) && at.tree.has_file(path) && !rules.leaves_out(path, false))
            found.push_back(path);
    };
    for (const std::string& name : at.tree.names("")) {
        look(name);
        if (name.front() != '.' && at.tree.has_folder(name) && !rules.leaves_out(name, true) &&
            std::find(shared.begin(), shared.end(), name) == shared.end())
            for (const std::string& inside : at.tree.names(name))
                look(name + "/" + inside);
    }
    return found;
}

// What the app writes into one is gone with the next build.
void look_at_databases(Surveyor& at, const slug::IgnoreRules& rules) {
    if (at.has_told_of_database)
        return;
    if (const auto found = databases(at, rules); !found.empty())
        at.note(fmt::format("each release would have a database of its own, as it is in the build "
                            "({}): put it into a folder that is named in app.shared",
                            joined_briefly(found, ", ")));
}

// What stands in a working folder and has no business in a slug.
void look_at_what_is_not_for_slugs(Surveyor& at) {
    slug::IgnoreRules rules;
    if (const auto text = at.tree.text(".slugignore"))
        rules.add(*text);
    look_at_databases(at, rules);
    if (at.tree.has_file(".env") && !rules.leaves_out(".env", false))
        at.note(".env would be packed with what is secret in it: name it in .slugignore, and take "
                "it up by 'shipit config import .env'");
    for (const char* folder : {"venv", "env"})
        if (at.tree.has(std::string(folder) + "/pyvenv.cfg") && !rules.leaves_out(folder, true))
            at.note(fmt::format("{}/ is packed too, unless .slugignore names it", folder));
    if (at.tree.has_folder("node_modules") && rules.leaves_out("node_modules", true))
        at.note("node_modules/ is left out by .slugignore: the app will not find it");
}

} // namespace

void Surveyor::found(std::string file, std::string what) {
    survey.found.push_back({std::move(file), std::move(what)});
}

void Surveyor::note(std::string text) {
    survey.notes.push_back(std::move(text));
}

void Surveyor::serve(std::string command, std::string why) {
    if (!survey.has_processes)
        propose("processes.web.command", std::move(command), std::move(why));
    survey.has_processes = true;
}

void Surveyor::release(std::string command, std::string why) {
    if (!survey.has_release_command)
        propose("release.command", std::move(command), std::move(why));
    survey.has_release_command = true;
}

void Surveyor::propose(std::string key, std::string value, std::string why, bool counts) {
    survey.proposals.push_back({std::move(key), std::move(value), std::move(why), counts});
}

bool mentions(std::string_view text, std::string_view name) {
    for (const std::string_view line : split(text, '\n'))
        if (const auto content = trimmed(line);
            !content.starts_with('#') && has_word(content, name))
            return true;
    return false;
}

bool is_harmless(std::string_view text, std::string_view others) {
    return !text.empty() && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return is_word_character(c) || c == '.' || others.find(c) != others.npos;
           });
}

const Proposal* Survey::proposal(std::string_view key) const {
    const auto is_it = [key](const Proposal& each) { return each.key == key; };
    const auto it = std::find_if(proposals.begin(), proposals.end(), is_it);
    return it != proposals.end() ? &*it : nullptr;
}

Survey survey(SourceTree& tree) {
    Surveyor at{tree, {}};
    look_at_procfile(at);
    look_at_django(at);
    look_at_ruby(at);
    look_at_php(at);
    look_at_go(at);
    look_at_node(at);
    look_at_static_site(at);
    look_at_uploads(at);
    look_at_what_is_not_for_slugs(at);
    for (const std::string& file : tree.passed_over())
        at.note("passed over " + file);
    return std::move(at.survey);
}

} // namespace shipit::deploy
