#include "core/deploy/handover.hpp"

#include "core/base/error.hpp"
#include "core/supervise/control.hpp"
#include "tests/unit/blog_app.hpp"
#include "tests/unit/supervised_app.hpp"

#include <map>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using tests::Blog;

namespace {

// Stands for a supervisor: what it says to each request of a handover, before it is killed.
using Script = std::map<std::string, std::vector<Json>>;

[[noreturn]] void play(const sys::Path& run, const std::string& last, Script script) {
    supervise::Loop loop;
    supervise::Control control(loop, run);
    control.serve(
        [&](supervise::ClientId client, const Json& request) {
            const std::string name = request["request"].text();
            if (name == "ping")
                return control.finish(client, Json::object({{"done", true}, {"ok", true}}));
            for (const Json& message : script[name])
                control.send(client, message);
            if (name == last)
                ::_exit(0);
        },
        [](supervise::ClientId) {});
    loop.run();
    ::_exit(1);
}

// v2 is on its way to take v1's place, by such a supervisor, which is gone after `last`.
class Switching {
  public:
    Switching(const std::string& last, const Script& script) {
        const sys::Path run = m_blog.app.layout.run_folder();
        sys::make_folders(run, 0700);
        m_blog.write("page", "");
        (void)m_blog.release();
        m_supervisor = ::fork();
        REQUIRE(m_supervisor >= 0);
        if (m_supervisor == 0)
            play(run, last, script);
        REQUIRE(tests::eventually(
            [&] { return supervise::Client::answers(run, std::chrono::seconds(1)); }));
    }
    ~Switching() {
        ::kill(m_supervisor, SIGKILL);
        ::waitpid(m_supervisor, nullptr, 0);
    }
    Switching(const Switching&) = delete;
    Switching& operator=(const Switching&) = delete;

    [[nodiscard]] const deploy::App& app() const { return m_blog.app; }
    void wait_for_its_end() const {
        siginfo_t end{};
        REQUIRE(::waitid(P_PID, static_cast<id_t>(m_supervisor), &end, WEXITED | WNOWAIT) == 0);
    }

  private:
    Blog m_blog;
    pid_t m_supervisor = 0;
};

const supervise::Generation next{ReleaseNumber(2), {}, {}, std::nullopt};
const Json healthy = Json::object({{"event", "healthy"}, {"release", "v2"}});

} // namespace

TEST_SUITE_BEGIN("deploy::Handover");

TEST_CASE("a verdict that came before the commit counts, though nobody takes the commit any more") {
    const Json verdict = Json::object({{"done", true},
                                       {"ok", false},
                                       {"why", "the deploying command did not commit"},
                                       {"serving", "v1"},
                                       {"untouched", true}});
    const Switching switching("replace", {{"replace", {healthy, verdict}}});
    deploy::Handover handover(switching.app(), next, deploy::Handover::Kind::stays);
    handover.prove();
    switching.wait_for_its_end();
    try {
        handover.commit();
        FAIL_CHECK("it is committed");
    } catch (const Error& error) {
        CHECK(error.why() == "the deploying command did not commit; v1 still serves");
        CHECK(error.outcome() == Outcome::release_failed);
    }
}

TEST_CASE("the end of the supervisor within the watch cuts it short, and fails nothing") {
    const Json committed = Json::object({{"event", "committed"}, {"release", "v2"}});
    const Switching switching("commit", {{"replace", {healthy}}, {"commit", {committed}}});
    deploy::Handover handover(switching.app(), next, deploy::Handover::Kind::stays);
    handover.prove();
    handover.commit();
    switching.wait_for_its_end();
    CHECK_FALSE(handover.watch());
}

TEST_SUITE_END();
