// Node: what package.json says.
#include "core/deploy/survey_kinds.hpp"

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

constexpr std::size_t readable_width = 60;

std::optional<Json> package_json(Surveyor& at) {
    const auto text = at.tree.text("package.json");
    if (!text)
        return std::nullopt;
    try {
        if (Json json = Json::parse(*text); json.is_object())
            return json;
        at.note("passed over package.json: not an object");
    } catch (const Error& error) {
        at.note("passed over package.json: " + error.why());
    }
    return std::nullopt;
}

// npm stands between the supervisor and the program, and may not pass signals on: what it would run
// is run at once where that is a plain command of node's and has nothing beside it.
void serve_by_node(Surveyor& at, const Json& scripts) {
    const std::string start = scripts["start"].text();
    if (start.empty() && at.tree.has_file("server.js"))
        return at.serve("node server.js", "What 'npm start' would run.");
    if (start.empty()) {
        if (!at.survey.has_processes)
            at.note("package.json has no scripts.start: what runs is for you to say, in "
                    "[processes]");
        return;
    }
    const bool is_alone = scripts["prestart"].is_null() && scripts["poststart"].is_null();
    if (is_alone && start.starts_with("node ") && is_harmless(start, " /=:@,"))
        return at.serve(start, "What 'npm start' would run, without npm in between. The program "
                               "has to listen on the port in PORT.");
    at.serve("npm start", "The program has to listen on the port in PORT.");
}

std::string install_command(Surveyor& at) {
    if (at.tree.has_file("pnpm-lock.yaml"))
        return "pnpm install --frozen-lockfile";
    if (at.tree.has_file("yarn.lock"))
        return "yarn install --frozen-lockfile";
    if (at.tree.has_file("package-lock.json") || at.tree.has_file("npm-shrinkwrap.json"))
        return "npm ci";
    return "npm install";
}

} // namespace

void look_at_node(Surveyor& at) {
    const auto json = package_json(at);
    if (!json)
        return;
    const Json& scripts = (*json)["scripts"];
    const std::string engine = (*json)["engines"]["node"].text();
    const std::string start = scripts["start"].text();
    at.found("package.json",
             start.empty() ? "a Node package"
                           : "a Node package, scripts.start: " + shortened(start, readable_width));
    if (!engine.empty())
        at.note(fmt::format("package.json wants Node {}; shipit runs the one that is on the host",
                            shortened(engine, readable_width)));
    if (at.survey.name.empty())
        at.survey.name = (*json)["name"].text();
    serve_by_node(at, scripts);
    const bool has_build = !scripts["build"].text().empty();
    if (has_build || !(*json)["dependencies"].members().empty() ||
        !(*json)["devDependencies"].members().empty())
        at.survey.build_steps.push_back(install_command(at));
    if (has_build)
        at.survey.build_steps.emplace_back("npm run build");
}

} // namespace shipit::deploy
