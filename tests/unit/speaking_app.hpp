// A supervised app whose processes say what the test tells them to say (sd_notify(3)).
#pragma once

#include "tests/unit/supervised_app.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace shipit::tests {

// Carries out what it reads from its release's pipe, a line of Python each.
constexpr const char* speaker = R"py(
import array, os, signal, socket, time
where = os.environ['NOTIFY_SOCKET']
def say(what, *descriptors):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', descriptors))]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
        try:
            mouth.connect('\0' + where[1:] if where[0] == '@' else where)
            mouth.sendmsg([what if isinstance(what, bytes) else what.encode()],
                          rights if descriptors else [])
        except ConnectionRefusedError:
            pass  # there is no supervisor at the moment
def always(what, seconds):
    while True:
        say(what)
        time.sleep(seconds)
for order in os.fdopen(os.open('orders.' + os.environ['SHIPIT_RELEASE'], os.O_RDWR)):
    exec(order)
)py";

class SpeakingApp : public SupervisedApp {
  public:
    SpeakingApp() { sys::replace_durably(folder() / "speaker.py", speaker, 0644); }

    // One worker that has to say that it is ready.
    [[nodiscard]] Generation speaking(std::uint64_t release) const {
        const std::string pipe = orders(release);
        if (::mkfifo(pipe.c_str(), 0600) != 0 && errno != EEXIST)
            FAIL("no pipe: " << pipe);
        Generation generation = worker(release, "python3 -S -E speaker.py");
        Program& program = generation.programs.at(0);
        program.notify = true;
        program.environment.emplace_back("NOTIFY_SOCKET", "/a/config/var"); // does not count
        return generation;
    }

    // To the one process of that release, which begins to read them when it has started.
    void tell(std::uint64_t release, const std::string& order) const {
        const sys::Fd pipe(::open(orders(release).c_str(), O_WRONLY | O_CLOEXEC));
        const std::string line = order + "\n";
        REQUIRE(::write(pipe.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    }

    [[nodiscard]] std::string state() const { return process("worker.1")["state"].text(); }
    [[nodiscard]] std::string own_log() const {
        return sys::read_file(log() / supervise::supervisor_log_name);
    }

  private:
    [[nodiscard]] std::string orders(std::uint64_t release) const {
        return folder() / ("orders.v" + std::to_string(release));
    }
};

} // namespace shipit::tests
