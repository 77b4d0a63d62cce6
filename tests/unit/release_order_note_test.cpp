#include "core/release/order_note.hpp"

#include "core/base/error.hpp"
#include "core/sys/process.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <optional>

#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::release;
using shipit::tests::TestFolder;

namespace {

struct Note {
    // What who takes the lock next makes of it.
    [[nodiscard]] bool is_believed() const { return OrderNote(file).is_in_order(); }
    void leave_in_order() const { OrderNote(file).set_in_order(); }

    TestFolder folder;
    Path file = folder / ".in-order";
};

// In a process of its own, which ends without a word when `action` is done.
void in_a_process(const std::function<void()>& action) {
    const pid_t child = ::fork();
    if (child == 0) {
        action();
        ::_exit(0);
    }
    int status = 1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
}

} // namespace

TEST_SUITE_BEGIN("release: order note");

TEST_CASE("an app is in order when a command has looked and ended, and not before") {
    const Note note;
    CHECK_FALSE(note.is_believed());
    CHECK_FALSE(note.is_believed()); // nobody has looked
    note.leave_in_order();
    CHECK(note.is_believed());
    CHECK(note.is_believed()); // and has left nothing either
}

TEST_CASE("a command that is at work, or was killed, leaves an app of which nothing is known") {
    const Note note;
    note.leave_in_order();
    SUBCASE("killed after it had looked") {
        in_a_process([&note] {
            auto* killed = new OrderNote(note.file); // never destroyed
            killed->set_in_order();
        });
    }
    SUBCASE("killed at once") {
        in_a_process([&note] { (void)new OrderNote(note.file); });
    }
    SUBCASE("copied while at work") {
        const OrderNote at_work(note.file);
        CHECK(sys::read_file(note.file).empty());
        sys::replace_durably(note.file, "", 0600);
    }
    CHECK_FALSE(note.is_believed());
}

TEST_CASE("a command that could not clear up behind itself leaves no word of order") {
    const Note note;
    note.leave_in_order();
    in_a_process([&note] {
        sys::note_leftover();
        OrderNote(note.file).set_in_order();
    });
    CHECK_FALSE(note.is_believed());
}

TEST_CASE("a note of another run of the machine, or of another hand, says nothing") {
    const Note note;
    for (const std::string content : {"", "a", "00000000-0000-0000-0000-000000000000"}) {
        sys::replace_durably(note.file, content, 0600);
        CHECK_FALSE(note.is_believed());
    }
    sys::replace_durably(note.file, sys::boot_id() + "x", 0600);
    CHECK_FALSE(note.is_believed());
    sys::replace_durably(note.file, sys::boot_id(), 0600);
    CHECK(note.is_believed());
}

TEST_CASE(
    "what a supervisor takes away as it starts, who is at work meanwhile does not bring back") {
    const Note note;
    note.leave_in_order();
    {
        OrderNote at_work(note.file);
        REQUIRE(at_work.is_in_order());
        OrderNote::withdraw(note.file);
    }
    CHECK_FALSE(sys::is_there(note.file));
    CHECK_FALSE(note.is_believed());
    OrderNote::withdraw(note.file);
    OrderNote::withdraw(note.file);
}

TEST_CASE("a note that leads elsewhere is refused") {
    const Note note;
    sys::replace_durably(note.folder / "precious", "data", 0600);
    sys::replace_link_durably(note.file, "precious");
    CHECK_THROWS_AS(OrderNote(note.file), Error);
    CHECK(sys::read_file(note.folder / "precious") == "data");
}
