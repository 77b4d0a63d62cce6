#include "core/config/settings.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/keys.hpp"
#include "core/config/procfile.hpp"
#include "core/sys/file.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <map>
#include <span>

#include <doctest/doctest.h>
#include <fmt/core.h>

using namespace shipit;
using namespace shipit::config;
using namespace std::chrono_literals;

namespace {

Settings loaded(std::optional<std::string> build, std::optional<std::string> procfile = {},
                std::optional<std::string> host = {}) {
    Sources sources;
    sources.build_toml = std::move(build);
    sources.procfile = std::move(procfile);
    sources.host_toml = std::move(host);
    return load(sources);
}

// "why | next" of the error, or "none".
std::string complaint(std::optional<std::string> build, std::optional<std::string> procfile = {},
                      std::optional<std::string> host = {}) {
    try {
        (void)loaded(std::move(build), std::move(procfile), std::move(host));
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::usage);
        return error.why() + " | " + error.next();
    }
    return "none";
}

bool begins_with(const std::string& text, const std::string& beginning) {
    return text.rfind(beginning, 0) == 0;
}

std::string deep_arrays(std::size_t depth) {
    return "name = " + std::string(depth, '[') + std::string(depth, ']') + "\n";
}

} // namespace

TEST_SUITE_BEGIN("config: settings");

TEST_CASE("without any file, the defaults hold") {
    const Settings settings = loaded({});
    CHECK(settings == Settings{});
    CHECK(settings.spec.health.timeout == 60s);
    CHECK(settings.retention.keep == 10);
    CHECK_FALSE(settings.app.port);
}

TEST_CASE("every key of the design's example is read") {
    const Settings settings = loaded(R"(
name = "blog"
[processes]
web    = "gunicorn mysite.wsgi --bind 0.0.0.0:$PORT"
worker = { command = "python worker.py", stop_timeout = "60s", stop_signal = "SIGQUIT", count = 3 }
clock = { command = "python clock.py", notify = true, watchdog = "30s" }
[build]
command = "npm ci"
timeout = "1h"
[release]
command = "python manage.py migrate --noinput"
timeout = "5m"
[health]
path = "/healthz"
timeout = "30s"
passes = 3
watch = "20s"
[app]
user = "www-data"
port = 8000
listen_fds = true
listen = "127.0.0.1"
shared = ["media", "var/log"]
reload = "true"
[hooks]
failed = "page somebody"
timeout = "5s"
[retention]
keep = 5
older_than = "30d"
max_size = "5G"
keep_failed = 1
[slug]
level = 9
[config]
required = ["SECRET_KEY"]
)");
    REQUIRE(settings.spec.processes.size() == 3);
    CHECK(settings.name->text() == "blog");
    CHECK(settings.spec.processes[0] ==
          ProcessType{"clock", "python clock.py", 30s, "TERM", 1, false, true, 30s});
    CHECK(settings.spec.processes[1].command == "gunicorn mysite.wsgi --bind 0.0.0.0:$PORT");
    CHECK(settings.spec.processes[2] == ProcessType{"worker", "python worker.py", 60s, "QUIT", 3});
    CHECK(settings.spec.release_command ==
          ReleaseCommand{"python manage.py migrate --noinput", 5min});
    CHECK(settings.build == BuildCommand{"npm ci", 1h, true});
    CHECK(settings.spec.health == Health{"/healthz", "", 30s, 3, 20s});
    CHECK(settings.app.user == "www-data");
    CHECK(settings.app.user_is_builds);
    CHECK(settings.app.port == 8000);
    CHECK(settings.app.listen_fds);
    CHECK(settings.app.listen == "127.0.0.1");
    CHECK(settings.app.shared == std::vector<std::string>{"media", "var/log"});
    CHECK(settings.hooks == Hooks{"", "page somebody", "", "", 5s, {"failed"}});
    CHECK(settings.retention == Retention{5, 720h, 5ULL << 30, 1});
    CHECK(settings.slug_level == 9);
    CHECK(missing_vars(settings, {}) == std::vector<std::string>{"SECRET_KEY"});
    CHECK(missing_vars(settings, {{"SECRET_KEY", ""}}).empty());
}

