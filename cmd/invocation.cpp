#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <charconv>
#include <filesystem>

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
    const auto text = arguments.text("wait");
    if (!text)
        return std::chrono::hours(24);
    const auto duration = parse_duration(*text);
    if (!duration)
        throw Error(
            fmt::format("'--wait' takes a duration like 30s or 5m, not '{}'", printable(*text)),
            Outcome::usage);
    return *duration;
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
        throw Error(fmt::format("'--{}' takes a number, not '{}'", option, printable(*text)),
                    Outcome::usage);
    return value;
}

} // namespace shipit::cmd
