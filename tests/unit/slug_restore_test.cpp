#include "core/slug/kept.hpp"
#include "core/slug/tree_stamp.hpp"
#include "core/slug/verify.hpp"
#include "tests/unit/as_nobody.hpp"
#include "tests/unit/slug_support.hpp"

#include <doctest/doctest.h>

#include <vector>

#include <fcntl.h>

using namespace shipit;
using namespace shipit::tests;

namespace {

// A build of every type of entry, its tree, and a file that the app has added in two places.
class LiveTree {
  public:
    explicit LiveTree(std::optional<gid_t> group = {}) {
        (void)unpack(group);
        run(tree, "echo mine > added; echo mine > storage/added");
        m_inode = run(tree, "ls -id .");
    }

    std::vector<std::string> unpack(std::optional<gid_t> group = {},
                                    const slug::IsOurs& is_ours = {}) const {
        slug::UnpackOptions options;
        options.group = group;
        options.is_ours = is_ours;
        return unpack_as(options);
    }

    std::vector<std::string> unpack_in_use(std::optional<gid_t> group = {}) const {
        slug::UnpackOptions options;
        options.group = group;
        options.is_in_use = true;
        return unpack_as(options);
    }

    std::vector<std::string> unpack_as(slug::UnpackOptions options) const {
        std::vector<std::string> warnings;
        options.progress.warn = [&](const std::string& warning) { warnings.push_back(warning); };
        (void)folder.unpack(packed, options);
        return warnings;
    }

    // The same folder with what the slug has, and with what the app has added.
    void is_whole_and_the_same(std::optional<gid_t> group = {}) const {
        CHECK(run(tree, "ls -id .") == m_inode);
        CHECK(run(tree, "cat added storage/added") == "mine\nmine\n");
        std::string different;
        for (const auto& difference :
             slug::verify_tree(tree, folder.store.read_list(packed.id),
                               {.group = group, .leave_out = {}, .progress = {}}))
            different += std::string(slug::name_of(difference.kind)) + ' ' + difference.path + '\n';
        CHECK(different == "extra added\nextra storage/added\n");
        CHECK(run(tree, "test c -ef h && test c -ef storage/h; echo $?") == "0\n");
        CHECK(run(folder.path(), "ls -A trees").find(".new-") == std::string::npos);
    }

    SlugFolder folder;
    slug::Packed packed = packed_build();
    Path tree = folder.trees() / packed.id.text();

  private:
    [[nodiscard]] slug::Packed packed_build() const {
        folder.run_in_build("umask 022; mkdir -p tmp/cache storage; echo 1 > tmp/cache/a; "
                            "echo 2 > storage/b; echo 3 > c; ln c h; ln c storage/h; ln -s c l; "
                            "echo '#!/bin/sh' > run; chmod 755 run");
        return folder.pack();
    }

    std::string m_inode;
};

} // namespace

TEST_SUITE_BEGIN("slug::restore");

TEST_CASE("whatever was changed in a tree is brought back in place, and what the app added stays") {
    const LiveTree live;
    std::string what;
    SUBCASE("a folder was removed") {
        what = "rm -r tmp/cache";
    }
    SUBCASE("a folder in which folders are was removed") {
        what = "rm -r tmp";
    }
    SUBCASE("the mode of a folder was changed") {
        what = "chmod 775 storage";
    }
    SUBCASE("a folder was closed") {
        what = "chmod 000 tmp tmp/cache";
    }
    SUBCASE("a file of several names was edited") {
        what = "echo edited > c";
    }
    SUBCASE("a name of a file of several names was removed") {
        what = "rm storage/h";
    }
    SUBCASE("another name of a file was replaced") {
        what = "rm h; echo other > h";
    }
    SUBCASE("a file was replaced by a folder in which something is") {
        what = "rm run; mkdir -p run/d; echo > run/d/x";
    }
    SUBCASE("a folder was replaced by a file") {
        what = "rm -r tmp; echo > tmp";
    }
    SUBCASE("a symlink was replaced by a folder") {
        what = "rm l; mkdir l";
    }
    SUBCASE("everything at once") {
        what = "chmod 700 storage; echo 4 > storage/b; rm -r tmp; rm c l; mkdir c; echo 5 > l";
    }
    run(live.tree, what);
    const auto warnings = live.unpack();
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("changed on this server") != std::string::npos);
    live.is_whole_and_the_same();
    CHECK(live.unpack().empty());
}

TEST_CASE("what was edited under one of several names keeps the names that the app gave it") {
    const LiveTree live;
    run(live.tree, "ln c kept; echo edited > h");
    CHECK(live.unpack().size() == 1);
    CHECK(run(live.tree, "cat kept; rm kept") == "edited\n");
    live.is_whole_and_the_same();
}

