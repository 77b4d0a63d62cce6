#include "core/slug/zstd.hpp"

#include "core/base/error.hpp"
#include "core/slug/buffer.hpp"

#include <new>

// For ZSTD_d_forceIgnoreChecksum, which is there since 1.5.0 and still called experimental; a
// library that does not know it verifies.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

namespace shipit::slug {

struct Compressor::State {
    std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(), ZSTD_freeCCtx};
    Buffer frame;
};

Compressor::Compressor(int level) : m_state(std::make_unique<State>()) {
    auto* context = m_state->context.get();
    if (context == nullptr)
        throw std::bad_alloc();
    const auto level_set = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    const auto checksum_set = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    if (ZSTD_isError(level_set) != 0 || ZSTD_isError(checksum_set) != 0)
        throw Error("libzstd does not take level " + std::to_string(level));
}

Compressor::~Compressor() = default;

std::string Compressor::compress(std::string_view bytes) {
    const auto frame = m_state->frame.of(ZSTD_compressBound(bytes.size()));
    const auto size = ZSTD_compress2(m_state->context.get(), frame.data(), frame.size(),
                                     bytes.data(), bytes.size());
    if (ZSTD_isError(size) != 0)
        throw Error(std::string("libzstd cannot compress: ") + ZSTD_getErrorName(size));
    return {frame.data(), size}; // no more memory than it needs: many may wait to be written
}

struct Decompressor::State {
    std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context{ZSTD_createDCtx(), ZSTD_freeDCtx};
    Buffer packed;
    Buffer bytes;
};

Decompressor::Decompressor(Checksum checksum) : m_state(std::make_unique<State>()) {
    auto* context = m_state->context.get();
    if (context == nullptr)
        throw std::bad_alloc();
    if (checksum == Checksum::ignored)
        (void)ZSTD_DCtx_setParameter(context, ZSTD_d_forceIgnoreChecksum, ZSTD_d_ignoreChecksum);
}

Decompressor::~Decompressor() = default;

std::span<char> Decompressor::room(std::size_t size) {
    return m_state->packed.of(size);
}

std::string_view Decompressor::unpack(std::string_view frame, std::size_t size) {
    if (ZSTD_getFrameContentSize(frame.data(), frame.size()) != size)
        throw Error("a frame's size is not what the seek table says", Outcome::corrupt);
    const auto bytes = m_state->bytes.of(size);
    const auto unpacked =
        ZSTD_decompressDCtx(m_state->context.get(), bytes.data(), size, frame.data(), frame.size());
    if (ZSTD_isError(unpacked) != 0)
        throw Error(std::string("a frame cannot be unpacked: ") + ZSTD_getErrorName(unpacked),
                    Outcome::corrupt);
    if (unpacked != size)
        throw Error("a frame's size is not what the seek table says", Outcome::corrupt);
    return {bytes.data(), size};
}

} // namespace shipit::slug
