#include "core/deploy/room.hpp"

#include "core/base/error.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace shipit;
using namespace shipit::deploy;
using tests::TestFolder;

namespace {

constexpr std::uint64_t a_gigabyte = std::uint64_t{1} << 30;

// An app of files, of whose good releases one is kept; each has a slug and a tree.
struct BlogOfFiles {
    explicit BlogOfFiles(char releases) {
        sys::replace_durably(app.layout.app_toml(), "[retention]\nkeep = 1\n", 0600);
        app.host.progress.begin = [this](const std::string& phase) { phases.push_back(phase); };
        for (char digit = 'a'; digit < 'a' + releases; ++digit)
            release(digit);
    }
    release::Manifest begun(char digit) {
        const SlugId id = *SlugId::parse(std::string(32, digit));
        release::Manifest draft{.number = ReleaseNumber(1), .app = app.name()};
        draft.slug = release::SlugFacts{id, 1000, 2000, 1, std::string(64, digit)};
        auto manifest = app.ledger.begin(draft);
        sys::replace_durably(app.layout.slug(id), std::string(1000, digit), 0600);
        sys::make_folders(app.layout.tree(id), 0755);
        return manifest;
    }
    void fail(char digit) {
        auto manifest = begun(digit);
        manifest.status = release::Status::failed;
        app.ledger.save(manifest);
    }
    void release(char digit) {
        auto manifest = begun(digit);
        manifest.status = release::Status::succeeded;
        manifest.evidence.live_at = manifest.created_at;
        app.ledger.save(manifest);
        app.ledger.point_at(manifest.number, manifest.slug->id);
        app.marks.set(release::MarkKind::good, manifest.number, {});
    }
    [[nodiscard]] std::uint64_t free() const {
        return sys::disk_space(app.layout.releases()).free_bytes;
    }
    [[nodiscard]] bool has_expired(std::uint64_t number) const {
        return app.ledger.load(ReleaseNumber(number)).status == release::Status::expired;
    }
    [[nodiscard]] bool has_slug(char digit) const {
        return sys::is_there(app.layout.slug(*SlugId::parse(std::string(32, digit))));
    }
    [[nodiscard]] std::string
    refusal_of(const slug::BuildSize& size,
               const std::optional<release::SlugFacts>& like = std::nullopt) const {
        try {
            make_room(app, size, like);
        } catch (const Error& error) {
            return error.why() + " | " + error.next();
        }
        return "none";
    }

    TestFolder root;
    App app = create_app({root.path(), {"alice", ""}, {}}, AppName::parse("blog"));
    std::vector<std::string> phases;
};

} // namespace

TEST_SUITE_BEGIN("deploy: room");

TEST_CASE("a build that fits whatever it packs to prunes nothing") {
    BlogOfFiles blog(4);
    CHECK(blog.refusal_of({1000, 1}) == "none");
    CHECK(blog.phases.empty());
    CHECK_FALSE(blog.has_expired(1));
}

TEST_CASE("a build that might not fit prunes first, as the host's settings say, and tells it") {
    BlogOfFiles blog(4);
    // Its tree fits, and its slug might be as large.
    CHECK(blog.refusal_of({blog.free() / 4 * 3, 1}) == "none");
    CHECK(blog.has_expired(1));
    CHECK(blog.has_expired(2));
    CHECK_FALSE(blog.has_expired(3)); // what rollback would go to
    CHECK_FALSE(blog.has_expired(4));
    REQUIRE(blog.phases.size() == 3);
    CHECK(blog.phases[0] == "pruning 2 slugs and 2 trees: the disk is nearly full");
    CHECK(blog.phases[1] == "v1 expired: beyond the 1 good releases that are kept");
}

TEST_CASE("where there is hardly room, nothing is kept of what failed") {
    BlogOfFiles blog(2);
    blog.fail('c');
    CHECK(blog.refusal_of({blog.free() / 4 * 3, 1}) == "none");
    CHECK_FALSE(blog.has_slug('c'));
    CHECK(blog.has_slug('b'));
}

TEST_CASE("a build that cannot fit is refused with what it takes, after pruning has not helped") {
    BlogOfFiles blog(3);
    const std::string refusal = blog.refusal_of({blog.free() + a_gigabyte, 1});
    CHECK(refusal.find("the build takes about ") == 0);
    CHECK(refusal.find(" left: No space left on device") != std::string::npos);
    CHECK(refusal.find("shipit -a blog prune --keep N") != std::string::npos);
    CHECK(blog.has_expired(1));
}

TEST_CASE("of the slug, half of what it would be like the one before is counted on") {
    BlogOfFiles blog(1);
    const release::SlugFacts incompressible{*SlugId::parse(std::string(32, 'a')), 2000, 2000, 1,
                                            std::string(64, 'a')};
    // Tree and slug: 3/4 + 3/4 / 2 of what is free.
    const slug::BuildSize size{blog.free() / 4 * 3, 1};
    CHECK(blog.refusal_of(size) == "none");
    CHECK(blog.refusal_of(size, incompressible).find("the build takes about ") == 0);
}

TEST_CASE("a build of more files than the disk can take is refused, where it counts them") {
    BlogOfFiles blog(1);
    const auto space = sys::disk_space(blog.app.layout.releases());
    if (space.total_files == 0)
        return;
    const std::string refusal = blog.refusal_of({1000, space.free_files + 1'000'000});
    CHECK(refusal.find(" files, and '") != std::string::npos);
    CHECK(refusal.find("can take ") != std::string::npos);
}

TEST_CASE("where pruning fails, what fits goes on with a warning") {
    BlogOfFiles blog(2);
    std::vector<std::string> warnings;
    blog.app.host.progress.warn = [&warnings](const std::string& warning) {
        warnings.push_back(warning);
    };
    sys::replace_durably(blog.app.layout.app_toml(), "retention = 1\n", 0600);
    CHECK(blog.refusal_of({blog.free() / 4 * 3, 1}) == "none");
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("ignoring") != std::string::npos);
}
