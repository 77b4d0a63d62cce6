#include "core/base/error.hpp"
#include "core/slug/verify.hpp"
#include "tests/unit/as_nobody.hpp"
#include "tests/unit/cloning_disk.hpp"
#include "tests/unit/few_descriptors.hpp"
#include "tests/unit/slug_support.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>

#include <sys/resource.h>

using namespace shipit;
using namespace shipit::tests;

namespace {

// Changes one byte of the only slug.
void flip(const SlugFolder& folder, const std::string& at) {
    run(folder.path(),
        "python3 -c \"import glob\nf=open(glob.glob('releases/*.zst')[0],'r+b'); d=f.read(); i=" +
            at + "\nf.seek(i); f.write(bytes([d[i]^1]))\"");
}

slug::UnpackOptions expecting(std::string sha256, std::optional<gid_t> group = {}) {
    slug::UnpackOptions options;
    options.sha256 = std::move(sha256);
    options.group = group;
    options.threads = 3;
    return options;
}

Outcome outcome_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.outcome();
    }
    return Outcome::done;
}

} // namespace

TEST_SUITE_BEGIN("slug::unpack");

TEST_CASE("a tree is the build again: contents, modes, links, whole seconds of times") {
    SlugFolder folder;
    folder.run_in_build(everything);
    slug::PackOptions options;
    SUBCASE("in usual frames") {}
    SUBCASE("in small frames") {
        options.cut.most = 32 << 10;
    }
    const auto packed = folder.pack(options);
    const auto tree = folder.unpack(packed, expecting(packed.sha256));
    run(folder.path(), "diff -r --no-dereference build '" + tree.string() + "'");
    const std::string facts = "find . -mindepth 1 -printf '%p %y %m %T@ %l %n\\n' | sed "
                              "'s/\\.0000000000//' | LC_ALL=C sort";
    CHECK(run(folder.build(), facts) == run(tree, facts));
    CHECK(run(folder.path(), "ls -A trees").find(".new-") == std::string::npos);
}

TEST_CASE("unpacking again does nothing") {
    SlugFolder folder;
    folder.run_in_build("echo 1 > a");
    const auto packed = folder.pack();
    (void)folder.unpack(packed);
    const auto before = run(folder.path(), "ls -lid trees/*");
    (void)folder.unpack(packed);
    CHECK(run(folder.path(), "ls -lid trees/*") == before);
}

namespace {

// As after a reboot: the stamp is of another run of the machine.
void reboot(const SlugFolder& folder) {
    run(folder.trees(), "sed -i 's/^boot .*/boot 00000000-0000-0000-0000-000000000000/' *.stamp");
}

std::vector<std::string> warnings_of_unpacking(const SlugFolder& folder, const slug::Packed& packed,
                                               slug::IsOurs is_ours = {}) {
    std::vector<std::string> warnings;
    slug::UnpackOptions options;
    options.is_ours = std::move(is_ours);
    options.progress.warn = [&](const std::string& warning) { warnings.push_back(warning); };
    (void)folder.unpack(packed, options);
    return warnings;
}

} // namespace

TEST_CASE("a tree that was not on the disk when the power went is unpacked again") {
    SlugFolder folder;
    folder.run_in_build("echo 1 > a; echo 2 > b");
    const auto packed = folder.pack();
    const auto tree = folder.unpack(packed);
    const auto inode = "ls -id '" + tree.string() + "'";
    const auto before = run(tree, inode);
    SUBCASE("") {
        reboot(folder);
        (void)folder.unpack(packed);
        CHECK(run(tree, inode) != before);
    }
    SUBCASE("and one that was flushed is not") {
        slug::flush_tree(packed.id, folder.trees());
        reboot(folder);
        (void)folder.unpack(packed);
        CHECK(run(tree, inode) == before);
    }
}

