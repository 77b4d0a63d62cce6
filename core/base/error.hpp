// What shipit throws, and what a shell sees of it.
//
// One exception type for everything that cannot be done: why it failed (in the words of the system
// or of the app), what was being attempted (outermost last, added on the way up by while_doing),
// one piece of advice that can be pasted, and the outcome that becomes the exit status.
#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace shipit {

// The exit statuses of shipit(1), section EXIT STATUS. Values are part of the interface.
enum class Outcome {
    done = 0,
    failed = 1,
    usage = 2,
    release_failed = 3, // the new release failed, the old one still serves
    rolled_back = 4,    // went live and was rolled back
    locked = 5,
    held = 6,
    corrupt = 7,
    down = 8, // neither old nor new serves, or what failed when live could not be rolled back
    bug = 70,
};

// The name of an outcome as --json prints it: "done", "release_failed", …
[[nodiscard]] const char* name_of(Outcome outcome);

class Error : public std::exception {
  public:
    explicit Error(std::string why, Outcome outcome = Outcome::failed);

    // What to do next, as a sentence or a command to paste. The first advice given is kept.
    Error& advise(std::string next) &;
    Error&& advise(std::string next) &&;
    // For who knows where things stand now, which whoever failed further down could not.
    Error& advise_instead(std::string next) &;

    // Adds what was being attempted, innermost first.
    void add_attempt(std::string attempt);

    // All of what `why` tells the beginning of, where that would be too long to read.
    Error& add_details(std::vector<std::string> details) &;

    [[nodiscard]] const std::string& why() const { return m_why; }
    [[nodiscard]] const std::vector<std::string>& attempts() const { return m_attempts; }
    [[nodiscard]] const std::vector<std::string>& details() const { return m_details; }
    [[nodiscard]] const std::string& next() const { return m_next; }
    [[nodiscard]] Outcome outcome() const { return m_outcome; }
    void set_outcome(Outcome outcome) { m_outcome = outcome; }
    [[nodiscard]] const char* what() const noexcept override { return m_why.c_str(); }

  private:
    std::string m_why;
    std::vector<std::string> m_attempts;
    std::vector<std::string> m_details;
    std::string m_next;
    Outcome m_outcome;
};

// The advice where a disk is full.
inline constexpr const char* how_to_make_room =
    "make room, or keep fewer releases: shipit prune --keep N";

// Throws Error("<what>: <strerror(errno)>"); with advice, where it is of a full disk. errno is read
// before anything else happens.
[[noreturn]] void throw_errno(const std::string& what);
[[noreturn]] void throw_errno(const std::string& what, int error_number);

// The system's words for an errno, in English whatever the locale.
[[nodiscard]] std::string errno_text(int error_number);

// Runs `action`; an Error that leaves it says that it happened while doing `attempt`.
template <class Action>
decltype(auto) while_doing(const std::string& attempt, Action&& action) {
    try {
        return std::forward<Action>(action)();
    } catch (Error& error) {
        error.add_attempt(attempt);
        throw;
    }
}

} // namespace shipit
