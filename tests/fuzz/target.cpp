#include "tests/fuzz/target.hpp"

#include "core/base/error.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

void shipit::fuzz::require(bool holds, const char* otherwise) {
    if (holds)
        return;
    (void)std::fprintf(stderr, "fuzz: %s\n", otherwise);
    std::abort();
}

// The name is libFuzzer's: https://llvm.org/docs/LibFuzzer.html.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (input.empty())
        return 0;
    try {
        shipit::fuzz::run(input.front(), input.substr(1));
    } catch (const shipit::Error&) {
        // refused
    }
    return 0;
}
