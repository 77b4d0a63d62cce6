// What a command has to work with: its arguments, the terminal, the app that is meant.
#pragma once

#include "cmd/command.hpp"
#include "cmd/terminal.hpp"
#include "core/base/error.hpp"
#include "core/deploy/app.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shipit::cmd {

class Invocation {
  public:
    Invocation(const Arguments& given, Terminal& where) : arguments(given), terminal(where) {}

    const Arguments& arguments;
    Terminal& terminal;

    // --root, SHIPIT_ROOT, or the default; with progress on the terminal.
    [[nodiscard]] deploy::Host host() const;
    // -a, SHIPIT_APP, `name` in ./shipit.toml, or the only app.
    [[nodiscard]] deploy::App app() const;
    // --wait[=TIME]: how long to wait for another command; zero without it.
    [[nodiscard]] std::chrono::milliseconds patience() const;
    // The release at this place of the arguments, by its number or the name of its pin. Throws
    // Error (usage) for anything else.
    [[nodiscard]] std::optional<ReleaseNumber> release(const deploy::App& app,
                                                       std::size_t index) const;
    // The same of the value of an option; nothing without it.
    [[nodiscard]] std::optional<ReleaseNumber> release_option(const deploy::App& app,
                                                              std::string_view option) const;
    [[nodiscard]] static ReleaseNumber release_number(const std::string& text);
    // What the value of an option says; nothing without it. Throws Error (usage): unfit_value().
    [[nodiscard]] std::optional<unsigned> number(std::string_view option) const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> time(std::string_view option,
                                                                std::string_view example) const;
    [[nodiscard]] std::optional<std::uint64_t> size(std::string_view option) const;
    // --shell: lines for a shell instead of words. Throws Error (usage) beside --json.
    [[nodiscard]] bool wants_shell_lines() const;
};

// For what the value of an option cannot be: "'--keep' takes a whole number, not 'x'", and what it
// could be.
[[nodiscard]] Error unfit_value(std::string_view option, const std::string& complaint,
                                std::string_view example);

} // namespace shipit::cmd