TEST_CASE("what was changed and gives way to the slug's is kept, and the warning says where") {
    const LiveTree live;
    const auto kept = [&] { return slug::kept_in(live.folder.trees()); };
    SUBCASE("a file, which whoever has it open goes on to write") {
        const auto file =
            sys::open_file(live.tree / "storage/b", O_WRONLY | O_APPEND | O_TRUNC | O_NOFOLLOW);
        sys::write_all(file.get(), "five rows\n", "b");
        const auto warnings = live.unpack();
        sys::write_all(file.get(), "a sixth\n", "b");
        REQUIRE(kept().size() == 1);
        CHECK(run(kept()[0], "cat storage/b; stat -c %a . storage") ==
              "five rows\na sixth\n700\n700\n");
        REQUIRE(warnings.size() == 1);
        CHECK(warnings[0].find(kept()[0].string()) != std::string::npos);
        CHECK(warnings[0].find("app.shared") != std::string::npos);
    }
    SUBCASE("a folder in the place of a file") {
        run(live.tree, "rm run; mkdir -p run/d; echo mine > run/d/x");
        CHECK(live.unpack().size() == 1);
        REQUIRE(kept().size() == 1);
        CHECK(run(kept()[0], "find . -type f; cat run/d/x") == "./run/d/x\nmine\n");
    }
    SUBCASE("a file in the place of a folder") {
        run(live.tree, "rm -r tmp; echo mine > tmp");
        CHECK(live.unpack().size() == 1);
        REQUIRE(kept().size() == 1);
        CHECK(run(kept()[0], "cat tmp") == "mine\n");
    }
    SUBCASE("a symlink in the place of a file") {
        run(live.tree, "rm c; ln -s ../elsewhere c");
        CHECK(live.unpack().size() == 1);
        REQUIRE(kept().size() == 1);
        CHECK(run(kept()[0], "readlink c") == "../elsewhere\n");
    }
    SUBCASE("a database with its log, which is not one of the slug's database") {
        run(live.tree,
            "echo rows > storage/b; echo more > storage/b-wal; echo index > storage/b-shm; "
            "echo other > storage/bb");
        CHECK(live.unpack().size() == 1);
        REQUIRE(kept().size() == 1);
        CHECK(run(kept()[0], "cat storage/b storage/b-wal storage/b-shm; ls storage") ==
              "rows\nmore\nindex\nb\nb-shm\nb-wal\n");
        CHECK(run(live.tree, "ls storage; rm storage/bb") == "added\nb\nbb\nh\n");
    }
    live.is_whole_and_the_same();
}

TEST_CASE("the same bytes are not kept twice, and not at all where the slug has them") {
    const LiveTree live;
    const auto kept = [&] { return slug::kept_in(live.folder.trees()).size(); };
    run(live.tree, "touch -d '2020-01-01' c; chmod 600 run");
    CHECK(live.unpack().size() == 1);
    CHECK(kept() == 0);
    run(live.tree, "echo edited > storage/b");
    CHECK(live.unpack().size() == 1);
    CHECK(kept() == 1);
    run(live.tree, "echo edited > storage/b");
    CHECK(live.unpack().size() == 1);
    CHECK(kept() == 1);
    run(live.tree, "echo another > storage/b");
    CHECK(live.unpack().size() == 1);
    CHECK(kept() == 2);
    live.is_whole_and_the_same();
}

TEST_CASE("where it cannot be restored, what was changed is where it was") {
    const LiveTree live;
    run(live.tree, "echo edited > storage/b");
    run(live.folder.path(), "printf XXXX | dd of=\"$(ls releases/*.zst)\" bs=1 seek=20 "
                            "conv=notrunc status=none");
    CHECK(why_not([&] { (void)live.unpack(); }) != "");
    CHECK(run(live.tree, "cat storage/b") == "edited\n");
    CHECK(slug::kept_in(live.folder.trees()).empty());
}

TEST_CASE("in a tree that is in use, what is missing is brought back, and what was changed stays") {
    const LiveTree live;
    run(live.tree, "echo edited > storage/b; chmod 600 run; rm -r tmp/cache; rm l; echo > l");
    const auto look = "ls -i storage/b run l; cat storage/b l";
    const auto before = run(live.tree, look);
    const auto warnings = live.unpack_in_use();
    REQUIRE(warnings.size() == 2);
    CHECK(warnings[0].find("'l', 'storage/b' changed on this server since it was unpacked, and "
                           "stays") == 0);
    CHECK(warnings[1].find("'run', 'tmp/cache', 'tmp/cache/a' changed on this server since it was "
                           "unpacked; restored") == 0);
    CHECK(run(live.tree, look) == before);
    CHECK(run(live.tree, "stat -c %a run; cat tmp/cache/a") == "755\n1\n");
    CHECK(live.unpack_in_use().size() == 1);
    CHECK(slug::kept_in(live.folder.trees()).empty());
    // Whoever wants the slug's removes it.
    run(live.tree, "rm l storage/b");
    (void)live.unpack_in_use();
    live.is_whole_and_the_same();
}

