#include "core/deploy/follow.hpp"

#include "core/base/error.hpp"
#include "core/deploy/transcript.hpp"
#include "tests/unit/blog_app.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <thread>

using namespace shipit;
using namespace shipit::deploy;
using shipit::tests::Blog;
using shipit::tests::TestFolder;

namespace {

using End = Followed::End;

// `texts` of the lines, without their times.
Followed followed(const Blog& blog, ReleaseNumber release,
                  std::vector<std::string>* texts = nullptr) {
    return follow(blog.app, release, -1, [texts](std::string_view line) {
        if (texts != nullptr)
            texts->emplace_back(line.substr(line.find(' ') + 1));
    });
}

ReleaseNumber first_release(const Blog& blog) {
    blog.write("page", "one");
    return blog.release();
}

// As the command that takes it live has it.
std::unique_ptr<Transcript> begun_for(const Blog& blog, ReleaseNumber release) {
    auto transcript = std::make_unique<Transcript>(blog.app.layout.transcript(release));
    transcript->hold();
    transcript->add("v1: First");
    return transcript;
}

} // namespace

TEST_SUITE_BEGIN("deploy: following a change");

TEST_CASE("how a change ended is read off its last line alone") {
    const auto status = [](std::string_view text) {
        return Transcript::exit_status_in("2026-11-27T12:00:00.000Z " + std::string(text));
    };
    CHECK(status("ended with exit status 0: v1 is live and good") == 0);
    CHECK(status("ended with exit status 130: interrupted") == 130);
    for (const char* text : {"live", "ended with exit status", "ended with exit status x: y",
                             "it ended with exit status 0: y", "ended with exit status 0"})
        CHECK_MESSAGE(!status(text), text);
    CHECK_FALSE(Transcript::exit_status_in(""));
    CHECK_FALSE(Transcript::exit_status_in("ended with exit status 0: no time"));
}

TEST_CASE("a transcript counts as being written from hold() on, for as long as it is there") {
    const TestFolder folder;
    const auto file = folder / "v1.log";
    CHECK_FALSE(Transcript::is_being_written(file));
    {
        Transcript hooks(file); // appends a line, and nobody waits for it
        CHECK_FALSE(Transcript::is_being_written(file));
        Transcript transcript(file);
        transcript.hold();
        CHECK(Transcript::is_being_written(file));
        Transcript another(file);
        another.hold();
    }
    CHECK_FALSE(Transcript::is_being_written(file));
}

TEST_CASE("who follows gets what is there and what comes, and the status, as soon as it is over") {
    const Blog blog;
    const auto release = first_release(blog);
    auto transcript = begun_for(blog, release);
    const auto begun = std::chrono::steady_clock::now();
    std::thread writer([&] {
        transcript->add("live");
        transcript->end(3, "it answered 500\nand more");
        transcript.reset();
    });
    std::vector<std::string> texts;
    const auto end = followed(blog, release, &texts);
    writer.join();
    CHECK(end.end == End::told);
    CHECK(end.exit_status == 3);
    CHECK(texts == std::vector<std::string>{"v1: First", "live",
                                            "ended with exit status 3: it answered 500"});
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}

TEST_CASE("what has ended, and what never told how, is shown as it is") {
    const Blog blog;
    const auto release = first_release(blog);
    CHECK_THROWS_AS((void)followed(blog, release), Error); // it has no transcript
    CHECK_THROWS_AS((void)followed(blog, ReleaseNumber(9)), Error);
    Transcript transcript(blog.app.layout.transcript(release));
    transcript.add("v1: First");
    CHECK(followed(blog, release).end == End::not_told);
    transcript.end(0, "v1 is live and good");
    transcript.add("hooks.crashed: notify"); // long after
    CHECK(followed(blog, release).exit_status == 0);
    CHECK(followed(blog, release).end == End::told);
    transcript.add("v1: First"); // a restart, which was killed
    CHECK(followed(blog, release).end == End::not_told);
}

TEST_CASE("a writer that is gone without a word has been cut short") {
    const Blog blog;
    const auto release = first_release(blog);
    auto transcript = begun_for(blog, release);
    std::thread killer;
    const auto end = follow(blog.app, release, -1, [&](std::string_view) {
        killer = std::thread([&] { transcript.reset(); }); // the follower has seen it at work
    });
    killer.join();
    CHECK(end.end == End::cut_short);
}

TEST_CASE("an end that a release command has made up is not believed of a release that failed") {
    const Blog blog;
    const auto release = blog.failed();
    Transcript transcript(blog.app.layout.transcript(release));
    transcript.add("v1: First\nended with exit status 0: v1 is live and good");
    CHECK(followed(blog, release).end == End::not_told);
    transcript.end(3, "it answered 500");
    CHECK(followed(blog, release).exit_status == 3);
}

TEST_CASE("without a number, the release that is worked on is followed, else the newest") {
    const Blog blog;
    CHECK_FALSE(release_to_follow(blog.app, -1));
    blog.write("page", "one");
    const auto live = blog.release();
    const auto failed = blog.failed();
    CHECK(release_to_follow(blog.app, -1) == failed);
    Transcript restart(blog.app.layout.transcript(live));
    restart.hold();
    CHECK(release_to_follow(blog.app, -1) == live);
    Transcript deploy(blog.app.layout.transcript(failed));
    deploy.hold();
    CHECK(release_to_follow(blog.app, -1) == failed);
}

TEST_CASE("while a deploy packs, its release is waited for, and a prune makes none") {
    const Blog blog;
    blog.write("page", "one");
    const auto first = blog.release();
    {
        const auto lock = blog.app.lock("prune", std::chrono::milliseconds(0));
        CHECK(release_to_follow(blog.app, -1) == first);
    }
    std::optional<AppLock> lock(blog.app.lock("deploy", std::chrono::milliseconds(0)));
    std::thread deploy([&] {
        (void)blog.failed();
        lock.reset();
    });
    CHECK(release_to_follow(blog.app, -1) == ReleaseNumber(2));
    deploy.join();
}

TEST_SUITE_END();