TEST_CASE("flushing what is not there, or was unpacked before a power cut, promises nothing") {
    SlugFolder folder;
    folder.run_in_build("echo 1 > a");
    const auto packed = folder.pack();
    slug::flush_tree(packed.id, folder.trees());
    CHECK(run(folder.trees(), "ls").empty());
    (void)folder.unpack(packed);
    reboot(folder);
    slug::flush_tree(packed.id, folder.trees());
    CHECK(run(folder.trees(), "grep flushed *.stamp") == "flushed no\n");
}

TEST_CASE("files that were changed in a tree are brought back, and named") {
    SlugFolder folder;
    folder.run_in_build("mkdir d; seq 1000 > d/a; echo b > b; echo c > c; ln -s b l; seq 9 > keep; "
                        "head -c 5000000 /dev/urandom > big; chmod 755 c");
    const auto packed = folder.pack();
    const auto tree = folder.unpack(packed);
    const auto inode = "ls -id .";
    const auto before = run(tree, inode);
    CHECK(warnings_of_unpacking(folder, packed).empty());
    run(tree, "echo edited >> d/a; rm b; chmod 644 c; ln -sfn /etc l; echo mine > extra; "
              "printf changed. | dd of=big bs=1 seek=3000000 conv=notrunc status=none");
    const auto warnings = warnings_of_unpacking(folder, packed);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("'b', 'big', 'c' and 2 more changed") != std::string::npos);
    CHECK(run(tree, "cat extra; rm extra") == "mine\n");
    run(folder.path(), "diff -r --no-dereference build '" + tree.string() + "'");
    CHECK(run(tree, inode) == before);
    CHECK(run(tree, "stat -c %a c") == "755\n");
    CHECK(warnings_of_unpacking(folder, packed).empty());
    CHECK(run(folder.path(), "ls -A trees").find(".new-") == std::string::npos);
}

TEST_CASE("what is in a folder that its owner may not write to is brought back, too") {
    SlugFolder folder;
    folder.run_in_build("mkdir d; echo 1 > d/a; echo 2 > b; chmod 555 d");
    const auto packed = folder.pack();
    run(folder.path(), "chown -R 65534 . || :");
    const auto unpacked = [&] {
        const AsNobody nobody;
        return warnings_of_unpacking(folder, packed).size();
    };
    CHECK(unpacked() == 0);
    const auto tree = folder.trees() / packed.id.text();
    run(tree, "chmod u+w d/a; echo edited > d/a; touch -d 2001-01-01 d/a");
    CHECK(unpacked() == 1);
    CHECK(unpacked() == 0);
    run(folder.path(), "diff -r build '" + tree.string() + "'");
    run(folder.path(), "chmod -R u+w build trees");
}

TEST_CASE("what an app makes in its tree stops no look at it") {
    SlugFolder folder;
    folder.run_in_build("mkdir -p d/e; echo 1 > d/e/a; echo 2 > b");
    const auto packed = folder.pack();
    run(folder.path(), "chown -R 65534 . || :");
    const auto warnings = [&] {
        const AsNobody nobody;
        return warnings_of_unpacking(folder, packed).size();
    };
    CHECK(warnings() == 0);
    const auto tree = folder.trees() / packed.id.text();
    SUBCASE("a folder that cannot be entered, or read") {
        run(tree, "mkdir -m 000 d/none; mkdir d/closed; touch d/closed/x; chmod 444 d/closed");
        CHECK(warnings() == 0);
        run(tree, "chmod 755 d/none d/closed");
    }
    SUBCASE("folders in folders, and names without end") {
        run(tree, "python3 -c \"\nimport os\nfor _ in range(300):\n    n = 'n' * 200\n"
                  "    os.mkdir(n)\n    os.chdir(n)\n    open('f', 'w').close()\"");
        const FewDescriptors few(40);
        CHECK(warnings() == 0);
    }
    SUBCASE("a folder of the slug that cannot be entered any more is opened again") {
        run(tree, "chmod 000 d/e");
        CHECK(warnings() == 1);
        CHECK(run(tree, "cat d/e/a") == "1\n");
    }
}

