#include "core/supervise/own_program.hpp"

#include "core/sys/process.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace shipit::supervise {

Environment own_environment() {
    Environment result;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string text = *variable;
        const auto equals = text.find('=');
        if (equals != std::string::npos)
            result.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    return result;
}

OwnProgram::OwnProgram() : m_path(sys::own_program()) {}

bool OwnProgram::is_outdated() const {
    struct stat running {};
    struct stat there {};
    return ::stat("/proc/self/exe", &running) == 0 && ::stat(m_path.c_str(), &there) == 0 &&
           (running.st_dev != there.st_dev || running.st_ino != there.st_ino);
}

} // namespace shipit::supervise
