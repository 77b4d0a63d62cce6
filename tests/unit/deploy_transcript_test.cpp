#include "core/deploy/transcript.hpp"

#include "core/base/text.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace shipit;
using namespace shipit::deploy;
using shipit::tests::TestFolder;

namespace {

struct Written {
    TestFolder folder;
    sys::Path file = folder / "v1.log";

    // The lines without their times.
    [[nodiscard]] std::vector<std::string> lines() const {
        const std::string all = sys::read_file(file, 1 << 30);
        std::vector<std::string> texts;
        for (const std::string_view line : split(trimmed(all), '\n'))
            texts.emplace_back(line.substr(line.find(' ') + 1));
        return texts;
    }
};

} // namespace

TEST_SUITE_BEGIN("deploy: transcript");

TEST_CASE("of a command that prints without end, the beginning and the end are kept") {
    const Written written;
    Transcript transcript(written.file);
    transcript.add("release command: migrate");
    {
        CommandOutput output(transcript, {40, 20}); // two lines with their times
        for (int number = 0; number < 100; ++number)
            output.add("proceed " + std::to_string(number) + "?\n");
    }
    transcript.add("live");
    CHECK(written.lines() ==
          std::vector<std::string>{"release command: migrate", "proceed 0?", "proceed 1?",
                                   "... 1156 bytes are left out here", "proceed 99?", "live"});
}

TEST_CASE("of a command that prints little more than fits, nothing is left out") {
    const Written written;
    Transcript transcript(written.file);
    {
        CommandOutput output(transcript, {1, 20});
        for (const char* line : {"one\n", "two\n", "three\n"})
            output.add(line);
    }
    CHECK(written.lines() == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("each command has the same room, and a line without end needs no more") {
    const Written written;
    Transcript transcript(written.file);
    for (int round = 0; round < 2; ++round) {
        CommandOutput output(transcript, {1000, 100});
        for (int piece = 0; piece < 1000; ++piece)
            output.add(std::string(100, '.'));
    }
    CHECK(std::filesystem::file_size(written.file) < 3000);
    CHECK(written.lines().back() == std::string(100, '.'));
}

TEST_SUITE_END();
