#include "core/release/ledger.hpp"

#include "core/base/error.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::release;
using shipit::tests::TestFolder;

namespace {

SlugId slug(char digit) {
    return *SlugId::parse(std::string(32, digit));
}

// An app of its own, in a folder of its own.
struct App {
    App() { make_app_folders(layout()); }
    Layout layout() const { return {root.path(), AppName::parse("blog")}; }
    Ledger ledger() const { return Ledger(layout()); }
    Marks marks() const { return Marks(layout()); }
    Manifest draft(char digit = 'a') const {
        Manifest manifest{.number = ReleaseNumber(1), .app = layout().app};
        manifest.slug = SlugFacts{slug(digit), 10, 20, 1, std::string(64, digit)};
        return manifest;
    }
    // A release that went live, with its slug there.
    ReleaseNumber released(char digit) const {
        auto manifest = ledger().begin(draft(digit));
        manifest.status = Status::succeeded;
        manifest.evidence.live_at = manifest.created_at;
        ledger().save(manifest);
        sys::replace_durably(layout().slug(slug(digit)), "slug", 0600);
        ledger().point_at(manifest.number, slug(digit));
        return manifest.number;
    }
    TestFolder root;
};

template <class Action>
std::string complaint(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.why() + " | " + error.next();
    }
    return "none";
}

// A process that has come and gone.
Deployer somebody_gone() {
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(0);
    const auto start = sys::start_time_of(child).value_or(0);
    (void)::waitpid(child, nullptr, 0);
    return {{child, start}, sys::boot_id()};
}

} // namespace

TEST_SUITE_BEGIN("release: ledger");