TEST_CASE("what an app takes away while its tree is looked at stops no look at it") {
    SlugFolder folder;
    folder.run_in_build("mkdir d; echo 1 > d/a; echo 2 > b");
    const auto packed = folder.pack();
    const auto tree = folder.unpack(packed);
    std::atomic<bool> is_over = false;
    std::thread app([&] {
        while (!is_over)
            for (int i = 0; i < 100; i++) {
                const auto made = tree / "d" / std::to_string(i);
                (void)::mkdir(made.c_str(), 0755);
                (void)::symlink("x", (made / "journal").c_str());
                (void)::unlink((made / "journal").c_str());
                (void)::rmdir(made.c_str());
            }
    });
    std::vector<std::string> faults;
    for (int i = 0; i < 300; i++)
        faults.push_back(why_not([&] { CHECK(warnings_of_unpacking(folder, packed).empty()); }));
    is_over = true;
    app.join();
    for (const auto& fault : faults)
        CHECK(fault == "");
}

TEST_CASE("what shipit put into a tree itself is no damage") {
    SlugFolder folder;
    folder.run_in_build("mkdir media; echo 1 > media/a; echo 2 > b");
    const auto packed = folder.pack();
    const auto tree = folder.unpack(packed);
    run(tree, "rm -r media; ln -s ../../shared/media media");
    CHECK(warnings_of_unpacking(folder, packed, [](const std::string& path, const std::string& to) {
              return path == "media" && to == "../../shared/media";
          }).empty());
    CHECK(run(tree, "readlink media") == "../../shared/media\n");
    CHECK(warnings_of_unpacking(folder, packed).size() == 1);
}

TEST_CASE("a whole tree whose slug cannot be read any more is used, with a warning") {
    SlugFolder folder;
    folder.run_in_build("echo 1 > a");
    const auto packed = folder.pack();
    (void)folder.unpack(packed);
    run(folder.path(), "truncate -s -1 releases/*.zst");
    const auto warnings = warnings_of_unpacking(folder, packed);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("is used unchecked") != std::string::npos);
}

TEST_CASE("a tree without its stamp is unpacked again") {
    SlugFolder folder;
    folder.run_in_build("echo 1 > a; echo 2 > b");
    const auto packed = folder.pack();
    const auto tree = folder.unpack(packed);
    run(tree, "rm b; echo garbage > a");
    run(folder.trees(), "rm *.stamp");
    (void)folder.unpack(packed);
    run(folder.path(),
        "diff -r build " + tree.string() + " && ls -A trees | grep -c . | grep -qx 2");
}

TEST_CASE("a tree for an app's group can be read by it and written by nobody but its owner" *
          doctest::skip(::geteuid() != 0)) {
    SlugFolder folder;
    folder.run_in_build("umask 0; mkdir d; echo 1 > d/all; echo 2 > d/own; echo 3 > d/run; chmod "
                        "666 d/all; chmod 600 d/own; "
                        "chmod 777 d/run; chmod 700 d");
    const auto packed = folder.pack();
    const auto tree = folder.unpack(packed, expecting({}, 12345));
    CHECK(run(tree, "stat -c '%a %g %n' . d d/*") ==
          "750 12345 .\n750 12345 d\n644 12345 d/all\n640 12345 d/own\n755 12345 d/run\n");
    CHECK(slug::verify_tree(tree, folder.store.read_list(packed.id),
                            {.group = 12345, .leave_out = {}, .progress = {}})
              .empty());
}

TEST_CASE("a slug whose SHA-256 is not the recorded one is refused, naming both") {
    SlugFolder folder;
    folder.run_in_build("echo 1 > a");
    const auto packed = folder.pack();
    const std::string recorded(64, '0');
    const auto why = why_not([&] { (void)folder.unpack(packed, expecting(recorded)); });
    CHECK(why.find(packed.id.text()) != std::string::npos);
    CHECK(why.find(recorded) != std::string::npos);
    CHECK(why.find(packed.sha256) != std::string::npos);
    CHECK(run(folder.path(), "ls -A trees").empty());
}

