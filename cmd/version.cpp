#include "cmd/invocation.hpp"

#include "core/deploy/version.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

int run_version(Invocation& invocation) {
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(Json::object({{"version", deploy::version()}}));
    else
        invocation.terminal.print(fmt::format("shipit {}", deploy::version()));
    return 0;
}

} // namespace

extern const Command version_command;
const Command version_command{"version", "print shipit's version", {},
                              {},        {"shipit version"},       run_version};

} // namespace shipit::cmd
