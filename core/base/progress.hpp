// How core tells what it is doing, without printing: callbacks that cmd gives and tests may leave
// empty.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace shipit {

struct Progress {
    // A phase begins: "packing", "starting web.1", … One line for people.
    std::function<void(const std::string& phase)> begin;
    // How far the phase is; total is 0 where it is not known. May be called from any thread, often;
    // may throw, to cancel what is being done.
    std::function<void(std::uint64_t done, std::uint64_t total)> advance;
    // A line of the release command's or a check's output, as it came (any bytes).
    std::function<void(const std::string& text)> output;
    // Something went wrong that does not stop the work: "…, ignoring".
    std::function<void(const std::string& warning)> warn;

    void begin_phase(const std::string& phase) const {
        if (begin)
            begin(phase);
    }
    void advance_to(std::uint64_t done, std::uint64_t total) const {
        if (advance)
            advance(done, total);
    }
    void show(const std::string& text) const {
        if (output)
            output(text);
    }
    void warn_of(const std::string& warning) const {
        if (warn)
            warn(warning);
    }
};

} // namespace shipit