TEST_CASE("in a tree that is in use, nothing is put into what stands in the place of a folder") {
    const LiveTree live;
    run(live.folder.path(), "mkdir outside");
    run(live.tree, "rm -r tmp; ln -s ../../outside tmp");
    CHECK(live.unpack_in_use().size() == 1);
    CHECK(run(live.folder.path(), "ls outside") == "");
    CHECK(run(live.tree, "readlink tmp") == "../../outside\n");
}

TEST_CASE("what was changed in a tree that is in use can be read by a new group, too" *
          doctest::skip(::geteuid() != 0)) {
    const LiveTree live;
    run(live.tree, "echo edited > storage/b; chmod 600 storage/b");
    CHECK(live.unpack_in_use(12345).size() == 1);
    CHECK(run(live.tree, "cat storage/b; stat -c '%g %a' storage/b") == "edited\n12345 644\n");
}

TEST_CASE("a symlink in the place of a folder leads nobody outside") {
    const LiveTree live;
    run(live.folder.path(), "mkdir -p outside/cache; echo theirs > outside/cache/a; echo theirs > "
                            "outside/b; chmod 711 outside");
    const auto look = "ls -la --time-style=full-iso . cache; cat b cache/a";
    const auto outside = live.folder / "outside";
    const auto before = run(outside, look);
    run(live.tree, "rm -r tmp; ln -s ../../outside tmp");
    SUBCASE("") {
        CHECK(live.unpack().size() == 1);
        live.is_whole_and_the_same();
    }
    SUBCASE("nor when the group changes") {
        if (::geteuid() != 0)
            return;
        CHECK(live.unpack(12345).size() == 1);
        live.is_whole_and_the_same(12345);
    }
    CHECK(run(outside, look) == before);
}

TEST_CASE("what shipit put into a tree stays where other things are brought back") {
    const LiveTree live;
    run(live.tree, "rm -r storage; ln -s ../../shared/storage storage; rm -r tmp; echo 4 > c");
    (void)live.unpack({}, [](const std::string& path, const std::string& to) {
        return path == "storage" && to == "../../shared/storage";
    });
    CHECK(run(live.tree, "readlink storage; cat tmp/cache/a c h") ==
          "../../shared/storage\n1\n3\n3\n");
}

TEST_CASE("a folder that its owner may not write to is opened for what is brought back into it") {
    const SlugFolder folder;
    folder.run_in_build("mkdir -p d/e; echo 1 > d/e/a; echo 2 > b; chmod 555 d d/e");
    const auto packed = folder.pack();
    run(folder.path(), "chown -R 65534 . || :");
    {
        const AsNobody nobody;
        (void)folder.unpack(packed);
    }
    const auto tree = folder.trees() / packed.id.text();
    const auto before = run(tree, "ls -id .");
    run(tree, "chmod u+w d d/e; rm -r d/e; chmod u-w d");
    {
        const AsNobody nobody;
        (void)folder.unpack(packed);
    }
    CHECK(run(tree, "stat -c '%a %n' d d/e; cat d/e/a") == "555 d\n555 d/e\n1\n");
    CHECK(run(tree, "ls -id .") == before);
    run(folder.path(), "chmod -R u+w build trees");
}

TEST_CASE("a tree gets another group in place" * doctest::skip(::geteuid() != 0)) {
    const std::string groups = "find . ! -name added -printf '%g\\n' | sort -u; stat -c '%a' .";
    SUBCASE("after none") {
        const LiveTree live;
        CHECK(live.unpack(12345).empty());
        live.is_whole_and_the_same(12345);
        CHECK(run(live.tree, groups) == "12345\n750\n");
        CHECK(run(live.tree, "stat -c %g added storage/added") == "0\n0\n");
        CHECK(slug::is_unpacked(live.packed.id, live.folder.trees(), 12345));
    }
    SUBCASE("and what was changed is brought back in it") {
        const LiveTree live(12345);
        run(live.tree, "chown :12345 added; rm -r tmp; echo 4 > c; chmod 700 storage");
        CHECK(live.unpack(12346).size() == 1);
        live.is_whole_and_the_same(12346);
        CHECK(run(live.tree, groups) == "12346\n750\n");
        CHECK(run(live.tree, "stat -c %g added") == "12345\n");
    }
    SUBCASE("and none again") {
        const LiveTree live(12345);
        CHECK(live.unpack().empty());
        live.is_whole_and_the_same();
        CHECK(run(live.tree, groups) == "root\n755\n");
    }
}

