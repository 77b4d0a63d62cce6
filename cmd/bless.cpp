#include "core/deploy/bless.hpp"

#include "cmd/changes.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

int run_bless(Invocation& invocation) {
    const auto app = invocation.app();
    const ReleaseNumber blessed =
        deploy::bless(app, invocation.release(app, 0), invocation.patience());
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(Json::object(
            {{"app", app.name().text()}, {"release", blessed.text()}, {"good", true}}));
    else
        invocation.terminal.print(
            fmt::format("{} of {} is good", blessed.text(), app.name().text()));
    return 0;
}

} // namespace

extern const Command bless_command;
const Command bless_command{"bless",
                            "say that a release is good; ends a trial",
                            {{"vN", Argument::Number::optional}},
                            {wait_option},
                            {"shipit -a blog bless", "shipit -a blog bless v7"},
                            run_bless};

} // namespace shipit::cmd