TEST_CASE("what an app listens on is an address or a Unix socket in its run folder") {
    CHECK(loaded("[app]\nlisten = 'unix:run/web.sock'\n").app.socket() == "run/web.sock");
    CHECK(loaded("[app]\nlisten = '::1'\n").app.socket().empty());
    CHECK(loaded("[app]\nlisten = ''\n").app.socket().empty());
    // Where the program binds its address itself, it is not asked.
    CHECK(loaded("[app]\nlisten = '::1'\n").warnings.size() == 1);
    CHECK(loaded("[app]\nlisten = '::1'\nlisten_fds = true\n").warnings.empty());
    CHECK(loaded("[app]\nlisten = 'unix:run/web.sock'\n").warnings.empty());
}

TEST_CASE("the host wins key by key") {
    const Settings settings =
        loaded("[processes]\nweb = 'run'\n[app]\nuser = 'build'\nport = 8000\n", {},
               "[processes]\nweb = {count = 3}\n[app]\nuser = 'root'\n[retention]\nkeep = 2\n");
    CHECK(settings.spec.processes.at(0).command == "run");
    CHECK(settings.spec.processes.at(0).count == 3);
    CHECK(settings.app.user == "root");
    CHECK_FALSE(settings.app.user_is_builds);
    CHECK(settings.app.port == 8000);
    CHECK(settings.retention.keep == 2);
}

TEST_CASE("of the health checks, the host's choice displaces the build's") {
    const Settings settings =
        loaded("[health]\npath = '/up'\n", {}, "[health]\ncommand = 'check'\n");
    CHECK(settings.spec.health.path.empty());
    CHECK(settings.spec.health.command == "check");
    CHECK(complaint("[health]\npath = '/up'\ncommand = 'check'\n") ==
          "shipit.toml:3:11: 'health.command' and 'health.path' exclude each other | ");
}

TEST_CASE("a process type that only the host knows is left out with a warning") {
    const Settings settings =
        loaded("[processes]\nweb = 'run'\n", {}, "[processes]\nworker = {count = 2}\n");
    REQUIRE(settings.spec.processes.size() == 1);
    REQUIRE(settings.warnings.size() == 1);
    CHECK(settings.warnings[0].find("processes.worker") != std::string::npos);
}

TEST_CASE("a Procfile counts if shipit.toml has no process types") {
    const std::string procfile =
        "# comment\r\nrelease: migrate\r\n\r\nweb: run $PORT # not one\r\n";
    const Settings settings = loaded("[health]\npath = '/up'\n", procfile);
    REQUIRE(settings.spec.processes.size() == 1);
    CHECK(settings.spec.processes[0].command == "run $PORT # not one");
    CHECK(settings.spec.release_command.command == "migrate");
    CHECK(loaded({}, "\xef\xbb\xbf" + procfile).spec == loaded({}, procfile).spec);
    CHECK(loaded("[processes]\n", procfile).spec.processes.empty());
    CHECK(loaded("[release]\ncommand = 'mine'\n", procfile).spec.release_command.command == "mine");
}

TEST_CASE("a Procfile with a line that is not understood is refused with the line's number") {
    const std::string longest(63, 'a');
    const std::vector<std::pair<std::string, std::string>> table = {
        {"web run\n", "Procfile:1: 'web run' is not 'name: command'"},
        {"web: a\nweb: b\n", "Procfile:2: 'web' stands here a second time"},
        {"web : a\n", "Procfile:1: 'web ' is not a name"},
        {" web: a\n", "Procfile:1: ' web' is not a name"},
        {": a\n", "Procfile:1: '' is not a name"},
        {"we.b: a\n", "Procfile:1: 'we.b' is not a name"},
        {"web:\n", "Procfile:1: 'web' has no command"},
        {"web:   \n", "Procfile:1: 'web' has no command"},
        {"web: a\n<<<<<<< HEAD\nworker: b\n", "Procfile:2: '<<<<<<< HEAD' is not"},
        {longest + "a: x\n", "Procfile:1: '" + longest + "a' is not a name"},
        {"web: \xff\n", "Procfile:1: the command of 'web' is not UTF-8"},
        {"\x1b[2J: a\n", "Procfile:1: '\\x1b[2J' is not a name"},
    };
    for (const auto& row : table) {
        const std::string text = row.first; // clang 14 cannot capture a structured binding
        CAPTURE(text);
        CHECK_MESSAGE(begins_with(complaint({}, text), row.second), complaint({}, text));
    }
    CHECK(complaint({}, longest + ": x") == "none");
    CHECK(complaint({}, "") == "none");
    CHECK(parse_procfile("a:b:c\n", "Procfile") == std::vector<ProcfileEntry>{{"a", "b:c"}});
}

