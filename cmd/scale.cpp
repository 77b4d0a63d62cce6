#include "cmd/changes.hpp"

#include "core/deploy/scale.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

void print(const Invocation& invocation, const deploy::App& app, bool changed) {
    Json all = Json::array();
    std::vector<Terminal::Row> rows{{{"type", "count", "up"}, Colour::faint}};
    for (const deploy::TypeCount& each : deploy::counts(app)) {
        all.push_back(Json::object({{"type", each.type}, {"count", each.count}, {"up", each.up}}));
        rows.push_back({{each.type, std::to_string(each.count), std::to_string(each.up)},
                        each.up == each.count ? Colour::plain : Colour::waiting});
    }
    if (invocation.terminal.wants_json())
        return invocation.terminal.print_json(
            Json::object({{"app", app.name().text()}, {"changed", changed}, {"processes", all}}));
    if (rows.size() == 1)
        return invocation.terminal.note("The live release is files only.");
    invocation.terminal.table(rows, 2);
}

int run_scale(Invocation& invocation) {
    auto app = invocation.app();
    const auto words = invocation.arguments.words();
    bool changed = false;
    if (!words.empty()) {
        const auto options = change_options(invocation);
        changed = deploy::scale(app, {words.begin(), words.end()}, options.lock_patience)
                      .release.has_value();
        if (app.is_stopped())
            invocation.terminal.note(
                fmt::format("takes effect with: shipit -a {} start", app.name().text()));
        else if (!changed)
            invocation.terminal.note("Nothing changed.");
    }
    print(invocation, app, changed);
    return 0;
}

} // namespace

extern const Command scale_command;
const Command scale_command{"scale",
                            "show or change how many processes of each type run",
                            {{"TYPE=COUNT", Argument::Number::any}},
                            {wait_option},
                            {"shipit -a blog scale", "shipit -a blog scale web=4 worker=2"},
                            run_scale};

} // namespace shipit::cmd
