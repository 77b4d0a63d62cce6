#include "core/release/manifest.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::release;
using namespace std::chrono_literals;

namespace {

const std::string some_id = "0123456789abcdef0123456789abcdef";
const std::string some_sha256 = some_id + some_id;
const std::string some_commit = "0123456789abcdef0123456789abcdef01234567";

Manifest full_manifest() {
    Manifest manifest{.number = ReleaseNumber(12), .app = AppName::parse("blog")};
    manifest.description = "Deploy \"it\"\nall\t\xF0\x9F\x9A\x80";
    manifest.created_at = *parse_time("2026-11-22T22:39:49.123Z");
    manifest.created_by = "alice";
    manifest.client_address = "10.0.0.7";
    manifest.status = Status::pending;
    manifest.slug = SlugFacts{*SlugId::parse(some_id), 1, 1ULL << 62, 3, some_sha256};
    manifest.source = Source{some_commit, "main", true, "Fix 'it'"};
    manifest.spec.processes = {{"web", "run \"$PORT\"", 30s, "TERM", 2},
                               {"worker", "python worker.py", 90s, "QUIT", 0, false, true, 30s}};
    manifest.spec.release_command = {"migrate", 5min};
    manifest.spec.health = {"/up", "", 30s, 3, 20s};
    manifest.config = {{"A", "x y\n'\"$\\"}, {"EMPTY", ""}, {"_b", "\x01\x7f"}};
    manifest.rollback_of = ReleaseNumber(9);
    manifest.config_of = ReleaseNumber(8);
    manifest.is_undo = true;
    manifest.activation_of = ReleaseNumber(7);
    manifest.trial = 10min;
    manifest.evidence.live_at = *parse_time("2026-11-22T22:40:00.000Z");
    manifest.evidence.good_at = *parse_time("2026-11-22T22:40:10.000Z");
    manifest.evidence.ended_at = *parse_time("2026-11-23T22:40:10.000Z");
    manifest.evidence.expired_at = *parse_time("2026-11-24T22:40:10.000Z");
    manifest.evidence.why_failed = "answered 503";
    manifest.evidence.restarts = 7;
    manifest.evidence.last_exit = "signal 9";
    manifest.evidence.healthy_after = 1234ms;
    manifest.deployer = Deployer{{4711, 123456}, "boot", true, ReleaseNumber(2), true};
    return manifest;
}

Manifest parsed(const std::string& text, std::uint64_t number = 12) {
    return parse_manifest(text, ReleaseNumber(number), "v12.toml");
}

std::string manifest_complaint(const std::string& text) {
    try {
        (void)parsed(text);
    } catch (const Error& error) {
        return error.why();
    }
    return "none";
}

// A full manifest with `from` replaced by `to`.
std::string changed(const std::string& from, const std::string& to) {
    std::string text = written(full_manifest());
    const auto at = text.find(from);
    REQUIRE_MESSAGE(at != std::string::npos, from);
    return text.replace(at, from.size(), to);
}

} // namespace

TEST_SUITE_BEGIN("release: manifest");

TEST_CASE("a manifest comes back as it was written, config vars byte for byte") {
    CHECK(parsed(written(full_manifest())) == full_manifest());
    Manifest least{.number = ReleaseNumber(12), .app = AppName::parse("blog")};
    CHECK(parsed(written(least)) == least);
}

TEST_CASE(
    "a manifest from before there was a notify socket is one of processes that do not use it") {
    std::string text = written(full_manifest());
    for (const std::string line : {"notify = true\n", "watchdog = \"30s\"\n"}) {
        const auto at = text.find(line);
        REQUIRE(at != std::string::npos);
        text.erase(at, line.size());
    }
    Manifest expected = full_manifest();
    expected.spec.processes[1].notify = false;
    expected.spec.processes[1].watchdog = 0ms;
    CHECK(parsed(text) == expected);
}

TEST_CASE("a manifest that is not of its release, or not of its form, is refused with its place") {
    const std::vector<std::array<std::string, 3>> table = {
        {"version = 12", "version = 13", "'version' must be 12, as the file's name says"},
        {"version = 12", "version = 0", "'version' must be 12"},
        {"version = 12", "version = -12", "'version' must be from 0"},
        {"version = 12", "version = 99999999999999999999", "cannot be understood"},
        {"version = 12\n", "", "'version' is missing"},
        {"schema = 1", "schema = 0", "'schema' must be from 1"},
        {"schema = 1\n", "", "'schema' is missing"},
        {"\"blog\"", "\"../etc\"", "'app' is no name"},
        {"\"pending\"", "\"done\"", "'status' must be"},
        {"\"2026-11-22T22:39:49.123Z\"", "\"yesterday\"", "'created_at' must be a time"},
        {"rollback_of = 9", "rollback_of = 12", "'rollback_of' must be an earlier release"},
        {"config_of = 8", "config_of = 12", "'config_of' must be an earlier release"},
        {"activation_of = 7", "activation_of = 12", "'activation_of' must be an earlier release"},
        {"undo = true", "undo = 1", "'undo' must be"},
        {"rollback_of = 9", "rollback_of = 0", "'rollback_of' must be an earlier release"},
        {"\"" + some_id + "\"", "\"../../../etc/passwd\"", "'slug.id' must be 32"},
        {"\"" + some_sha256 + "\"", "\"abc\"", "'slug.sha256' must be 64"},
        {"size = 1", "size = -1", "'slug.size' must be from 0"},
        {"files = 3", "files = \"3\"", "'slug.files' must be a whole number"},
        {"\"" + some_commit + "\"", "\"HEAD; rm\"", "'source.commit' must be"},
        {"[processes.web]", "[processes.\"../web\"]", "'processes.../web' is no name"},
        {"count = 2", "count = 100000", "'processes.web.count' must be"},
        {"\"QUIT\"", "\"9; rm\"", "'processes.worker.stop_signal' is no signal"},
        {"stop_timeout = \"30s\"\n", "", "'processes.web.stop_timeout' is missing"},
        {"pid = 4711", "pid = 99999999999", "'deployer.pid' must be from 0"},
        {"[slug]", "[[slug]]", "'slug' must be a table"},
    };
    for (const auto& [from, to, expected] : table) {
        const auto told = manifest_complaint(changed(from, to));
        const std::string change = from + " -> " + to + ": " + told;
        CHECK_MESSAGE(told.find(expected) != std::string::npos, change);
        CHECK(told.rfind("v12.toml:", 0) == 0);
    }
}