TEST_CASE("what is wrong in shipit.toml is named with file, line, column and what was meant") {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"nane = 'x'\n", "shipit.toml:1:1: unknown key 'nane' | did you mean 'name'?"},
        {"[helth]\n", "shipit.toml:1:2: unknown key 'helth' | did you mean 'health'?"},
        {"[health]\n\nurl = '/'\n", "shipit.toml:3:1: unknown key 'health.url' | "},
        {"[processes]\nweb = {comand = 'x'}\n",
         "shipit.toml:2:8: unknown key 'processes.web.comand' | did you mean "
         "'processes.web.command'?"},
        {"[processes]\nweb = {command = 'x', watchdog = '99ms'}\n",
         "shipit.toml:2:34: 'processes.web.watchdog' must be 0 or at least 100ms"},
        {"[hooks]\ndeploy = 'x'\n",
         "shipit.toml:2:1: unknown key 'hooks.deploy' | did you mean 'hooks.deployed'?"},
        {"[app]\nport = '80'\n", "shipit.toml:2:8: 'app.port' must be a whole number"},
        {"[app]\nport = 0\n", "shipit.toml:2:8: 'app.port' must be from 1 to 65535, not 0"},
        {"[app]\nport = 70000\n", "shipit.toml:2:8: 'app.port' must be from 1 to 65535, not 70000"},
        {"[app]\nport = nan\n", "shipit.toml:2:8: 'app.port' must be a whole number"},
        {"[app]\nport = 9223372036854775808\n", "shipit.toml:2:"},
        {"[app]\nport = 80\n", "shipit.toml:2:8: 'app.port' is below 1024"},
        {"[app]\nlisten_fds = 'yes'\n", "shipit.toml:2:14: 'app.listen_fds' must be true or false"},
        {"[app]\nlisten = '127.1'\n", "shipit.toml:2:10: 'app.listen' must be an address"},
        {"[app]\nlisten = 'unix:web.sock'\n",
         "shipit.toml:2:10: 'app.listen' must be \"unix:run/NAME.sock\""},
        {"[app]\nlisten = 'unix:run/control.sock'\n", "shipit.toml:2:10: 'app.listen' must be"},
        {"[app]\nlisten = 'unix:run/notify.sock'\n", "shipit.toml:2:10: 'app.listen' must be"},
        {"[app]\nlisten = 'unix:run/../x.sock'\n", "shipit.toml:2:10: 'app.listen' must be"},
        {"[app]\nlisten = 'unix:run/.web.sock'\n", "shipit.toml:2:10: 'app.listen' must be"},
        {"[app]\nlisten = 'unix:run/current'\n", "shipit.toml:2:10: 'app.listen' must be"},
        {"[app]\nlisten = 'unix:/run/web.sock'\n", "shipit.toml:2:10: 'app.listen' must be"},
        {"[app]\nlisten = 'localhost'\n", "shipit.toml:2:10: 'app.listen' must be an address"},
        {"[app]\nuser = 'root'\n", "shipit.toml:2:8: 'app.user' may be root only if this host"},
        {"[app]\nuser = '000'\n", "shipit.toml:2:8: 'app.user' may be root only if this host"},
        {"[app]\nuser = 'a b'\n", "shipit.toml:2:8: 'app.user' must be"},
        {"[app]\nuser = 'm\u00fcller'\n", "shipit.toml:2:8: 'app.user' must be"},
        {"[app]\nshared = 'media'\n", "shipit.toml:2:10: 'app.shared' must be a list"},
        {"[app]\nshared = ['../x']\n", "shipit.toml:2:10: 'app.shared' must hold relative paths"},
        {"[app]\nshared = ['/x']\n", "shipit.toml:2:10: 'app.shared' must hold relative paths"},
        {"[app]\nshared = ['a//b']\n", "shipit.toml:2:10: 'app.shared' must hold relative paths"},
        {"[app]\nshared = ['a/']\n", "shipit.toml:2:10: 'app.shared' must hold relative paths"},
        {"[app]\nshared = ['.']\n", "shipit.toml:2:10: 'app.shared' must hold relative paths"},
        {"[app]\nshared = ['']\n", "shipit.toml:2:10: 'app.shared' must hold relative paths"},
        {"[app]\nshared = ['a', 'a']\n", "shipit.toml:2:10: 'app.shared' holds 'a' twice"},
        {"[app]\nshared = ['a/b', 'a']\n", "shipit.toml:2:10: 'app.shared' holds 'a' and 'a/b'"},
        {"[health]\npath = 'x'\n", "shipit.toml:2:8: 'health.path' must begin with '/'"},
        {"[health]\npath = '/a b'\n", "shipit.toml:2:8: 'health.path' must be an HTTP path"},
        {"[health]\ntimeout = 30\n", "shipit.toml:2:11: 'health.timeout' must be a duration"},
        {"[health]\ntimeout = '0s'\n",
         "shipit.toml:2:11: 'health.timeout' must be from 100ms to 1d, not 0s"},
        {"[health]\ntimeout = '5 parsecs'\n", "shipit.toml:2:11: 'health.timeout' must be"},
        {"[health]\ntimeout = '-1s'\n", "shipit.toml:2:11: 'health.timeout' must be a duration"},
        {"[health]\ntimeout = '1000000000s'\n", "shipit.toml:2:11: 'health.timeout' must be from"},
        {"[health]\npasses = 0\n", "shipit.toml:2:10: 'health.passes' must be from 1 to 1000"},
        {"[processes]\nweb = ''\n", "shipit.toml:2:7: 'processes.web' must not be empty"},
        {"[processes]\nweb = {count = 2}\n", "shipit.toml:2:7: 'processes.web' has no command"},
        {"[processes]\nweb = 3\n", "shipit.toml:2:7: 'processes.web' must be a table"},
        {"[processes]\n'a b' = 'x'\n", "shipit.toml:2:9: 'processes.a b' must be a name"},
        {"[processes]\nrelease = 'x'\n", "shipit.toml:2:11: 'processes.release' is no process"},
        {"[processes]\nweb = {command='x', stop_signal='FOO'}\n",
         "shipit.toml:2:33: 'processes.web.stop_signal' must be one of"},
        {"[processes]\nweb = {command='x', count=-1}\n",
         "shipit.toml:2:27: 'processes.web.count' must be from 0"},
        {"processes = 'web'\n", "shipit.toml:1:13: 'processes' must be a table"},
        {"[retention]\nkeep = 0\n", "shipit.toml:2:8: 'retention.keep' must be from 1"},
        {"[retention]\nmax_size = '5X'\n", "shipit.toml:2:12: 'retention.max_size' must be a size"},
        {"[retention]\nmax_size = 0\n", "shipit.toml:2:12: 'retention.max_size' must be more"},
        {"[slug]\nlevel = 20\n", "shipit.toml:2:9: 'slug.level' must be from 1 to 19, not 20"},
        {"[config]\nrequired = ['A B']\n", "shipit.toml:2:12: 'config.required' holds 'A B'"},
        {"name = 'A'\n", "shipit.toml:1:8: 'name' must be 1 to 63"},
        {"name = 'a\\u0000'\n", "shipit.toml:1:8: 'name' must be 1 to 63"},
        {"name = \"a\\u0000\"\n", "shipit.toml:1:8: 'name' must be text without NUL"},
        {"name = 'a'\nname = 'b'\n", "shipit.toml:2:"},
        {"[app]\n[app]\n", "shipit.toml:2:"},
        {"name = '\xff'\n", "shipit.toml:1:"},
        {"name = 'a'\rport = 1\n", "shipit.toml:1:"},
        {"name = 'a", "shipit.toml:1:"},
    };
    for (const auto& row : table) {
        const std::string text = row.first; // clang 14 cannot capture a structured binding
        CAPTURE(text);
        CHECK_MESSAGE(begins_with(complaint(text), row.second), complaint(text));
    }
    CHECK(begins_with(complaint({}, {}, "name = 'blog'\n"), "app.toml:1:1: unknown key 'name'"));
    CHECK(begins_with(complaint({}, {}, "[aap]\n"), "app.toml:1:2: unknown key 'aap'"));
}

