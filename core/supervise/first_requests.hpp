// The first request to each worker of a generation, made before clients make it: what a program
// does only then (it imports, connects, compiles) keeps nobody waiting.
//
// Workers that share a listening socket are all reached, though the kernel gives a connection to
// any of them: the requests' connections are made at once, and each keeps the worker busy that
// accepts it until its request comes a moment later.
#pragma once

#include "core/supervise/probe.hpp"

#include <memory>
#include <vector>

namespace shipit::supervise {

class FirstRequests {
  public:
    // `count` of them, at most as many as have source ports. `done` is called once, from the loop,
    // within a time limit; not after destruction. What is answered is no evidence: a program that
    // takes one request after the other makes the last one wait.
    FirstRequests(Loop& loop, const ProbeTarget& target, std::size_t count, Loop::Callback done);

  private:
    void answered();

    Loop::Callback m_done;
    std::size_t m_unanswered;
    std::vector<std::unique_ptr<Probe>> m_probes;
};

} // namespace shipit::supervise