TEST_CASE("anything else than a manifest is corrupt") {
    for (const std::string& text :
         std::vector<std::string>{"", "junk", "[", std::string("\0\0\0", 3), "\xff", "schema = 1",
                                  "{\"schema\": 1}", std::string(2 << 20, 'a')}) {
        try {
            (void)parsed(text);
            FAIL("taken for a manifest");
        } catch (const Error& error) {
            CHECK(error.outcome() == Outcome::corrupt);
        }
    }
}

TEST_CASE("a manifest cut anywhere is refused or whole") {
    const std::string text = written(full_manifest());
    const auto config_at = text.find("[config]");
    for (std::size_t length = 0; length < config_at; ++length)
        try {
            const auto manifest = parsed(text.substr(0, length));
            CHECK(manifest.number == ReleaseNumber(12)); // cut between tables
        } catch (const Error&) {
        }
}

TEST_CASE("a manifest of a newer schema is refused with the advice to upgrade") {
    try {
        (void)parsed(changed("schema = 1", "schema = 2"));
        FAIL("taken");
    } catch (const Error& error) {
        CHECK(error.why() == "v12.toml: written by a newer shipit (schema 2; this one knows 1)");
        CHECK(error.next().find("newer") != std::string::npos);
        CHECK(error.outcome() == Outcome::failed);
    }
}

TEST_CASE("keys that a newer shipit added are passed over") {
    CHECK(parsed(changed("schema = 1", "schema = 1\nnovelty = [1, 2]")) == full_manifest());
}

TEST_CASE("no error quotes what a manifest holds") {
    for (const char* line : {"A = SECRET", "A = trueSECRET", "A = \"SECRET", "A = [\"SECRET\"]",
                             "SECRET", "A = 1\n\"SECRET=\" = \"x\""}) {
        const auto told =
            manifest_complaint(changed("A = \"x y", std::string(line) + "\nB = \"x y"));
        CHECK(told != "none");
        CHECK_MESSAGE(told.find("SECRET") == std::string::npos, told);
    }
}

TEST_CASE("text that TOML cannot hold is written in a form that it can") {
    Manifest manifest = full_manifest();
    manifest.description = "caf\xe9";
    CHECK(parsed(written(manifest)).description == "caf\\xe9");
}

TEST_CASE("of a release that failed or expired, a glance tells what all of its manifest would") {
    Manifest manifest = full_manifest();
    for (const Status status : {Status::failed, Status::expired})
        for (const std::string why : {"", "answered 503", "said \"no\",\n\\ and ended\t\x01"}) {
            manifest.status = status;
            manifest.evidence.why_failed = why;
            const auto glance = glance_at(written(manifest), manifest.number);
            REQUIRE(glance);
            CHECK(*glance == Glance{status, why, manifest.rollback_of});
        }
    manifest.rollback_of.reset();
    CHECK(glance_at(written(manifest), manifest.number).value().rollback_of == std::nullopt);
}

TEST_CASE("a release that may come back, and a manifest that another hand wrote, take more") {
    for (const Status status : {Status::pending, Status::succeeded}) {
        Manifest manifest = full_manifest();
        manifest.status = status;
        CHECK_FALSE(glance_at(written(manifest), manifest.number));
    }
    Manifest failed = full_manifest();
    failed.status = Status::failed;
    const std::string text = written(failed);
    REQUIRE(glance_at(text, failed.number));
    CHECK_FALSE(glance_at(text, ReleaseNumber(13)));
    CHECK_FALSE(glance_at("", ReleaseNumber(12)));
    CHECK_FALSE(glance_at(text.substr(0, text.find("[evidence]")), failed.number));
    const auto with = [&text](const std::string& from, const std::string& to) {
        std::string other = text;
        return other.replace(other.find(from), from.size(), to);
    };
    CHECK_FALSE(glance_at(with("schema = 1", "schema = 2"), failed.number));
    CHECK_FALSE(glance_at(with("status = ", "status= "), failed.number));
    CHECK_FALSE(glance_at(with("\"failed\"", "\"unheard of\""), failed.number));
    CHECK_FALSE(glance_at(with("\"failed\"", "failed"), failed.number));
    CHECK_FALSE(glance_at(with("\"answered 503\"", "\"answered \" 503\""), failed.number));
    CHECK_FALSE(glance_at(with("rollback_of = 9", "rollback_of = 12"), failed.number));
    // A line that is none of the document's own.
    CHECK_FALSE(
        glance_at(with("created_by = ", "x = \"\"\"\nstatus = \"expired\"\n\"\"\"\ncreated_by = "),
                  failed.number));
    CHECK_FALSE(glance_at(
        with("created_by = ", "x = '''\nstatus = \"expired\"\n'''\ncreated_by = "), failed.number));
}
