#include "core/base/error.hpp"

#include <cerrno>
#include <cstring>

namespace shipit {

const char* name_of(Outcome outcome) {
    switch (outcome) {
    case Outcome::done:
        return "done";
    case Outcome::failed:
        return "failed";
    case Outcome::usage:
        return "usage";
    case Outcome::release_failed:
        return "release_failed";
    case Outcome::rolled_back:
        return "rolled_back";
    case Outcome::locked:
        return "locked";
    case Outcome::held:
        return "held";
    case Outcome::corrupt:
        return "corrupt";
    case Outcome::down:
        return "down";
    case Outcome::bug:
        return "bug";
    }
    return "bug";
}

Error::Error(std::string why, Outcome outcome) : m_why(std::move(why)), m_outcome(outcome) {}

Error& Error::advise(std::string next) & {
    if (m_next.empty())
        m_next = std::move(next);
    return *this;
}

Error&& Error::advise(std::string next) && {
    return std::move(advise(std::move(next)));
}

Error& Error::advise_instead(std::string next) & {
    m_next = std::move(next);
    return *this;
}

void Error::add_attempt(std::string attempt) {
    m_attempts.push_back(std::move(attempt));
}

Error& Error::add_details(std::vector<std::string> details) & {
    m_details = std::move(details);
    return *this;
}

void throw_errno(const std::string& what) {
    const int error_number = errno;
    throw_errno(what, error_number);
}

void throw_errno(const std::string& what, int error_number) {
    const std::string why = what + ": " + errno_text(error_number);
    if (error_number == ENOSPC || error_number == EDQUOT)
        throw Error(why).advise(how_to_make_room);
    throw Error(why);
}

std::string errno_text(int error_number) {
    const char* text = ::strerrordesc_np(error_number); // never translated (strerrordesc_np(3))
    return text != nullptr ? text : "unknown error " + std::to_string(error_number);
}

} // namespace shipit
