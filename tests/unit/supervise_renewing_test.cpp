#include "tests/unit/supervised_app.hpp"

#include <cstdlib>

using namespace shipit;
using namespace shipit::tests;

namespace {

constexpr const char* app_variable = "SHIPIT_RENEWED_APP";
constexpr const char* memory_variable = "SHIPIT_RENEWED_MEMORY"; // not there: it is only tried

std::vector<std::string> renewed_words() {
    return {"unit", "--no-skip", "--out=/dev/null", "--test-case=a renewed supervisor goes on*"};
}

// A supervisor that can be renewed, to go on in the case below; `at_last` is called when
// nothing but the exec is to come, for the words of that.
void make_renewable(SupervisedApp& app, const std::function<std::vector<std::string>()>& at_last) {
    app.adjust = [&app, at_last](supervise::SupervisorOptions& options) {
        options.successor = [&app, at_last](int inherited) {
            ::setenv(app_variable, app.folder().c_str(), 1);
            if (inherited == STDIN_FILENO)
                return renewed_words();
            ::setenv(memory_variable, std::to_string(inherited).c_str(), 1);
            return at_last();
        };
    };
}

bool renewed_log_has(const SupervisedApp& app, const std::string& text) {
    return sys::read_file(app.log() / "supervisor.log").find(text) != std::string::npos;
}

} // namespace

TEST_SUITE_BEGIN("supervise::Supervisor: renewing");

TEST_CASE("a renewed supervisor goes on (not by itself: others execute it)" * doctest::skip()) {
    const char* app = std::getenv(app_variable);
    const char* memory = std::getenv(memory_variable);
    if (app == nullptr || memory == nullptr)
        return;
    supervise::SupervisorOptions options;
    options.run_folder = sys::Path(app) / "run";
    options.log_folder = sys::Path(app) / "log";
    options.live = [] { return std::nullopt; };
    options.inherited = std::stoi(memory);
    supervise::Supervisor(std::move(options)).run();
}

TEST_CASE("a signal that comes in the moment of the exec is for who goes on") {
    SupervisedApp app;
    make_renewable(app, [] {
        ::raise(SIGTERM);
        return renewed_words();
    });
    app.supervise();
    ::kill(app.pid(), SIGHUP);
    CHECK(eventually([&] { return renewed_log_has(app, "got SIGTERM"); }));
    CHECK(renewed_log_has(app, "goes on with"));
    CHECK(app.end_supervisor() == 0); // it does so already
}

TEST_CASE("a signal that comes when the exec fails is heeded by who stays") {
    SupervisedApp app;
    make_renewable(app, [] {
        ::raise(SIGTERM);
        constexpr std::size_t longer_than_any_word = 1 << 20;
        return std::vector<std::string>{"unit", std::string(longer_than_any_word, 'x')};
    });
    app.supervise();
    ::kill(app.pid(), SIGHUP);
    CHECK(eventually([&] { return renewed_log_has(app, "got SIGTERM"); }));
    CHECK(renewed_log_has(app, "is not renewed: cannot execute"));
    CHECK(app.end_supervisor() == 0);
}

TEST_CASE("what came of a watch is told before another program takes the supervisor's place") {
    SupervisedApp app;
    make_renewable(app, renewed_words);
    app.adjust = [&app, before = app.adjust](supervise::SupervisorOptions& options) {
        before(options);
        options.on_good = [&app, tell = options.on_good](ReleaseNumber release) {
            if (!sys::is_there(app.folder() / "full")) {
                sys::replace_durably(app.folder() / "full", "", 0600);
                throw Error("the disk is full");
            }
            tell(release);
        };
    };
    app.supervise();
    REQUIRE(app.deploy(app.worker(1, "sleep 1000"))["ok"].boolean());
    REQUIRE(eventually([&] { return renewed_log_has(app, "the disk is full"); }));
    ::kill(app.pid(), SIGHUP);
    CHECK(eventually([&] { return renewed_log_has(app, "goes on with"); }));
    CHECK(app.told() == "good v1\n");
}

TEST_CASE("a renewal is tried and fails (not by itself: a supervisor executes it)" *
          doctest::skip()) {
    if (std::getenv(app_variable) == nullptr)
        return;
    ::kill(::getppid(), SIGHUP);
    ::_exit(3);
}

TEST_CASE("a SIGHUP that comes while a client's renewal is tried is heeded if that fails") {
    SupervisedApp app;
    make_renewable(app, renewed_words);
    app.adjust = [before = app.adjust](supervise::SupervisorOptions& options) {
        before(options);
        options.successor = [successor = options.successor, tried = false](int inherited) mutable {
            std::vector<std::string> words = successor(inherited);
            if (!std::exchange(tried, true))
                words.back() = "--test-case=a renewal is tried and fails*";
            return words;
        };
    };
    app.supervise();
    const Json answer = app.ask("renew");
    CHECK_FALSE(answer["ok"].boolean());
    CHECK(answer["why"].text().find("exited with status 3") != std::string::npos);
    CHECK(eventually([&] { return renewed_log_has(app, "goes on with"); }));
}

TEST_SUITE_END();