TEST_CASE("every flipped byte of a slug is found, by check and by unpacking") {
    SlugFolder folder;
    folder.run_in_build("mkdir d; seq 2000 > d/a; seq 10 > b; ln -s b c");
    const auto packed = folder.pack();
    for (int i = 0; i < 20; i++) {
        const auto at = "(len(d)-1)*" + std::to_string(i) + "//19";
        flip(folder, at);
        CAPTURE(at);
        CHECK(outcome_of([&] { folder.store.check(packed.id, packed.sha256); }) ==
              Outcome::corrupt);
        CHECK(outcome_of([&] { (void)folder.unpack(packed, expecting(packed.sha256)); }) ==
              Outcome::corrupt);
        flip(folder, at);
    }
    CHECK(run(folder.path(), "ls -A trees").empty());
    folder.store.check(packed.id, packed.sha256);
}

TEST_CASE("damage that was copied from the slug before is found beside its tree, too") {
    const CloningDisk disk;
    if (!disk.is_there())
        return;
    SlugFolder folder;
    folder.run_in_build("seq 20000 > kept; echo 1 > new");
    slug::PackOptions options;
    options.cut.most = 32 << 10;
    const auto first = folder.pack(options);
    (void)folder.unpack(first, expecting(first.sha256));
    run(folder.path(), "printf XXXX | dd of=\"$(ls releases/*.zst)\" bs=1 seek=600 conv=notrunc "
                       "status=none");
    folder.run_in_build("echo 2 > new");
    options.earlier = first.id;
    const auto second = folder.pack(options);
    CHECK(second.reused_frames > 0);
    slug::UnpackOptions beside;
    beside.beside = first.id;
    CHECK(outcome_of([&] { (void)folder.unpack(second, beside); }) == Outcome::corrupt);
}

