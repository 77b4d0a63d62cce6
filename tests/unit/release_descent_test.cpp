#include "core/release/descent.hpp"

#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::release;

namespace {

enum class Went { live, nowhere };

Entry entry(std::uint64_t number, Went went, std::uint64_t rollback_of = 0) {
    Manifest manifest{.number = ReleaseNumber(number), .app = AppName::parse("blog")};
    manifest.status = went == Went::live ? Status::succeeded : Status::failed;
    if (went == Went::live)
        manifest.evidence.live_at = WallTime(std::chrono::seconds(number));
    if (rollback_of > 0)
        manifest.rollback_of = ReleaseNumber(rollback_of);
    return {ReleaseNumber(number), manifest, {}};
}

std::string text_of(const std::vector<Descent>& descent) {
    std::string text;
    for (const Descent& each : descent)
        text += each.number.text() + (each.from ? " from " + each.from->text() : "") +
                (each.left_by ? " left by " + each.left_by->text() : "") + "; ";
    return text;
}

} // namespace

TEST_SUITE_BEGIN("release: descent");

TEST_CASE("a release came from what was live when it was made, a rollback from what it brought "
          "back") {
    CHECK(
        text_of(descent_of({entry(6, Went::live), entry(5, Went::live, 1), entry(4, Went::nowhere),
                            entry(3, Went::live), entry(2, Went::nowhere), entry(1, Went::live)},
                           std::nullopt)) ==
        "v6 from v5; v5 from v1; v4 from v3; v3 from v1 left by v5; v2 from v1; v1; ");
}

TEST_CASE("a rollback that failed has left nothing") {
    CHECK(text_of(descent_of({entry(3, Went::nowhere, 1), entry(2, Went::live)},
                             ReleaseNumber(1))) == "v3 from v1; v2 from v1; ");
}

TEST_CASE("one whose config vars alone went back came from what was live, and left it") {
    auto back = entry(3, Went::live);
    back.manifest->config_of = ReleaseNumber(1);
    CHECK(text_of(descent_of({back, entry(2, Went::live)}, std::nullopt)) ==
          "v3 from v2; v2 left by v3; ");
}

TEST_CASE("what was taken live from a stored release came from that, and nothing was rolled back") {
    auto stored = entry(2, Went::nowhere);
    stored.manifest->status = Status::succeeded;
    CHECK(stored.manifest->is_stored());
    auto activated = entry(4, Went::live);
    activated.manifest->activation_of = ReleaseNumber(2);
    CHECK(text_of(descent_of({activated, entry(3, Went::live), stored, entry(1, Went::live)},
                             std::nullopt)) == "v4 from v2; v3 from v1; v2 from v1; v1; ");
}

TEST_CASE("what came behind a record that cannot be read came from nobody knows where") {
    const Entry damaged{ReleaseNumber(2), std::nullopt, "damaged"};
    CHECK(text_of(descent_of(
              {entry(4, Went::live), entry(3, Went::live), damaged, entry(1, Went::live)},
              std::nullopt)) == "v4 from v3; v3; v2; v1; ");
}

TEST_CASE("what was live before those that are asked for is looked up") {
    const tests::TestFolder folder;
    const Layout layout{folder.path(), AppName::parse("blog")};
    make_app_folders(layout);
    const Ledger ledger(layout);
    for (const Went went : {Went::live, Went::nowhere, Went::nowhere}) {
        auto manifest = ledger.begin(entry(1, went).manifest.value());
        manifest.status = went == Went::live ? Status::succeeded : Status::failed;
        ledger.save(manifest);
    }
    CHECK(live_before(ledger, ReleaseNumber(3)) == ReleaseNumber(1));
    CHECK_FALSE(live_before(ledger, ReleaseNumber(1)));
    CHECK(text_of(descent_of(ledger.newest(2), ledger)) == "v3 from v1; v2 from v1; ");
}

TEST_SUITE_END();
