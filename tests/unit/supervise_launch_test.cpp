#include "core/supervise/launch.hpp"
#include "core/supervise/run_once.hpp"
#include "core/supervise/slots.hpp"
#include "core/supervise/tree.hpp"
#include "core/supervise/words.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "tests/unit/supervised_app.hpp"

#include <csignal>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::supervise;
using namespace std::chrono_literals;
using tests::TestFolder;

namespace {

Program program_of(const std::string& command) {
    Program program;
    program.name = "web.1";
    program.type = "web";
    program.command = command;
    program.environment = {{"PATH", "/usr/bin:/bin"}, {"SHIPIT_PROCESS", "web.1"}};
    program.folder = "/";
    return program;
}

struct Ran {
    OnceEnd end;
    std::string output;
};

Ran run(const Program& program, milliseconds timeout = 10s) {
    Ran ran;
    ran.end = run_once(program, timeout, [&ran](std::string_view text) { ran.output += text; });
    return ran;
}

std::string failure_of(const Program& program) {
    try {
        (void)run(program);
        return "";
    } catch (const Error& error) {
        return error.why();
    }
}

} // namespace

TEST_SUITE_BEGIN("supervise::launch");

TEST_CASE("a program gets exactly the environment that is given, byte for byte") {
    Program program = program_of("env -0");
    program.environment = {{"PATH", "/usr/bin:/bin"}, {"A", "b c\n'\"$x\\\xff="}, {"EMPTY", ""}};
    CHECK(run(program).output ==
          std::string("PATH=/usr/bin:/bin\0A=b c\n'\"$x\\\xff=\0EMPTY=\0", 40));
}

TEST_CASE("a program has descriptors 0, 1 and 2 and no other, and an empty stdin") {
    const sys::Fd leaked(
        ::open("/dev/null", O_RDONLY)); // NOLINT(android-cloexec-open): a leak is wanted
    const Ran ran = run(program_of("ls /proc/self/fd"));
    CHECK(ran.output == "0\n1\n2\n3\n"); // 3: the folder that ls reads
    CHECK(run(program_of("readlink /proc/self/fd/0")).output == "/dev/null\n");
}

