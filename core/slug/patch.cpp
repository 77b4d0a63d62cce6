#include "core/slug/patch.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <new>

#include <fmt/core.h>
#include <zstd.h>

namespace shipit::slug {

namespace {

// The window must reach from the end of the bytes back to the beginning of the reference.
int window_log(std::size_t size) {
    constexpr int least = 10;
    constexpr int most = 27; // what every reader takes without being asked
    return std::clamp(static_cast<int>(std::bit_width(size)), least, most);
}

void require(std::size_t result) {
    if (ZSTD_isError(result) != 0)
        throw Error(fmt::format("libzstd cannot compress: {}", ZSTD_getErrorName(result)));
}

} // namespace

std::string patch_of(std::string_view bytes, std::string_view reference, int level) {
    const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                       ZSTD_freeCCtx);
    if (!context)
        throw std::bad_alloc();
    auto* const raw = context.get();
    require(ZSTD_CCtx_setParameter(raw, ZSTD_c_compressionLevel, level));
    require(ZSTD_CCtx_setParameter(raw, ZSTD_c_checksumFlag, 1));
    require(
        ZSTD_CCtx_setParameter(raw, ZSTD_c_windowLog, window_log(bytes.size() + reference.size())));
    require(ZSTD_CCtx_refPrefix(raw, reference.data(), reference.size()));
    std::string frame(ZSTD_compressBound(bytes.size()), '\0');
    const auto size = ZSTD_compress2(raw, frame.data(), frame.size(), bytes.data(), bytes.size());
    require(size);
    frame.resize(size);
    return frame;
}

std::string patched(std::string_view patch, std::string_view reference, std::size_t size) {
    const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                       ZSTD_freeDCtx);
    if (!context)
        throw std::bad_alloc();
    if (ZSTD_getFrameContentSize(patch.data(), patch.size()) != size)
        throw Error("what came is not as large as it should be", Outcome::corrupt);
    (void)ZSTD_DCtx_refPrefix(context.get(), reference.data(), reference.size());
    std::string bytes(size, '\0');
    const auto found =
        ZSTD_decompressDCtx(context.get(), bytes.data(), bytes.size(), patch.data(), patch.size());
    if (ZSTD_isError(found) != 0)
        throw Error(fmt::format("what came cannot be unpacked: {}", ZSTD_getErrorName(found)),
                    Outcome::corrupt);
    if (found != size)
        throw Error("what came is not as large as it should be", Outcome::corrupt);
    return bytes;
}

} // namespace shipit::slug
