#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <charconv>
#include <filesystem>
#include <limits>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

ReleaseNumber release_called(const deploy::App& app, const std::string& word) {
    if (const auto number = ReleaseNumber::parse(word))
        return *number;
    if (const auto pinned = app.marks.pinned_as(word))
        return *pinned;
    throw Error(fmt::format("'{}' is not a release", printable(word)), Outcome::usage)
        .advise(meant_or(word, app.marks.pin_names(),
                         "releases are called v1, v2, ..., or by the name of a pin; 'shipit "
                         "releases' lists them"));
}

} // namespace

deploy::Host Invocation::host() const {
    return deploy::Host::at(arguments.text("root"), terminal.progress());
}

deploy::App Invocation::app() const {
    const deploy::Host at = host();
    const AppName name = deploy::chosen_app(at, arguments.text("app"), ".");
    return deploy::App::open(at, name);
}

std::chrono::milliseconds Invocation::patience() const {
    if (!arguments.has("wait"))
        return std::chrono::milliseconds::zero();
    return time("wait", "5m").value_or(std::chrono::hours(24));
}

std::optional<ReleaseNumber> Invocation::release(const deploy::App& app, std::size_t index) const {
    const auto word = arguments.word(index);
    return word ? std::optional(release_called(app, *word)) : std::nullopt;
}

std::optional<ReleaseNumber> Invocation::release_option(const deploy::App& app,
                                                        std::string_view option) const {
    const auto text = arguments.text(option);
    return text ? std::optional(release_called(app, *text)) : std::nullopt;
}

ReleaseNumber Invocation::release_number(const std::string& text) {
    const auto number = ReleaseNumber::parse(text);
    if (!number)
        throw Error(fmt::format("'{}' is not a release", printable(text)), Outcome::usage)
            .advise(
                "releases are called v1, v2, ..., or by the name of a pin; 'shipit releases' lists "
                "them");
    return *number;
}

std::optional<unsigned> Invocation::number(std::string_view option) const {
    const auto text = arguments.text(option);
    if (!text)
        return std::nullopt;
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc() || end != text->data() + text->size())
        throw unfit_value(option,
                          fmt::format("takes a whole number from 0 to {}, not '{}'",
                                      std::numeric_limits<unsigned>::max(), printable(*text)),
                          "10");
    return value;
}

std::optional<std::chrono::milliseconds> Invocation::time(std::string_view option,
                                                          std::string_view example) const {
    const auto text = arguments.text(option);
    const auto value = text ? parse_duration(*text) : std::nullopt;
    if (text && !value)
        throw unfit_value(
            option, fmt::format("takes a time like 30s, 5m or 2h, not '{}'", printable(*text)),
            example);
    return value;
}

std::optional<std::uint64_t> Invocation::size(std::string_view option) const {
    const auto text = arguments.text(option);
    const auto value = text ? parse_size(*text) : std::nullopt;
    if (text && !value)
        throw unfit_value(
            option, fmt::format("takes a size like 500M or 5G, not '{}'", printable(*text)), "5G");
    return value;
}

bool Invocation::wants_shell_lines() const {
    const bool asked = arguments.has("shell");
    if (asked && terminal.wants_json())
        throw Error("'--shell' and '--json' are two forms of the same: only one can be printed",
                    Outcome::usage)
            .advise("leave one of them out");
    return asked;
}

Error unfit_value(std::string_view option, const std::string& complaint, std::string_view example) {
    Error error(fmt::format("'--{}' {}", option, complaint), Outcome::usage);
    error.advise(fmt::format("write it like --{}={}", option, example));
    return error;
}

} // namespace shipit::cmd
