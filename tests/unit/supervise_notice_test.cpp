#include "core/supervise/notice.hpp"

#include <doctest/doctest.h>

using namespace shipit::supervise;

namespace {

Notice saying(const std::string& status) {
    Notice notice;
    notice.status = status;
    return notice;
}

} // namespace

TEST_SUITE_BEGIN("supervise: notice");

TEST_CASE("each line of a datagram is heard, in any order, with and without a last newline") {
    CHECK(notice_from("READY=1") == Notice{true, false, false});
    CHECK(notice_from("WATCHDOG=1\n") == Notice{false, true, false});
    CHECK(notice_from("WATCHDOG=trigger") == Notice{false, false, true});
    CHECK(notice_from("STATUS=loads 3 models\nREADY=1\nWATCHDOG=1\n") ==
          Notice{true, true, false, "loads 3 models"});
}

TEST_CASE("what changes nothing, and what is no line of the protocol, is passed over") {
    const std::string binary("READY=1\0", 8);
    for (const std::string& text :
         {std::string(), std::string("\n\n"), std::string("READY=0"), std::string("READY=1 "),
          std::string(" READY=1"), std::string("ready=1"), std::string("WATCHDOG=2"),
          std::string("STOPPING=1\nRELOADING=1\nMONOTONIC_USEC=5\nMAINPID=1\nFDSTORE=1\nBARRIER=1"),
          binary, std::string(longest_notice, '\xff'), std::string(longest_notice, '=')})
        CHECK_MESSAGE(notice_from(text) == Notice{}, text);
}

TEST_CASE("a status is one line that drives no terminal, and is cut between characters") {
    CHECK(notice_from("STATUS=") == saying(""));
    CHECK(notice_from("STATUS=a\nSTATUS=b") == saying("b"));
    CHECK(notice_from("STATUS=\x1b[2J") == saying("\\x1b[2J"));
    CHECK(notice_from("STATUS=" + std::string(longest_notice - 7, 'x')) ==
          saying(std::string(200, 'x')));
    CHECK(notice_from("STATUS=" + std::string(199, 'x') + "\u00e4y") ==
          saying(std::string(199, 'x')));
}

TEST_SUITE_END();
