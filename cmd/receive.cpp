#include "cmd/invocation.hpp"
#include "cmd/push_session.hpp"

#include <unistd.h>

namespace shipit::cmd {

namespace {

int run(Invocation& invocation) {
    const auto app = deploy::App::open(invocation.host(),
                                       AppName::parse(invocation.arguments.word(0).value_or("")));
    return serve_push(app, STDIN_FILENO, STDOUT_FILENO);
}

} // namespace

extern const Command receive_command;
const Command receive_command{"receive", "take a push, for 'shipit push'", {{"APP"}}, {}, {}, run,
                              true};

} // namespace shipit::cmd
