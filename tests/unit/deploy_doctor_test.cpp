#include "core/deploy/doctor_checks.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/process.hpp"
#include "tests/unit/test_folder.hpp"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::deploy;
using tests::TestFolder;

namespace {

constexpr std::uint64_t kilobyte = 1 << 10;
constexpr std::uint64_t megabyte = kilobyte << 10;
constexpr std::uint64_t gigabyte = megabyte << 10;

sys::DiskSpace free_space(std::uint64_t bytes, std::uint64_t files = 1'000'000) {
    return {bytes, 100 * gigabyte, files, 2'000'000};
}

Verdict verdict_on(const sys::DiskSpace& space, const Need& need = {}) {
    return judge_disk(space, need).verdict;
}

bool has(const Findings& findings, const std::string& about, Verdict verdict) {
    return std::any_of(findings.begin(), findings.end(), [&](const Finding& each) {
        return each.about == about && each.verdict == verdict;
    });
}

} // namespace

TEST_SUITE_BEGIN("deploy: doctor");

TEST_CASE("an sshd that takes any environment from a login is a problem for deploy keys") {
    const auto verdicts_on = [](std::string_view effective) {
        std::vector<Verdict> verdicts;
        for (const Finding& finding : judge_sshd(effective))
            verdicts.push_back(finding.verdict);
        return verdicts;
    };
    using Verdicts = std::vector<Verdict>;
    CHECK(verdicts_on("port 22\npubkeyauthentication yes\nacceptenv LANG\nacceptenv LC_*\n") ==
          Verdicts{Verdict::ok});
    CHECK(verdicts_on("") == Verdicts{Verdict::ok});
    CHECK(verdicts_on("acceptenv LANG *\n") == Verdicts{Verdict::problem});
    CHECK(verdicts_on("acceptenv SHIPIT_*\nacceptenv BASH_ENV\n") ==
          Verdicts{Verdict::problem, Verdict::problem});
    CHECK(verdicts_on("pubkeyauthentication no\n") == Verdicts{Verdict::note});
}

TEST_CASE("a disk has room if a release like the greatest fits several times") {
    CHECK(verdict_on(free_space(gigabyte)) == Verdict::ok);
    CHECK(verdict_on(free_space(100 * megabyte)) == Verdict::note);
    CHECK(verdict_on(free_space(100 * kilobyte)) == Verdict::problem);
    const Need need{gigabyte, 50'000, "v3 of 'blog'"};
    CHECK(verdict_on(free_space(4 * gigabyte), need) == Verdict::ok);
    CHECK(verdict_on(free_space(2 * gigabyte), need) == Verdict::note);
    CHECK(verdict_on(free_space(gigabyte - 1), need) == Verdict::problem);
    const Finding full = judge_disk(free_space(512 * megabyte), need);
    CHECK(full.what.find("v3 of 'blog' takes 1.0 GB and 50000 files") != std::string::npos);
    CHECK(full.next.find("shipit prune --all") != std::string::npos);
}

TEST_CASE("inodes count as room does, where the file system counts them") {
    const Need need{megabyte, 50'000, "v3 of 'blog'"};
    CHECK(verdict_on(free_space(gigabyte, 1'000'000), need) == Verdict::ok);
    CHECK(verdict_on(free_space(gigabyte, 100'000), need) == Verdict::note);
    CHECK(verdict_on(free_space(gigabyte, 50'000), need) == Verdict::problem);
    CHECK(verdict_on(free_space(gigabyte, 10)) == Verdict::problem);
    CHECK(verdict_on({gigabyte, 100 * gigabyte, 0, 0}, need) == Verdict::ok); // btrfs
}

TEST_CASE("a clock is wrong if something was done later than now, but for a moment") {
    const WallTime now = sys::now();
    CHECK(judge_clock(now, {}).verdict == Verdict::ok);
    CHECK(judge_clock(now, Past{now - std::chrono::hours(1), "x"}).verdict == Verdict::ok);
    CHECK(judge_clock(now, Past{now + std::chrono::seconds(5), "x"}).verdict == Verdict::ok);
    const Finding behind =
        judge_clock(now, Past{now + std::chrono::hours(1), "v3 of 'blog' was made"});
    CHECK(behind.verdict == Verdict::problem);
    CHECK(behind.what.find("v3 of 'blog' was made") != std::string::npos);
    CHECK_FALSE(behind.next.empty());
}

TEST_CASE("an app that is damaged all over is told of, check by check") {
    const TestFolder root;
    const App app = create_app(Host{root.path(), {}, {}}, AppName::parse("blog"));
    CHECK(has(examine_app(app), "release", Verdict::note)); // nothing is deployed yet
    CHECK(has(examine_app(app), "settings", Verdict::ok));
    sys::replace(app.layout.app_toml(), "[app", 0644);
    sys::replace(app.layout.config_toml(), "=", 0600);
    sys::replace(app.layout.current(), "no link", 0644);
    sys::replace(app.layout.manifest(ReleaseNumber(1)), "", 0600);
    const Findings findings = examine_app(app);
    for (const char* about : {"settings", "config vars", "release", "records"})
        CHECK_MESSAGE(has(findings, about, Verdict::problem), std::string(about));
}

TEST_CASE("each finding has a subject and words, and looking at a host changes nothing below it") {
    const TestFolder folder;
    const Host host{folder / "root", {}, {}};
    const Findings findings = examine_host(host);
    CHECK(findings.size() >= 8);
    for (const Finding& finding : findings) {
        CHECK_FALSE(finding.about.empty());
        CHECK_FALSE(finding.what.empty());
        CHECK((finding.verdict == Verdict::ok || !finding.next.empty()));
    }
    CHECK(sys::names_in(folder.path()).empty());
}

TEST_CASE("the trial of a doctor that was killed goes with the next, not that of one at work") {
    const TestFolder root;
    const auto start = sys::start_time_of(::getpid()).value();
    const std::string at_work = fmt::format(".doctor-{}.{}-abcdef", ::getpid(), start);
    const std::string killed = fmt::format(".doctor-{}.{}-abcdef", ::getpid(), start - 1);
    for (const std::string& name : {at_work, killed, std::string(".doctor-notes"),
                                    std::string(".doctor-1-2"), std::string("blog")})
        sys::make_folders(root / name, 0755);
    sys::replace_durably(root / killed / "lock", "", 0600);
    (void)check_names({root.path(), {"alice", ""}, {}});
    CHECK(sys::names_in(root.path()) ==
          std::vector<std::string>{".doctor-1-2", at_work, ".doctor-notes", "blog"});
}
