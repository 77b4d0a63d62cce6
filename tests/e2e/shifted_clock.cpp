// A clock that can be set, for programs that it is loaded into (LD_PRELOAD): CLOCK_REALTIME is off
// by as many seconds as the file says whose name is in SHIFTED_CLOCK. All other clocks, and the
// kernel's timers, go on as they do when a host's clock is set. (libfaketime shifts timers, too.)
#include <cstdlib>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

namespace {

long shift() {
    const char* file = std::getenv("SHIFTED_CLOCK"); // NOLINT(concurrency-mt-unsafe)
    const int fd = file != nullptr ? ::open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    char text[32] = {};
    const ssize_t count = ::read(fd, text, sizeof text - 1);
    (void)::close(fd);
    return count > 0 ? std::strtol(text, nullptr, 10) : 0;
}

} // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    const long result = ::syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += shift();
    return static_cast<int>(result);
}

extern "C" int gettimeofday(timeval* now, void* /*zone*/) noexcept {
    timespec time{};
    const int result = clock_gettime(CLOCK_REALTIME, &time);
    *now = {time.tv_sec, time.tv_nsec / 1000};
    return result;
}

extern "C" time_t time(time_t* now) noexcept {
    timespec time{};
    (void)clock_gettime(CLOCK_REALTIME, &time);
    if (now != nullptr)
        *now = time.tv_sec;
    return time.tv_sec;
}