TEST_CASE("an error shows no name of the build raw on a terminal") {
    SlugFolder folder;
    folder.run_in_build("head -c 100000 /dev/zero > \"$(printf 'a\\033[2J')\"");
    const auto packed = folder.pack();
    const auto before = std::signal(SIGXFSZ, SIG_IGN);
    rlimit unlimited{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    const rlimit limit{10000, unlimited.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    const auto why = why_not([&] { (void)folder.unpack(packed); });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    (void)std::signal(SIGXFSZ, before);
    CHECK(why.find("a\\x1b[2J': File too large") != std::string::npos);
}

TEST_CASE("a truncated slug is refused") {
    SlugFolder folder;
    folder.run_in_build("seq 2000 > a");
    const auto packed = folder.pack();
    for (const char* size : {"-1", "-100", "50", "5", "0"}) {
        run(folder.path(),
            std::string("cp releases/*.zst keep && truncate -s ") + size + " releases/*.zst");
        CHECK(outcome_of([&] { (void)folder.unpack(packed); }) == Outcome::corrupt);
        run(folder.path(), "cat keep > \"$(ls releases/*.zst)\"");
    }
}

TEST_CASE("a whole slug under another id is refused") {
    SlugFolder folder;
    folder.run_in_build("echo 1 > a");
    const auto packed = folder.pack();
    const auto other = *SlugId::parse(std::string(32, 'a'));
    run(folder.path(), "mv releases/*.zst releases/" + other.text() + ".tar.zst");
    const auto why = why_not([&] { folder.store.check(other, packed.sha256); });
    CHECK(why.find(packed.id.text()) != std::string::npos);
    CHECK(why.find(other.text()) != std::string::npos);
}

TEST_CASE("what was left by interrupted packing is tidied up") {
    SlugFolder folder;
    run(folder.path(), "mkdir -p releases; touch releases/.new-xyz");
    folder.store.tidy();
    CHECK(run(folder.path(), "ls -A releases").empty());
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("slug::verify");

TEST_CASE("a tree that was worked on is told file by file") {
    SlugFolder folder;
    folder.run_in_build(
        "mkdir -p d e shared; for f in a b c d/x m; do echo $f > $f; done; ln -s a l; ln b h");
    const auto packed = folder.pack();
    const auto tree = folder.unpack(packed);
    const auto list = folder.store.read_list(packed.id);
    CHECK(slug::verify_tree(tree, list, {}).empty());
    run(tree, "echo A > a; rm c; echo new > d/y; rm d/x; mkfifo d/x; chmod 755 m; ln -sfn b l; "
              "mkdir n; touch shared/up; touch -d 2001-01-01 h");
    std::string told;
    for (const auto& difference :
         slug::verify_tree(tree, list, {.group = {}, .leave_out = {"n"}, .progress = {}}))
        told += std::string(slug::name_of(difference.kind)) + ' ' + difference.path + '\n';
    CHECK(told ==
          "edited a\nmissing c\nedited d/x\nextra d/y\nedited l\nmode m\nextra shared/up\n");
}

TEST_CASE("a tree from which an app removes files while it is looked at is looked at to its end") {
    SlugFolder folder;
    folder.run_in_build("for i in $(seq 1000 1999); do echo $i > $i; done");
    const auto packed = folder.pack();
    const auto tree = folder.unpack(packed);
    std::once_flag once;
    slug::VerifyOptions options;
    options.progress.advance = [&](std::uint64_t, std::uint64_t) {
        std::call_once(once, [&] {
            for (int i = 1999; i >= 1000; i--)
                (void)::unlink((tree / std::to_string(i)).c_str());
        });
    };
    const auto differences = slug::verify_tree(tree, folder.store.read_list(packed.id), options);
    REQUIRE_FALSE(differences.empty());
    for (const auto& difference : differences)
        CHECK(difference.kind == slug::Difference::Kind::edited);
    CHECK(differences.back().path == "1999");
}

TEST_CASE("the difference of two slugs comes from their lists") {
    SlugFolder folder;
    folder.run_in_build(
        "mkdir d old; echo 1 > same; echo 1 > grows; echo 1 > gone; echo 1 > mode; echo 1 > d/z");
    const auto before = folder.store.read_list(folder.pack().id);
    folder.run_in_build(
        "echo 22 > grows; rm gone; chmod 755 mode; mkdir new new/empty; echo 1 > new/f; rmdir old");
    const auto after = folder.store.read_list(folder.pack().id);
    std::string told;
    for (const auto& change : slug::diff(before, after))
        told += std::string(slug::name_of(change.kind)) + ' ' + change.path + ' ' +
                std::to_string(change.size_before) + ' ' + std::to_string(change.size_after) + '\n';
    CHECK(told == "removed gone 2 0\nchanged grows 2 3\nmode mode 2 2\nadded new/empty 0 0\nadded "
                  "new/f 0 2\nremoved old 0 0\n");
    CHECK(slug::diff(after, after).empty());
}

TEST_CASE("folders that lead to what is the app's own are no news, nor what gave way to it") {
    SlugFolder folder;
    folder.run_in_build("mkdir -p data; echo slug > data/x; echo a > a");
    const auto packed = folder.pack();
    const auto tree = folder.unpack(packed);
    run(tree, "rm -r data; mkdir -p var n; ln -s /shared data; ln -s /shared var/log");
    std::string told;
    for (const auto& difference :
         slug::verify_tree(tree, folder.store.read_list(packed.id),
                           {.group = {}, .leave_out = {"data", "var/log"}, .progress = {}}))
        told += std::string(slug::name_of(difference.kind)) + ' ' + difference.path + '\n';
    CHECK(told == "extra n\n");
}

TEST_SUITE_END();