TEST_CASE("releases are numbered from v1 on, and recorded for their owner only") {
    const App app;
    CHECK(app.ledger().numbers().empty());
    const auto first = app.ledger().begin(app.draft());
    const auto second = app.ledger().begin(app.draft());
    CHECK(first.number == ReleaseNumber(1));
    CHECK(second.number == ReleaseNumber(2));
    CHECK(app.ledger().load(first.number) == first);
    CHECK(first.status == Status::pending);
    struct stat status {};
    REQUIRE(::stat(app.layout().manifest(first.number).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("a number is never used again, though all files of its release are gone") {
    const App app;
    for (int i = 0; i < 3; ++i)
        (void)app.ledger().begin(app.draft());
    for (const std::uint64_t number : {2U, 3U})
        sys::remove_file(app.layout().manifest(ReleaseNumber(number)));
    CHECK(app.ledger().begin(app.draft()).number == ReleaseNumber(4));
    sys::remove_file(app.layout().last_number());
    CHECK(app.ledger().begin(app.draft()).number == ReleaseNumber(5));
}

TEST_CASE("a transcript or a link uses a number up, and a junk high-water mark does not matter") {
    const App app;
    sys::replace_durably(app.layout().transcript(ReleaseNumber(7)), "", 0600);
    sys::replace_durably(app.layout().last_number(), "v99999999999999999999999\n", 0600);
    CHECK(app.ledger().begin(app.draft()).number == ReleaseNumber(8));
    sys::replace_link_durably(app.layout().release_link(ReleaseNumber(9)), "../trees/x");
    CHECK(app.ledger().begin(app.draft()).number == ReleaseNumber(10));
    sys::replace_link_durably(app.layout().release_link(ReleaseNumber(20)), "../trees/x");
    (void)app.ledger().tidy();
    CHECK(app.ledger().begin(app.draft()).number == ReleaseNumber(21));
}

TEST_CASE("a release that is too large to be read again is refused and takes no number") {
    const App app;
    auto draft = app.draft();
    for (int i = 0; i < 20; ++i)
        draft.spec.processes.push_back(
            {.name = "p" + std::to_string(i), .command = std::string(64 << 10, 'x')});
    CHECK(complaint([&] { (void)app.ledger().begin(draft); }).find("together") !=
          std::string::npos);
    CHECK(app.ledger().begin(app.draft()).number == ReleaseNumber(1));
}

TEST_CASE("a description without end is cut, not refused") {
    const App app;
    auto draft = app.draft();
    for (int i = 0; i < 1000'000; ++i)
        draft.description += "\xC3\xA4";
    const auto begun = app.ledger().begin(draft);
    const auto description = app.ledger().load(begun.number).description;
    CHECK(description.size() == 16 << 10);
    CHECK(is_utf8(description));
}

TEST_CASE("numbers are sorted as numbers, and files with other names are no releases") {
    const App app;
    for (int i = 0; i < 11; ++i)
        (void)app.ledger().begin(app.draft());
    for (const char* junk :
         {"v0.toml", "v012.toml", "x.toml", "v1.toml.bak", ".new-v5.toml-aaaaaa"})
        sys::replace_durably(app.layout().releases() / junk, "junk", 0600);
    const auto numbers = app.ledger().numbers();
    REQUIRE(numbers.size() == 11);
    CHECK(numbers.back() == ReleaseNumber(11));
    CHECK(numbers[1] == ReleaseNumber(2));
}

TEST_CASE("a listing is newest first, parses what it shows, and shows what cannot be read") {
    const App app;
    for (int i = 0; i < 3; ++i)
        (void)app.ledger().begin(app.draft());
    sys::replace_durably(app.layout().manifest(ReleaseNumber(2)), "junk", 0600);
    sys::replace_durably(app.layout().manifest(ReleaseNumber(1)), "junk", 0600);
    const auto entries = app.ledger().newest(2);
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].number == ReleaseNumber(3));
    CHECK(entries[0].manifest);
    CHECK_FALSE(entries[1].manifest);
    CHECK(entries[1].complaint.find("v2.toml") != std::string::npos);
}

TEST_CASE("a listing is complete whatever the high-water mark says") {
    const App app;
    for (int i = 0; i < 5; ++i)
        (void)app.ledger().begin(app.draft());
    sys::remove_file(app.layout().manifest(ReleaseNumber(4)));
    const auto file = app.layout().last_number();
    SUBCASE("the truth") {}
    SUBCASE("too little") {
        sys::replace_durably(file, "v2\n", 0600);
    }
    SUBCASE("too much") {
        sys::replace_durably(file, "v50\n", 0600);
    }
    SUBCASE("far too much") {
        sys::replace_durably(file, "v900000000\n", 0600);
    }
    SUBCASE("junk") {
        sys::replace_durably(file, "junk", 0600);
    }
    SUBCASE("nothing") {
        sys::remove_file(file);
    }
    std::string listed;
    for (const Entry& entry : app.ledger().newest(3))
        listed += entry.number.text();
    CHECK(listed == "v5v3v2");
    CHECK(app.ledger().newest(10).size() == 4);
    CHECK(complaint([&] { app.ledger().check_is_there(ReleaseNumber(50)); }) ==
          "there is no release v50 of 'blog' | the nearest is v5, the newest; 'shipit releases' "
          "lists them");
}

TEST_CASE("a release that does not exist is told of with what to do") {
    CHECK(complaint([] { (void)App().ledger().load(ReleaseNumber(5)); }) ==
          "there is no release v5 of 'blog' | it has none yet: 'shipit deploy' makes the first");
}

TEST_CASE(
    "a manifest that is a link, a folder or a FIFO is refused without being opened for long") {
    const App app;
    sys::replace_link_durably(app.layout().manifest(ReleaseNumber(1)), "/etc/passwd");
    sys::make_folders(app.layout().manifest(ReleaseNumber(2)), 0755);
    REQUIRE(::mkfifo(app.layout().manifest(ReleaseNumber(3)).c_str(), 0600) == 0);
    for (const std::uint64_t number : {1U, 2U, 3U}) {
        const auto told = complaint([&] { (void)app.ledger().load(ReleaseNumber(number)); });
        CHECK(told != "none");
        CHECK(told.find("root:") == std::string::npos);
    }
    CHECK(app.ledger().newest(10).size() == 3);
}

TEST_CASE("a pending release is pending while its deployer lives") {
    const App app;
    const auto begun = app.ledger().begin(app.draft());
    CHECK(app.ledger().load(begun.number).status == Status::pending);
    CHECK(app.ledger().tidy().empty());
    CHECK(app.ledger().load(begun.number).status == Status::pending);
}

TEST_CASE("a pending release whose deployer is gone is failed, and tidying records it") {
    const App app;
    auto begun = app.ledger().begin(app.draft());
    SUBCASE("its process ended") {
        begun.deployer = somebody_gone();
    }
    SUBCASE("its pid is somebody else's now") {
        begun.deployer->process.start_time += 1;
    }
    SUBCASE("the host was booted since") {
        begun.deployer->boot = "another";
    }
    SUBCASE("nobody is known") {
        begun.deployer.reset();
    }
    app.ledger().save(begun);
    const auto seen = app.ledger().load(begun.number);
    CHECK(seen.status == Status::failed);
    CHECK(seen.evidence.why_failed.rfind("interrupted", 0) == 0);
    CHECK(app.ledger().tidy().size() == 1);
    CHECK(app.ledger().tidy().empty());
    const auto recorded = app.ledger().load(begun.number);
    CHECK(recorded.status == Status::failed);
    CHECK(recorded.evidence.ended_at);
    CHECK_FALSE(recorded.deployer);
}

TEST_CASE("a release whose deployer died just before the switch has failed, not succeeded") {
    const App app;
    const auto live = app.released('a');
    auto begun = app.ledger().begin(app.draft('b'));
    begun.status = Status::succeeded;
    begun.evidence.live_at = begun.created_at;
    app.ledger().save_before_switch(begun);
    CHECK(app.ledger().load(begun.number).status == Status::pending); // we are its deployer
    begun.deployer = somebody_gone();
    app.ledger().save_before_switch(begun);
    const auto seen = app.ledger().load(begun.number);
    CHECK(seen.status == Status::failed);
    CHECK_FALSE(seen.evidence.live_at);
    CHECK(app.ledger().tidy().size() == 1);
    CHECK(app.ledger().load(begun.number).status == Status::failed);
    CHECK(app.ledger().current() == live);
}

TEST_CASE("a release whose deployer died just after the switch is live, and the one before ended") {
    const App app;
    const auto before = app.released('a');
    auto begun = app.ledger().begin(app.draft('b'));
    begun.status = Status::succeeded;
    begun.evidence.live_at = begun.created_at;
    begun.deployer = somebody_gone();
    begun.deployer->sets_config = true;
    app.ledger().save_before_switch(begun);
    app.ledger().point_at(begun.number, slug('b'));
    CHECK(app.ledger().load(begun.number).status == Status::succeeded);
    CHECK(app.ledger().tidy().empty());
    const auto seen = app.ledger().load(begun.number);
    CHECK(seen.status == Status::succeeded);
    CHECK(seen.deployer->sets_config); // what is left to do is known
    CHECK_FALSE(seen.evidence.ended_at);
    CHECK(app.ledger().load(before).evidence.ended_at);
}

TEST_CASE("leftovers of interrupted commands go, everything else stays") {
    const App app;
    (void)app.released('a');
    const Layout layout = app.layout();
    sys::make_folders(layout.trees() / ".new-abc123/deep", 0755);
    sys::make_folders(layout.trees() / (".trash-" + slug('b').text()), 0755);
    sys::replace_durably(layout.releases() / ".new-v3.toml-abcdef", "half", 0600);
    sys::replace_durably(layout.folder() / ".new-app.toml-abcdef", "half", 0600);
    sys::replace_durably(layout.folder() / ".mine", "kept", 0600);
    app.marks().set(MarkKind::good, ReleaseNumber(1), {});
    sys::replace_durably(layout.marks() / "good/.new-v2-abcdef", "half", 0600);
    CHECK(app.ledger().tidy().size() == 5);
    CHECK(sys::names_in(layout.trees()).empty());
    CHECK(sys::names_in(layout.releases()) ==
          std::vector<std::string>{".last", slug('a').text() + ".tar.zst", "v1", "v1.toml"});
    CHECK(sys::is_there(layout.folder() / ".mine"));
    CHECK(app.marks().get(MarkKind::good, ReleaseNumber(1)));
}

TEST_CASE("where the app is in order, no folder that grows with its releases is read") {
    const App app;
    auto begun = app.ledger().begin(app.draft());
    begun.deployer = somebody_gone();
    app.ledger().save(begun);
    const Layout layout = app.layout();
    sys::replace_durably(layout.releases() / ".new-v3.toml-abcdef", "half", 0600);
    sys::make_folders(layout.trees() / ".new-abcdef", 0755);
    sys::make_folders(layout.folder() / ".build-abcdef", 0755); // made before the lock was taken
    CHECK(app.ledger().tidy(true).size() == 2);
    CHECK(app.ledger().load(begun.number).deployer == std::nullopt);
    CHECK_FALSE(sys::is_there(layout.folder() / ".build-abcdef"));
    CHECK(app.ledger().tidy(false).size() == 2);
}

TEST_CASE("what is live is what the current link says") {
    const App app;
    CHECK_FALSE(app.ledger().current());
    app.ledger().point_at(ReleaseNumber(3), slug('a'));
    CHECK(app.ledger().current() == ReleaseNumber(3));
    CHECK(app.ledger().tree_of(ReleaseNumber(3)) == slug('a'));
    CHECK(sys::link_target(app.layout().current()) == "releases/v3");
    app.ledger().point_at(ReleaseNumber(4), slug('b'));
    CHECK(app.ledger().current() == ReleaseNumber(4));
    sys::make_folders(app.layout().tree(slug('b')), 0755);
    CHECK(std::filesystem::canonical(app.layout().current()) ==
          std::filesystem::canonical(app.layout().tree(slug('b'))));
}

TEST_CASE("a current that is not shipit's link is refused with what to do, and not replaced") {
    const App app;
    const auto current = app.layout().current();
    SUBCASE("a folder") {
        sys::make_folders(current, 0755);
    }
    SUBCASE("a file") {
        sys::replace_durably(current, "", 0644);
    }
    SUBCASE("a link to elsewhere") {
        sys::replace_link_durably(current, "/srv/blog");
    }
    SUBCASE("an absolute link") {
        sys::replace_link_durably(current, app.layout().release_link(ReleaseNumber(1)).string());
    }
    SUBCASE("a link to itself") {
        sys::replace_link_durably(current, "current");
    }
    const auto told = complaint([&] { (void)app.ledger().current(); });
    CHECK(told.find("current'") != std::string::npos);
    CHECK(told.find("move it away") != std::string::npos);
    CHECK(complaint([&] { app.ledger().point_at(ReleaseNumber(1), slug('a')); }) == told);
    CHECK_FALSE(sys::is_there(app.layout().release_link(ReleaseNumber(1))));
}

TEST_CASE("facts tell marks, slugs and states of releases") {
    const App app;
    const auto first = app.released('a');
    const auto second = app.released('b');
    (void)app.ledger().begin(app.draft('c'));
    app.marks().set(MarkKind::good, first, {"alice", {}, ""});
    app.marks().set(MarkKind::bad, second, {"bob", {}, "500s"});
    app.marks().set(MarkKind::pin, first, {"alice", {}, "spring"});
    const auto facts = app.ledger().facts(app.marks());
    REQUIRE(facts.size() == 3);
    CHECK(facts[0].good);
    CHECK(facts[0].pinned);
    CHECK(facts[0].was_live);
    CHECK(facts[0].slug_there);
    CHECK(facts[1].bad);
    CHECK(facts[1].why == "500s");
    CHECK(facts[1].content != facts[0].content);
    CHECK(facts[2].status == Status::pending);
    CHECK_FALSE(facts[2].slug_there);
}

TEST_CASE("a rollback finds its target behind more failures than it looks at first") {
    const App app;
    const auto proven = app.released('a');
    app.marks().set(MarkKind::good, proven, {});
    for (int i = 0; i < 80; ++i) {
        auto manifest = app.ledger().begin(app.draft('b'));
        manifest.status = Status::failed;
        app.ledger().save(manifest);
    }
    (void)app.released('c');
    CHECK(choose_rollback(app.ledger(), app.marks()).target == proven);
}

TEST_CASE("however long the past is, and whatever is in it, the way back is as if all were read") {
    const App app;
    const auto first = app.released('a');
    SUBCASE("nothing in it is good, but for what ran") {}
    SUBCASE("one is good, far back") {
        app.marks().set(MarkKind::good, first, {});
    }
    for (std::uint64_t i = 0; i < 400; ++i) {
        auto manifest = app.ledger().begin(app.draft(i % 3 == 0 ? 'b' : 'c'));
        manifest.status = i % 5 == 0 ? Status::expired : Status::failed;
        if (i % 7 == 0)
            manifest.evidence.why_failed = "it said \"no\"\nand ended";
        if (i % 11 == 0)
            manifest.rollback_of = ReleaseNumber(1);
        app.ledger().save(manifest);
        if (i % 13 == 0)
            app.marks().set(MarkKind::bad, manifest.number, {"bob", {}, "500s"});
    }
    sys::replace_durably(app.layout().manifest(ReleaseNumber(9)), "junk", 0600);
    const auto live = app.released('d');
    for (const Restores what : {Restores::all, Restores::code, Restores::config}) {
        const auto expected = rollback_target(app.ledger().facts(app.marks()), live, what);
        const auto found = choose_rollback(app.ledger(), app.marks(), what);
        CHECK(found.target == expected.target);
        CHECK(found.skipped == expected.skipped);
        CHECK(found.from == expected.from);
        CHECK(found.note == expected.note);
        const auto brief = choose_rollback(app.ledger(), app.marks(), what, 10);
        CHECK(brief.target == expected.target);
        REQUIRE(brief.skipped.size() == expected.skipped.size());
        for (std::size_t i = 0; i < brief.skipped.size(); ++i) {
            CHECK(brief.skipped[i].number == expected.skipped[i].number);
            CHECK((i >= 10 || brief.skipped[i] == expected.skipped[i]));
        }
    }
}

TEST_CASE("a clock set back a year between two releases changes nothing about the way back") {
    const App app;
    const std::string digits = "abcd";
    std::vector<ReleaseNumber> releases;
    for (const char digit : digits) {
        releases.push_back(app.released(digit));
        app.marks().set(MarkKind::good, releases.back(), {});
    }
    auto manifest = app.ledger().load(releases[2]); // and the next one is right again
    manifest.created_at -= std::chrono::hours(24 * 365);
    manifest.evidence.live_at = manifest.created_at;
    app.ledger().save(manifest);
    CHECK(choose_rollback(app.ledger(), app.marks()).target == releases[2]);
    app.marks().set(MarkKind::bad, releases[2], {});
    CHECK(choose_rollback(app.ledger(), app.marks()).target == releases[1]);
    CHECK(app.ledger().newest(1).at(0).number == releases[3]);
    CHECK(app.ledger().begin(app.draft()).number == releases[3].following());
}

TEST_CASE("the way forward is found however many rollbacks led here") {
    const App app;
    const ReleaseNumber first = app.released('a');
    for (int i = 0; i < 40; ++i) {
        auto manifest = app.ledger().load(app.released('b'));
        manifest.rollback_of = first;
        manifest.is_undo = i >= 20; // as many as rollbacks: all is undone but the one that follows
        app.ledger().save(manifest);
    }
    const auto live = *app.ledger().current();
    CHECK_FALSE(choose_undo(app.ledger(), app.marks(), live).target);
    auto manifest = app.ledger().load(live);
    manifest.is_undo = false;
    app.ledger().save(manifest);
    CHECK(choose_undo(app.ledger(), app.marks(), live).target == ReleaseNumber(40));
}

TEST_CASE("a barrier counts for what is before it, and needs no manifest to be read") {
    const App app;
    const ReleaseNumber before = app.released('a');
    const ReleaseNumber barrier = app.released('b');
    (void)app.released('c');
    app.marks().set(MarkKind::good, before, {});
    app.marks().set(MarkKind::good, barrier, {});
    CHECK(app.ledger().eligibility(app.marks(), before).advisable);
    app.marks().set(MarkKind::barrier, barrier, {});
    sys::replace_durably(app.layout().manifest(barrier), "junk", 0600);
    const auto eligible = app.ledger().eligibility(app.marks(), before);
    CHECK(eligible.possible);
    CHECK_FALSE(eligible.advisable);
    CHECK(eligible.why == "is from before v2, which cannot be undone: it takes --force");
    CHECK(app.ledger().eligibility(app.marks(), before, Restores::config).advisable);
}

TEST_CASE("listing ten thousand releases costs no more than looking at their names") {
    const App app;
    auto manifest = app.ledger().begin(app.draft());
    const auto text = written(manifest);
    for (std::uint64_t number = 2; number <= 10'000; ++number) {
        const auto file =
            sys::open_file(app.layout().manifest(ReleaseNumber(number)), O_WRONLY | O_CREAT, 0600);
        auto own = text;
        own.replace(own.find("version = 1\n"), 12, "version = " + std::to_string(number) + "\n");
        sys::write_all(file.get(), own, "manifest");
    }
    sys::replace_durably(app.layout().last_number(), "v10000\n", 0600);
    // Processor time of this process, as others may be busy; to read all takes seconds.
    const auto time_of = [](const auto& work) {
        const auto begin = std::clock();
        work();
        return std::clock() - begin;
    };
    const auto names = time_of([&] { (void)app.ledger().numbers(); });
    CHECK(time_of([&] { CHECK(app.ledger().newest(15).size() == 15); }) < 2 * names);
    CHECK(app.ledger().newest(1).at(0).number == ReleaseNumber(10'000));
}
