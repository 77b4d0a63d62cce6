#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>

using namespace shipit;

TEST_SUITE_BEGIN("base: error");

namespace {

Error error_of(int error_number) {
    try {
        throw_errno("cannot write 'file'", error_number);
    } catch (const Error& error) {
        return error;
    }
}

} // namespace

TEST_CASE("a full disk and a spent quota are told with what to do, a broken disk is not") {
    CHECK(error_of(ENOSPC).why() == "cannot write 'file': No space left on device");
    CHECK(error_of(ENOSPC).next() == how_to_make_room);
    CHECK(error_of(EDQUOT).next() == how_to_make_room);
    CHECK(error_of(EIO).next().empty());
}

TEST_CASE("the first advice is kept, but for that of who knows where things stand now") {
    auto error = error_of(ENOSPC);
    error.advise("look at the transcript");
    CHECK(error.next() == how_to_make_room);
    error.advise_instead("'blog' is no app any more");
    CHECK(error.next() == "'blog' is no app any more");
}

TEST_SUITE_END();
