// Any bytes as settings: shipit.toml, Procfile and app.toml.
//
// The input's first byte chooses what the rest is:
//   L  up to three texts, with NULs between them, from which an app's settings are read; what they
//      say must be found again in a manifest;
//   H  an app.toml and, with NULs between them, what `shipit set` is to change in it.
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/host_settings.hpp"
#include "core/config/settings.hpp"
#include "core/release/manifest.hpp"
#include "tests/fuzz/folder.hpp"
#include "tests/fuzz/target.hpp"

using namespace shipit;
using fuzz::require;

namespace {

// What is wrong with settings is always theirs.
template <class Action>
void refuse_as_usage(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        require(error.outcome() == Outcome::usage, "wrong settings are no usage error");
        require(is_utf8(error.why()) && error.why().find('\x1b') == std::string::npos,
                "an error holds what could drive a terminal");
        throw;
    }
}

void load(std::string_view rest) {
    const auto texts = split(rest, '\0');
    config::Sources sources;
    sources.build_toml = texts[0];
    if (texts.size() > 1)
        sources.procfile = texts[1];
    if (texts.size() > 2)
        sources.host_toml = texts[2];
    config::Settings settings;
    refuse_as_usage([&] { settings = config::load(sources); });
    require(settings == config::load(sources), "the same settings are read as others");
    const ReleaseNumber number(7);
    release::Manifest manifest{number, AppName::parse("blog")};
    manifest.spec = settings.spec;
    const auto read = release::parse_manifest(release::written(manifest), number, "v7.toml");
    require(read.spec == settings.spec, "a manifest does not hold what settings say");
}

void set_on_host(std::string_view rest) {
    const auto file = fuzz::folder() / "app.toml";
    const auto texts = split(rest, '\0');
    const std::vector<std::string> assignments(texts.begin() + 1, texts.end());
    sys::replace(file, texts[0], 0644);
    try {
        refuse_as_usage([&] { (void)config::set_keys(file, assignments); });
    } catch (const Error&) {
        require(sys::read_file(file) == texts[0], "what failed has changed app.toml");
        throw;
    }
    (void)config::host_values(file);
    require(config::set_keys(file, assignments).empty(), "the same change changes something again");
}

} // namespace

void fuzz::run(char kind, std::string_view rest) {
    if (kind == 'L')
        load(rest);
    else if (kind == 'H')
        set_on_host(rest);
}
