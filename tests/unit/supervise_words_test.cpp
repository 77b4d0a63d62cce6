#include "core/supervise/words.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace shipit::supervise;
using Words = std::vector<std::string>;

TEST_SUITE_BEGIN("supervise::words");

TEST_CASE("a plain command is split at blanks") {
    CHECK(plain_words("gunicorn  mysite.wsgi\t--bind=0.0.0.0:8000") ==
          Words{"gunicorn", "mysite.wsgi", "--bind=0.0.0.0:8000"});
}

TEST_CASE("quotes and backslashes are read as a shell reads them") {
    CHECK(plain_words(R"(echo 'a $b "c"' "d 'e' \" \\ \n" f\ g h'i'"j" '')") ==
          Words{"echo", R"(a $b "c")", R"(d 'e' " \ \n)", "f g", "hij", ""});
}

TEST_CASE("whatever a shell would act on needs a shell") {
    for (const char* command : {"echo $HOME",
                                "echo \"$HOME\"",
                                "echo `id`",
                                "a && b",
                                "a; b",
                                "a | b",
                                "a > f",
                                "a < f",
                                "ls *.py",
                                "ls ?",
                                "ls [ab]",
                                "ls ~",
                                "A=1 b",
                                "cd x",
                                "exec a",
                                "a # b",
                                "(a)",
                                "{ a; }",
                                "! a",
                                "a &",
                                "a\nb",
                                "echo 'unfinished",
                                "echo \"unfinished",
                                "echo \\",
                                "",
                                "  "})
        CHECK_MESSAGE(!plain_words(command), command);
}

TEST_CASE("characters that only look like syntax stay as they are") {
    CHECK(plain_words("a b=c x~y x#y") == Words{"a", "b=c", "x~y", "x#y"});
}

TEST_CASE("a command with syntax runs in a shell, an empty one is refused") {
    CHECK(argv_of("  sleep 5 ") == Words{"sleep", "5"});
    const Words shell = argv_of("sleep $N");
    REQUIRE(shell.size() == 3);
    CHECK(shell[1] == "-c");
    CHECK_THROWS_AS((void)argv_of("   "), shipit::Error);
}

TEST_SUITE_END();
