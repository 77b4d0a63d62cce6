#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

int output(Invocation& invocation) {
    const auto app = invocation.app();
    auto number = invocation.release(app, 0);
    if (!number)
        for (const release::Entry& entry : app.ledger.newest(1))
            number = entry.number;
    if (!number)
        throw Error(fmt::format("{} has no releases", app.name().text()));
    (void)app.ledger.load(*number); // says so if there is no such release
    constexpr std::uint64_t longest = 1U << 30;
    const auto text = sys::read_file_if_any(app.layout.transcript(*number), longest);
    if (!text)
        throw Error(fmt::format("release {} has no output", number->text()));
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(
            Json::object({{"version", number->text()}, {"output", *text}}));
    else
        invocation.terminal.raw(invocation.terminal.is_terminal() ? printable_lines(*text) : *text);
    return 0;
}

} // namespace

extern const Command output_command;
const Command output_command{"output",
                             "show what happened while a release was made live",
                             {{"vN", Argument::Number::optional}},
                             {},
                             {"shipit -a blog output v3"},
                             output};

} // namespace shipit::cmd
