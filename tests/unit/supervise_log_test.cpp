#include "core/supervise/log_pipe.hpp"
#include "core/supervise/log_reader.hpp"

#include "core/sys/clock.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::TestFolder;

namespace {

std::string record(std::uint64_t release, const char* process, const std::string& text) {
    return log_line(sys::now(), ReleaseNumber(release), process, text);
}

std::vector<std::string> texts(const std::vector<LogRecord>& records) {
    std::vector<std::string> result;
    for (const LogRecord& item : records)
        result.push_back(item.text);
    return result;
}

// A pipe into a log, without a loop that runs: drained by hand.
struct Piped {
    TestFolder folder;
    Loop loop;
    LogFile log{folder / "app.log", {}};
    LogPipe pipe{loop, folder / "web.1.fifo", {ReleaseNumber(3), "web.1"}, std::nullopt, log};

    std::vector<LogRecord> read() const { return LogReader(folder / "app.log", {}).last(100000); }
};

// A disk of 16 pages of which one is left, the first of a log. Only root can make one.
struct FullDisk {
    TestFolder folder;
    const bool is_there = ::mount("none", folder.path().c_str(), "tmpfs", 0, "size=64k") == 0;
    const sys::Path filling = folder / "filling";

    ~FullDisk() {
        if (is_there)
            (void)::umount(folder.path().c_str());
    }
    void fill() const {
        const sys::Fd file(::open(filling.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        const std::string page(4096, '-');
        while (::write(file.get(), page.data(), page.size()) > 0) {
        }
    }
};

} // namespace

TEST_SUITE_BEGIN("supervise::log");

TEST_CASE("a log is cut into files of limited size, of which the oldest goes") {
    const TestFolder folder;
    LogFile log(folder / "app.log", {1000, 3});
    for (int i = 0; i < 100; ++i)
        log.append(record(1, "web.1", "line " + std::to_string(i)));
    CHECK(sys::names_in(folder.path()) ==
          std::vector<std::string>{"app.log", "app.log.1", "app.log.2"});
    for (const char* name : {"app.log", "app.log.1", "app.log.2"})
        CHECK(sys::read_file(folder / name).size() <= 1000);
    const auto last = LogReader(folder / "app.log", {}).last(1);
    CHECK(texts(last) == std::vector<std::string>{"line 99"});
}

TEST_CASE("the last records are found across rotated files, filtered by process and release") {
    const TestFolder folder;
    LogFile log(folder / "app.log", {500, 10});
    for (int i = 0; i < 30; ++i) {
        log.append(record(1, "web.1", "web " + std::to_string(i)));
        log.append(record(i < 15 ? 1 : 2, "worker.1", "worker " + std::to_string(i)));
    }
    CHECK(texts(LogReader(folder / "app.log", {"web", {}}).last(2)) ==
          std::vector<std::string>{"web 28", "web 29"});
    CHECK(texts(LogReader(folder / "app.log", {"worker.1", ReleaseNumber(1)}).last(2)) ==
          std::vector<std::string>{"worker 13", "worker 14"});
    CHECK(LogReader(folder / "app.log", {"work", {}}).last(5).empty());
    CHECK(LogReader(folder / "app.log", {}).last(1000).size() == 60);
}

TEST_CASE("following goes on through rotations, without a loss or a repetition") {
    const TestFolder folder;
    LogFile log(folder / "app.log", {400, 20});
    LogReader reader(folder / "app.log", {});
    CHECK(reader.last(10).empty());
    std::vector<std::string> seen;
    std::vector<std::string> written;
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 7; ++i) {
            written.push_back("line " + std::to_string(round) + "/" + std::to_string(i));
            log.append(record(1, "web.1", written.back()));
        }
        for (const std::string& text : texts(reader.more(1s)))
            seen.push_back(text);
    }
    CHECK(seen == written);
    CHECK(reader.more(0ms).empty());
}

TEST_CASE("a file that gets its next name while the log is read is read once") {
    const TestFolder folder;
    const auto write = [&](const char* name, const char* text) {
        sys::replace_durably(folder / name, record(1, "web.1", text), 0600);
    };
    write("app.log", "new");
    SUBCASE("the newest") {
        REQUIRE(::link((folder / "app.log").c_str(), (folder / "app.log.1").c_str()) == 0);
        write("app.log.2", "old");
    }
    SUBCASE("an older one") {
        write("app.log.1", "old");
        REQUIRE(::link((folder / "app.log.1").c_str(), (folder / "app.log.2").c_str()) == 0);
    }
    CHECK(texts(LogReader(folder / "app.log", {}).last(10)) ==
          std::vector<std::string>{"old", "new"});
}

TEST_CASE("following waits for what comes") {
    const TestFolder folder;
    LogReader reader(folder / "app.log", {});
    const pid_t writer = ::fork();
    if (writer == 0) {
        LogFile log(folder / "app.log", {});
        log.append(record(1, "web.1", "from another process"));
        ::_exit(0);
    }
    CHECK(texts(reader.more(5s)) == std::vector<std::string>{"from another process"});
    ::waitpid(writer, nullptr, 0);
}