TEST_CASE("limits on archives are the host's alone, since they count before the build is read") {
    const std::string text = "[slug]\nmax_entries = 5\nmax_bytes = '2G'\nmax_depth = 9\n"
                             "max_path = 300\nmax_name = 60\nmax_expansion = 50\n"
                             "outside_links = true\n";
    Sources sources;
    sources.host_toml = text;
    const auto limits = load(sources).archive_limits;
    CHECK(limits == ArchiveLimits{5, std::uint64_t{2} << 30, 9, 300, 60, 50, true});
    CHECK(complaint("[slug]\nmax_depth = 9\n") ==
          "shipit.toml:2:13: 'slug.max_depth' counts before the build is unpacked, so only this "
          "host can say it: 'shipit set slug.max_depth=9' | ");
    CHECK(complaint("[slug]\noutside_links = true\n").find("only this host") != std::string::npos);
    CHECK(complaint("[slug]\nlevel = 9\n") == "none");
}

TEST_CASE("no limit can be set to more than a slug can hold") {
    CHECK(find_key("slug.max_depth")->most == 256);
    CHECK(find_key("slug.max_path")->most == 4095);
    CHECK(find_key("slug.max_name")->most == 255);
}

TEST_CASE("documents made to hurt the parser are refused") {
    std::string dotted = "a";
    for (int i = 0; i < 100'000; ++i)
        dotted += ".a";
    CHECK(complaint(dotted + " = 1\n").find("a key of more than") != std::string::npos);
    CHECK(complaint(deep_arrays(300)) != "none");
    CHECK(complaint(std::string(2 << 20, '#')).find("larger than") != std::string::npos);
}

TEST_CASE("an empty file, a byte order mark and CR LF line ends are fine") {
    CHECK(complaint("") == "none");
    CHECK(loaded("\xEF\xBB\xBFname = 'blog'\r\n[app]\r\nport = 8000\r\n").app.port == 8000);
}

// Of shipit.toml(5): each key, and what follows it, without macros and in small letters.
std::map<std::string, std::string> documented_keys() {
    const std::string page = sys::read_file(sys::Path(SHIPIT_SOURCES) / "man/shipit.toml.5");
    const std::string item = "\n.It Ic ";
    std::map<std::string, std::string> result;
    for (auto at = page.find(item); at != std::string::npos; at = page.find(item, at + 1)) {
        const auto lines = split(std::string_view(page).substr(at + item.size(), 200), '\n');
        std::string& text = result[std::string(lines.front())];
        for (std::string_view line : std::span(lines).subspan(1)) {
            for (const std::string_view macro : {".Dq ", ".Li ", "Li "})
                if (line.starts_with(macro))
                    line.remove_prefix(macro.size());
            std::transform(line.begin(), line.end(), std::back_inserter(text),
                           [](char c) { return static_cast<char>(std::tolower(c)); });
            text += ' ';
        }
    }
    return result;
}

std::string spoken(std::int64_t duration) {
    const std::string text = duration_text(std::chrono::milliseconds(duration));
    const auto unit = text.find_first_not_of("0123456789");
    const std::map<std::string, std::string> units{
        {"ms", "millisecond"}, {"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"}};
    const std::string count = text.substr(0, unit);
    return count + ' ' + units.at(text.substr(unit)) + (count == "1" ? "" : "s");
}

std::string documented_as(const Key& key) {
    const bool ends = key.most != std::numeric_limits<std::int64_t>::max();
    if (key.path == "processes.*.watchdog") // has a rule of its own for what is not 0
        return "duration from 100 milliseconds to 1 day, or 0.";
    switch (key.kind) {
    case Kind::text:
        return "text";
    case Kind::list:
        return "list of texts.";
    case Kind::numbers:
        return "list of numbers.";
    case Kind::size:
        return "size.";
    case Kind::flag:
        return "true or false";
    case Kind::number:
        return fmt::format("number from {}{}.", key.least,
                           ends ? fmt::format(" to {}", key.most) : "");
    case Kind::duration:
        return fmt::format("duration {}{}.",
                           key.least > 0 ? fmt::format("from {} to ", spoken(key.least)) : "up to ",
                           spoken(key.most));
    }
    return "nothing";
}

TEST_CASE("shipit.toml(5) documents every key that is read, and no other, with what it may be") {
    auto documented = documented_keys();
    for (const Key& key : keys()) {
        const std::string name(key.path);
        INFO(name, " is documented as: ", documented[name]);
        CHECK(begins_with(documented[name], documented_as(key)));
        documented.erase(name);
    }
    CHECK(documented.empty());
}

TEST_CASE("what a release keeps waits for a deploy, what the host says for a restart") {
    const auto effect = [](std::string_view path) { return effect_of(*find_key(path)); };
    for (const char* path : {"health.watch", "release.timeout", "processes.web.stop_timeout",
                             "build.command", "slug.level", "config.required"})
        CHECK(effect(path) == Effect::next_deploy);
    for (const char* path : {"app.user", "app.shared", "processes.web.count"})
        CHECK(effect(path) == Effect::restart);
    for (const char* path : {"hooks.deployed", "retention.keep"})
        CHECK(effect(path) == Effect::at_once);
}