TEST_CASE("a tree whose group was about to be changed is of none until all of it is" *
          doctest::skip(::geteuid() != 0)) {
    const LiveTree live(12345);
    // The slug's data is damaged, so that what was changed besides cannot be had.
    run(live.tree, "rm -r tmp");
    run(live.folder.path(), "printf XXXX | dd of=\"$(ls releases/*.zst)\" bs=1 seek=20 "
                            "conv=notrunc status=none");
    CHECK(why_not([&] { (void)live.unpack(12346); }) != "");
    CHECK_FALSE(slug::is_unpacked(live.packed.id, live.folder.trees(), 12345));
    CHECK_FALSE(slug::is_unpacked(live.packed.id, live.folder.trees(), 12346));
    CHECK(slug::is_unpacked(live.packed.id, live.folder.trees()));
    CHECK(run(live.tree, "cat added") == "mine\n");
}

TEST_CASE("a tree that is on the disk still is when something was brought back into it") {
    const LiveTree live;
    slug::flush_tree(live.packed.id, live.folder.trees());
    run(live.folder.trees(), "sed -i 's/^boot .*/boot 00000000-0000-0000-0000-000000000000/' "
                             "*.stamp");
    std::optional<gid_t> group;
    SUBCASE("in the run of the machine after that") {
        run(live.tree, "rm -r tmp; echo 4 > c");
        CHECK(live.unpack().size() == 1);
    }
    SUBCASE("and of another group") {
        if (::geteuid() != 0)
            return;
        group = 12345;
        CHECK(live.unpack(group).empty());
    }
    const auto stamp = slug::read_stamp(live.folder.trees(), live.packed.id);
    REQUIRE(stamp);
    CHECK(stamp->is_flushed);
    CHECK(stamp->group == group);
    live.is_whole_and_the_same(group);
}

TEST_CASE("a tree into which nothing could be brought back is as it was") {
    const LiveTree live;
    run(live.tree, "rm -r tmp");
    run(live.folder.path(), "printf XXXX | dd of=\"$(ls releases/*.zst)\" bs=1 seek=20 "
                            "conv=notrunc status=none");
    CHECK(why_not([&] { (void)live.unpack(); }) != "");
    CHECK(slug::is_unpacked(live.packed.id, live.folder.trees()));
    CHECK(run(live.tree, "cat added c; ls -A ..") ==
          "mine\n3\n" + live.packed.id.text() + "\n" + live.packed.id.text() + ".stamp\n");
}

TEST_CASE("to look at what was changed in a tree changes nothing") {
    const LiveTree live;
    const auto changed = [&] {
        return slug::changed_in_tree(live.folder.store, live.packed.id, live.folder.trees(), {});
    };
    CHECK(changed().empty());
    run(live.tree, "rm -r tmp; chmod 700 storage; echo 4 > run");
    const auto before = run(live.folder.trees(), "ls -lAiR --time-style=full-iso; cat *.stamp");
    CHECK(changed() ==
          std::vector<std::string>{"run", "storage", "tmp", "tmp/cache", "tmp/cache/a"});
    CHECK(run(live.folder.trees(), "ls -lAiR --time-style=full-iso; cat *.stamp") == before);
}

TEST_CASE("what was written into a tree is told, but not what programs leave anywhere") {
    using Paths = std::vector<std::string>;
    const LiveTree live;
    const auto is_ours = [](const std::string& path, const std::string&) { return path == "d"; };
    const auto written = [&](std::chrono::milliseconds at_most = std::chrono::seconds(10)) {
        return slug::written_in_tree(live.folder.store, live.packed.id, live.folder.trees(),
                                     {is_ours, at_most});
    };
    CHECK(written().changed.empty());
    CHECK(written().added == Paths{"added", "storage/added"});

    run(live.tree, "rm added storage/added; ln -s ../shared/d d; mkdir -p empty storage/log a/tmp "
                   "tmp/__pycache__ a/.cache; touch storage/log/x a/tmp/x tmp/__pycache__/x.pyc "
                   "tmp/cache/mine storage/x.pyc x.pid a/.cache/x; mkfifo pipe");
    CHECK(written().added.empty());

    run(live.tree, "echo 4 > c; rm run; mkdir -p new/deep; touch new/deep/a storage/log.db");
    CHECK(written().changed == Paths{"c"});
    CHECK(written().added == Paths{"new/deep/a", "storage/log.db"});
    CHECK_FALSE(written().is_cut_short);

    const auto in_no_time = written(std::chrono::milliseconds(0));
    CHECK(in_no_time.is_cut_short);
    CHECK(in_no_time.added.empty());
}

TEST_SUITE_END();