namespace {

struct Listening {
    explicit Listening(std::uint16_t port)
        : fd(listening_socket(TcpAddress::of("127.0.0.1", port).value())) {}
    sys::Fd fd;
};

// What a program says that is started with two sockets.
std::string said_with_sockets(const std::string& command, Environment environment) {
    const Listening one(tests::free_port());
    const Listening two(tests::free_port());
    const TestFolder folder;
    const sys::Path said = folder / "said";
    const sys::Fd output(::open(said.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    environment.emplace_back("PATH", "/usr/bin:/bin");
    Launch launch;
    launch.argv = argv_of(command);
    launch.environment = std::move(environment);
    launch.folder = "/";
    launch.output = launch.errors = output.get();
    launch.sockets = {{two.fd.get(), "two"}, {one.fd.get(), "one"}};
    Loop loop;
    const Child child(loop, launch, [&loop](WaitStatus) { loop.stop(); });
    loop.run();
    return sys::read_file(said);
}

} // namespace

TEST_CASE("a program that is given sockets has them from 3 on, and is told so by systemd's rules") {
    CHECK(
        said_with_sockets("python3 -S -E -c 'import os; print(sorted(os.listdir(\"/proc/self/fd\"),"
                          " key=int)[:-1], *(os.get_inheritable(fd) for fd in (3, 4)), "
                          "os.environ[\"LISTEN_FDS\"], os.environ[\"LISTEN_FDNAMES\"], "
                          "int(os.environ[\"LISTEN_PID\"]) == os.getpid())'",
                          {}) == "['0', '1', '2', '3', '4'] True True 2 two:one True\n");
}

TEST_CASE("LISTEN_PID is that of what a shell becomes, and nobody else's values are left") {
    const std::string said =
        said_with_sockets("cd /tmp && env; exec python3 -S -E -c 'import os; "
                          "print(os.getpid() == int(os.environ[\"LISTEN_PID\"]))'",
                          {{"LISTEN_PID", "1"}, {"LISTEN_FDS", "7"}, {"LISTEN_FDNAMES", "x"}});
    CHECK(said.find("LISTEN_FDS=2\n") != std::string::npos);
    CHECK(said.find("LISTEN_FDS=7") == std::string::npos);
    CHECK(said.find("LISTEN_PID=1\n") == std::string::npos);
    CHECK(said.find("LISTEN_FDNAMES=x") == std::string::npos);
    CHECK(said.find("True\n") != std::string::npos);
}

TEST_CASE("a program leads a session of its own, in its folder, with default signals") {
    const TestFolder folder;
    Program program =
        program_of("python3 -c 'import os; print(os.getsid(0) == os.getpid(), os.getcwd())'");
    program.folder = folder.path();
    CHECK(run(program).output == "True " + folder.path().string() + "\n");

    ::signal(SIGUSR1, SIG_IGN);
    ::signal(SIGPIPE, SIG_IGN);
    const Ran ran = run(program_of("grep -E 'Sig(Blk|Ign|Cgt)|NoNewPrivs' /proc/self/status"));
    ::signal(SIGUSR1, SIG_DFL);
    ::signal(SIGPIPE, SIG_DFL);
    CHECK(ran.output.find("SigBlk:\t0000000000000000") != std::string::npos);
    CHECK(ran.output.find("SigIgn:\t0000000000000000") != std::string::npos);
    CHECK(ran.output.find("NoNewPrivs:\t1") != std::string::npos);
}

TEST_CASE("a command through a shell has the program's own pid") {
    CHECK(run(program_of("echo $$; exec readlink /proc/self")).output.find('\n') !=
          std::string::npos);
    Program program = program_of("X=1; python3 -c 'import os; print(os.getsid(0) == os.getpid())'");
    CHECK(run(program).output == "True\n");
}

TEST_CASE("a launch that fails names the step and the reason") {
    CHECK(failure_of(program_of("no-such-program")) ==
          "there is no command 'no-such-program' in the app's PATH");
    CHECK(failure_of(program_of("/etc/passwd")) ==
          "cannot execute '/etc/passwd': Permission denied");
    Program nowhere = program_of("ls");
    nowhere.folder = "/no/such/folder";
    CHECK(failure_of(nowhere) ==
          "cannot enter '/no/such/folder' to run 'ls': No such file or directory");
    Program stranger = program_of("ls");
    stranger.user = sys::Account{"stranger", ::getuid() + 4711, 4711, "/", "/bin/sh", {}};
    if (::geteuid() != 0)
        CHECK(failure_of(stranger).find("cannot become user 'stranger'") == 0);
}

TEST_CASE("of a script whose interpreter is not there, that is what is named") {
    const TestFolder folder;
    sys::replace(folder / "gunicorn", "#! /gone/venv/bin/python3 -I\nprint(1)\n", 0755);
    Program program = program_of("./gunicorn --bind :1");
    program.folder = folder.path();
    CHECK(failure_of(program) == "cannot execute './gunicorn': its first line names "
                                 "'/gone/venv/bin/python3', which is not there");
    program.command = "gunicorn";
    program.environment = {{"PATH", "/nowhere:" + folder.path().string()}};
    CHECK(failure_of(program).starts_with("cannot execute 'gunicorn': its first line names "));
    program.command = "./puma";
    CHECK(failure_of(program) == "cannot execute './puma': No such file or directory");
}

TEST_CASE("a launch that fails leaves no zombie") {
    for (int i = 0; i < 5; ++i)
        (void)failure_of(program_of("no-such-program"));
    siginfo_t ended{};
    CHECK(::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == -1); // ECHILD
}

TEST_CASE("a script without an interpreter line runs as a shell script") {
    const TestFolder folder;
    sys::replace_durably(folder / "script", "echo ran with \"$1\"\n", 0755);
    Program program = program_of("./script 'two words'");
    program.folder = folder.path();
    CHECK(run(program).output == "ran with two words\n");
}

TEST_CASE("the user is dropped for good, with its groups" * doctest::skip(::geteuid() != 0)) {
    Program program =
        program_of("python3 -c 'import os; print(os.getresuid(), os.getresgid(), os.getgroups())'");
    program.user = sys::Account{"nobody", 65534, 65533, "/", "/bin/sh", {65532}};
    CHECK(run(program).output == "(65534, 65534, 65534) (65533, 65533, 65533) [65532]\n");
}

TEST_CASE("a folder that the app's user cannot enter is the app's failure" *
          doctest::skip(::geteuid() != 0)) {
    const TestFolder folder; // 0700, root's
    Program program = program_of("ls");
    program.user = sys::Account{"nobody", 65534, 65534, "/", "/bin/sh", {}};
    program.folder = folder.path();
    CHECK(failure_of(program).find("Permission denied") != std::string::npos);
}

TEST_CASE("exit status, signal and timeout are told apart") {
    CHECK(run(program_of("true")).end.how == "exited with status 0");
    CHECK(run(program_of("exit 7")).end.code == 7);
    const Ran killed = run(program_of("kill -SEGV $$"));
    CHECK(killed.end.how == "was killed by SIGSEGV");
    CHECK(killed.end.code == 128 + SIGSEGV);
    const Ran late = run(program_of("sleep 60"), 50ms);
    CHECK(late.end.timed_out);
}

TEST_CASE("at the timeout the whole tree goes, daemons too") {
    const TestFolder folder;
    Program program = program_of("setsid -f setsid -f sh -c 'trap \"\" TERM; echo $$ > daemon; "
                                 "while :; do sleep 0.1; done'; sleep 60");
    program.folder = folder.path();
    const Ran ran = run(program, 400ms);
    CHECK(ran.end.timed_out);
    const std::string pid(trimmed(sys::read_file(folder / "daemon")));
    CHECK_FALSE(sys::is_there("/proc/" + pid));
}

TEST_CASE("what a program leaves behind does not outlive run_once") {
    const TestFolder folder;
    Program program = program_of("setsid -f sh -c 'echo $$ > daemon; sleep 60'; sleep 0.2");
    program.folder = folder.path();
    CHECK(run(program).end.code == 0);
    const std::string pid(trimmed(sys::read_file(folder / "daemon")));
    CHECK_FALSE(sys::is_there("/proc/" + pid));
}

TEST_CASE("what a program writes byte by byte comes in whole lines") {
    std::vector<std::string> pieces;
    const Program program =
        program_of("for i in 1 2 3; do echo \"line $i of them\"; done | dd bs=1 "
                   "2>/dev/null; printf unfinished");
    (void)run_once(program, 10s, [&pieces](std::string_view piece) { pieces.emplace_back(piece); });
    REQUIRE_FALSE(pieces.empty());
    const std::string last = pieces.back();
    pieces.pop_back();
    for (const std::string& piece : pieces)
        CHECK(piece.back() == '\n');
    CHECK(last == "unfinished");
}

TEST_CASE("where its output cannot be taken, a one-off is ended at once, and that is told") {
    const TestFolder folder;
    Program program = program_of("echo $$ > pid; while echo more; do :; done");
    SUBCASE("as it goes on") {}
    SUBCASE("as it ends") {
        program.command = "echo $$ > pid; echo more";
    }
    program.folder = folder.path();
    const auto output = [](std::string_view) { throw Error("the disk is full"); };
    const sys::Deadline deadline(5s);
    CHECK_THROWS_WITH_AS((void)run_once(program, 10s, output), "the disk is full", Error);
    CHECK_FALSE(deadline.passed());
    const std::string pid(trimmed(sys::read_file(folder / "pid")));
    CHECK_FALSE(sys::is_there("/proc/" + pid));
}

TEST_CASE("SIGTERM ends a one-off and its tree, and the caller's handler comes back") {
    ::signal(SIGTERM, SIG_IGN);
    Program program = program_of("echo started; sleep 60");
    const OnceEnd end =
        run_once(program, 10s, [](std::string_view) { ::kill(::getpid(), SIGTERM); });
    CHECK(end.interrupted_by == SIGTERM);
    CHECK(end.code == 128 + SIGKILL);
    const bool is_back = ::signal(SIGTERM, SIG_DFL) == SIG_IGN;
    CHECK(is_back);
}

TEST_CASE("SIGTERM in the moment in which a one-off ends is not lost") {
    const TestFolder folder;
    Program program = program_of("echo $$ > pid; echo over");
    program.folder = folder.path();
    const OnceEnd end = run_once(program, 10s, [&folder](std::string_view) {
        const int pid = std::stoi(sys::read_file(folder / "pid"));
        siginfo_t info{};
        (void)::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
        ::kill(::getpid(), SIGTERM);
    });
    CHECK(end.code == 0);
    CHECK(end.interrupted_by == SIGTERM);
}

TEST_CASE("an interactive one-off has our stdin and our process group") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const sys::Fd reading(ends[0]);
    sys::Fd writing(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        (void)::dup2(writing.get(), STDOUT_FILENO);
        const Program program = program_of("sh -c 'echo $(ps -o pgid= -p $$); exit 5'");
        ::_exit(run_interactively(program).code);
    }
    writing.reset();
    char text[100] = {};
    (void)!::read(reading.get(), text, sizeof text - 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 5);
    CHECK(std::string(trimmed(text)) == std::to_string(::getpgrp()));
}

TEST_CASE("much output arrives whole") {
    CHECK(run(program_of("head -c 3000000 /dev/zero")).output.size() == 3000000);
}

TEST_CASE("a generation comes through JSON as it was, bytes and all") {
    Program program = program_of("run \"it\"");
    program.environment.emplace_back("BYTES", "\xff\xfe\n\"");
    program.user = sys::Account{"app", 12, 13, "/home", "/bin/sh", {14, 15}};
    program.sockets = {TcpAddress::of("::1", 8000).value()};
    program.stop_signal = SIGINT;
    program.notify = true;
    program.watchdog = 30s;
    Generation generation{ReleaseNumber(12), {program}, {}, 8000};
    generation.health.path = "/healthz";
    const Generation back = generation_from(Json::parse(to_json(generation).dump()));
    CHECK(to_json(back).dump() == to_json(generation).dump());
    CHECK(back.programs[0].environment == program.environment);
    CHECK(back.programs[0].user->groups == program.user->groups);
    CHECK(back.programs[0].sockets == program.sockets);
    CHECK(back.programs[0].notify);
    CHECK(back.programs[0].watchdog == 30s);
    CHECK(back.health == generation.health);
    CHECK(back.port == 8000);
}

TEST_CASE(
    "a generation whose ports or groups are none is refused, whatever number they would become") {
    Program program = program_of("true");
    program.user = sys::Account{"app", 12, 13, "/home", "/bin/sh", {4711}};
    const Generation generation{ReleaseNumber(1), {program}, {}, 8000, {8001}};
    const std::string text = to_json(generation).dump();
    (void)generation_from(Json::parse(text));
    for (const std::string number : {"8001", "4711", "8000"})
        for (const std::string wrong : {"-1", "4294967296", "4295032065", "\"33\"", "1.5"}) {
            std::string changed = text;
            changed.replace(changed.find(number), 4, wrong);
            CHECK_THROWS_AS((void)generation_from(Json::parse(changed)), Error);
        }
}

TEST_CASE("a generation that is not one is refused") {
    for (const char* text : {"{}", R"({"release":0})", R"({"release":1,"health":{"passes":0}})",
                             R"({"release":1,"programs":[{"name":"../x","type":"web"}]})",
                             R"({"release":1,"programs":[7]})", R"({"release":"1"})"})
        CHECK_THROWS_AS((void)generation_from(Json::parse(text)), Error);
}

TEST_SUITE_END();
