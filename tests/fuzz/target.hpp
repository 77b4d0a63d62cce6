// What the targets with several kinds of input are made of: a target defines run(), and target.cpp
// is libFuzzer's way in. The first byte of an input is its kind; the rest is for run().
#pragma once

#include <string_view>

namespace shipit::fuzz {

// Throws Error where it refuses the input, which is as it should be; ends the process, as a crash
// does, where something does not hold. Kinds that the target does not know are passed over.
void run(char kind, std::string_view rest);

// Ends the process, as a crash does, unless `holds`.
void require(bool holds, const char* otherwise);

} // namespace shipit::fuzz