TEST_CASE("what a process writes becomes records, with its last unfinished line") {
    Piped piped;
    const sys::Fd writer = piped.pipe.writer();
    sys::write_all(writer.get(), "one\n\ntwo\xff\x01\nthree", "pipe");
    piped.pipe.drain();
    CHECK(texts(piped.read()) == std::vector<std::string>{"one", "", "two\xff\x01", "three"});
    CHECK(piped.read()[0].release == ReleaseNumber(3));
    CHECK(piped.read()[0].process == "web.1");
}

TEST_CASE("an endless line is cut into records that are marked") {
    Piped piped;
    const sys::Fd writer = piped.pipe.writer();
    sys::write_all(writer.get(), std::string(20000, 'x') + "\nshort\n", "pipe");
    piped.pipe.drain();
    const auto lines = texts(piped.read());
    REQUIRE(lines.size() == 4);
    CHECK(lines[0] == std::string(longest_log_line, 'x') + std::string(log_line_goes_on));
    CHECK(lines[2] == std::string(20000 - 2 * longest_log_line, 'x'));
    CHECK(lines[3] == "short");
}

TEST_CASE("the tail keeps the newest lines, each of limited length") {
    Piped piped;
    const sys::Fd writer = piped.pipe.writer();
    for (int i = 0; i < 30; ++i)
        sys::write_all(writer.get(), std::to_string(i) + std::string(3000, '.') + "\n", "pipe");
    piped.pipe.drain();
    CHECK(piped.pipe.tail().size() == 20);
    CHECK(piped.pipe.tail().back().substr(0, 3) == "29.");
    CHECK(piped.pipe.tail().back().size() == 1000);
}

TEST_CASE("a writer that is faster than the disk waits, and memory stays bounded") {
    const TestFolder folder;
    Loop loop;
    LogFile log(folder / "app.log", {1 << 20, 3});
    LogPipe pipe(loop, folder / "fifo", {ReleaseNumber(1), "web.1"}, std::nullopt, log);
    const sys::Fd output = pipe.writer();
    const pid_t writer = ::fork();
    if (writer == 0) {
        const std::string block(1 << 20, 'y'); // without a newline
        for (int i = 0; i < 60; ++i)
            sys::write_all(output.get(), block, "pipe");
        ::_exit(0);
    }
    rusage before{};
    ::getrusage(RUSAGE_SELF, &before);
    Loop::Timer check;
    std::function<void()> look = [&] {
        int status = 0;
        if (::waitpid(writer, &status, WNOHANG) == writer)
            return loop.stop();
        check = loop.after(5ms, look);
    };
    look();
    loop.run();
    pipe.drain();
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
#ifndef __SANITIZE_ADDRESS__                           // which keeps what was freed
    CHECK(after.ru_maxrss - before.ru_maxrss < 20000); // KiB, of 60 MiB written
#endif
    CHECK(sys::names_in(folder.path()).size() == 4);
}

TEST_CASE("on a full disk lines are lost whole, and what tells of it is not cut either") {
    const FullDisk disk;
    if (!disk.is_there) {
        MESSAGE("needs root");
        return;
    }
    const sys::Path path = disk.folder / "app.log";
    LogFile log(path, {});
    const std::string nothing = record(1, "web.1", "");
    // All of its page but ten bytes.
    const std::string first(4096 - 10 - nothing.size(), 'x');
    log.append(record(1, "web.1", first));
    disk.fill();
    for (int i = 0; i < 3; ++i)
        log.append(record(1, "web.1", "lost"));
    CHECK(sys::read_file(path).size() == 4096 - 10);
    REQUIRE(::unlink(disk.filling.c_str()) == 0);
    log.append(record(1, "web.1", "after"));
    const std::string content = sys::read_file(path);
    CHECK(content.find('\0') == std::string::npos);
    CHECK(content.find(" supervisor 3 lines lost: the log could not be written\n") !=
          std::string::npos);
    CHECK(texts(LogReader(path, {"web.1", {}}).last(10)) ==
          std::vector<std::string>{first, "after"});
}

TEST_CASE("a log that was removed while it is written to is made again") {
    const Piped piped;
    LogFile log(piped.folder / "app.log", {});
    log.append(record(1, "web.1", "before"));
    sys::remove_file(piped.folder / "app.log");
    log.append(record(1, "web.1", "after"));
    CHECK(texts(piped.read()) == std::vector<std::string>{"after"});
}

TEST_CASE("a pipe that is removed leaves another one alone that has come to its name") {
    Piped piped;
    REQUIRE(::unlink((piped.folder / "web.1.fifo").c_str()) == 0);
    Loop loop;
    LogFile log(piped.folder / "app.log", {});
    LogPipe next(loop, piped.folder / "web.1.fifo", {ReleaseNumber(4), "web.1"}, std::nullopt, log);
    piped.pipe.remove();
    CHECK(sys::is_there(piped.folder / "web.1.fifo"));
    next.remove();
    CHECK_FALSE(sys::is_there(piped.folder / "web.1.fifo"));
}

TEST_CASE("lines that are no records are passed over") {
    const TestFolder folder;
    sys::replace_durably(folder / "app.log",
                         "junk\n\n2026-11-22T22:39:49.123Z v1 web.1 good\n2026 v1 x\n", 0600);
    CHECK(texts(LogReader(folder / "app.log", {}).last(10)) == std::vector<std::string>{"good"});
}

TEST_SUITE_END();
