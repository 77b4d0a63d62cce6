#include "cmd/invocation.hpp"
#include "core/deploy/hooks.hpp"

namespace shipit::cmd {

namespace {

int run_hook(Invocation& invocation) {
    const auto app = invocation.app();
    deploy::HookCall call{*invocation.arguments.word(0),
                          Invocation::release_number(*invocation.arguments.word(1))};
    call.process = invocation.arguments.text("process").value_or("");
    call.why = call.process.empty() ? "" : call.process + " keeps crashing";
    deploy::run_hook(app, call);
    return 0;
}

} // namespace

extern const Command hook_command;
const Command hook_command{"hook",
                           "run a hook of the app's; used by the supervisor",
                           {{"EVENT", Argument::Number::one}, {"vN", Argument::Number::one}},
                           {{"--process", "NAME", "the process that crashes"}},
                           {"shipit -a blog hook --process=web.1 crashed v3"},
                           run_hook,
                           true};

} // namespace shipit::cmd
