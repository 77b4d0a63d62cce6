// Generation after generation under one supervisor, as over months: it keeps nothing of any.
//
// SHIPIT_GENERATIONS is how many of them; `./install.sh --fault` tries 10,000.
#include "tests/unit/supervised_app.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
// Of <sanitizer/allocator_interface.h>, which g++ comes without.
extern "C" std::size_t
__sanitizer_get_current_allocated_bytes(); // NOLINT(bugprone-reserved-identifier)
#else
#include <malloc.h>
#endif

using namespace shipit;
using namespace std::chrono_literals;
using supervise::Generation;
using tests::SupervisedApp;

namespace {

std::size_t bytes_in_use() {
#ifdef __SANITIZE_ADDRESS__
    return __sanitizer_get_current_allocated_bytes();
#else
    return ::mallinfo2().uordblks;
#endif
}

std::uint64_t generations(std::uint64_t otherwise) {
    const char* given = std::getenv("SHIPIT_GENERATIONS"); // NOLINT(concurrency-mt-unsafe)
    return given != nullptr ? std::stoull(given) : otherwise;
}

// Writes down what is in use in the supervisor each time that a generation is good.
class Weighed : public SupervisedApp {
  public:
    Weighed() {
        adjust = [this](supervise::SupervisorOptions& options) {
            options.on_good = [this](ReleaseNumber) {
                std::ofstream(folder() / "weights", std::ios::app) << bytes_in_use() << '\n';
            };
        };
        supervise();
    }

    // Proves itself by the first look at it.
    void pass(Generation generation) {
        generation.health.passes = 1;
        const Json answer = deploy(generation);
        REQUIRE_MESSAGE(answer["ok"].boolean(), answer.dump());
        ++m_passed;
    }
    // Is refused.
    void fail(Generation generation) const {
        generation.programs.at(0).command = "false";
        REQUIRE_FALSE(deploy(generation)["ok"].boolean());
    }

    // What was in use after each generation that passed.
    [[nodiscard]] std::vector<std::size_t> weights() const {
        std::vector<std::size_t> found;
        REQUIRE(tests::eventually([&] {
            std::ifstream file(folder() / "weights");
            found.clear();
            for (std::size_t bytes = 0; file >> bytes;)
                found.push_back(bytes);
            return found.size() == m_passed;
        }));
        return found;
    }

    void require_that_nothing_grew(const char* of_what) const {
        const auto all = weights();
        const auto part = static_cast<std::ptrdiff_t>(all.size() / 4);
        const auto early = *std::min_element(all.begin() + part, all.begin() + 2 * part);
        const auto late = *std::min_element(all.end() - part, all.end());
        std::printf("%s: %zu replaced, from %zu to %zu bytes in use\n", of_what, all.size(), early,
                    late);
        // Less than a byte of each: what is allocated changes a little as numbers get longer.
        constexpr std::size_t chance = 1 << 10;
        REQUIRE(late <= early + chance + all.size() / 4);
        REQUIRE(sys::names_in("/proc/" + std::to_string(pid()) + "/fd").size() < 40);
        std::printf("generations of %s: %zu replaced, 0 violations\n", of_what, all.size());
    }

  private:
    std::size_t m_passed = 0;
};

} // namespace

TEST_SUITE_BEGIN("supervise::Supervisor");

TEST_CASE("generations of workers come and go, and nothing of them stays in memory") {
    Weighed app;
    const auto many = generations(100);
    for (std::uint64_t release = 1; release <= many; ++release) {
        Generation next = app.worker(release, "sleep 1000");
        next.health.command = "true";
        app.pass(next);
        if (release % 10 == 0)
            app.fail(next);
    }
    app.require_that_nothing_grew("workers");
}

TEST_CASE("two generations of a server change places, and nothing of that stays in memory") {
    Weighed app;
    const auto many = generations(200);
    for (std::uint64_t release = 1; release <= many; ++release) {
        Generation next = app.web(release);
        next.programs.at(0).command = SHIPIT_PLAIN_SERVER " " + std::to_string(app.port());
        next.programs.at(0).environment.emplace_back("SIDE", std::to_string(release % 2));
        next.warm = 1h;
        app.pass(next);
    }
    app.require_that_nothing_grew("servers");
}

TEST_SUITE_END();
