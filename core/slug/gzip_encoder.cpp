#include "core/slug/gzip_encoder.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include <zlib.h>

namespace shipit::slug {

namespace {

constexpr int gzip_window = 16 + MAX_WBITS; // for deflateInit2
constexpr int usual_memory = 8;
constexpr std::size_t buffer_size = std::size_t{1} << 16;

} // namespace

struct GzipEncoder::State {
    z_stream stream{};
    std::array<char, buffer_size> buffer{};
};

GzipEncoder::GzipEncoder(Sink sink) : m_sink(std::move(sink)), m_state(std::make_unique<State>()) {
    if (::deflateInit2(&m_state->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window,
                       usual_memory, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::bad_alloc();
}

GzipEncoder::~GzipEncoder() {
    (void)::deflateEnd(&m_state->stream);
}

void GzipEncoder::add(std::string_view bytes) {
    constexpr std::size_t most = std::size_t{1} << 30; // zlib counts in 32 bits
    while (!bytes.empty()) {
        run(bytes.substr(0, most), Z_NO_FLUSH);
        bytes.remove_prefix(std::min(bytes.size(), most));
    }
}

void GzipEncoder::finish() {
    run({}, Z_FINISH);
}

void GzipEncoder::run(std::string_view bytes, int flush) {
    auto& stream = m_state->stream;
    auto& buffer = m_state->buffer;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    do {
        stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream.avail_out = static_cast<uInt>(buffer.size());
        if (::deflate(&stream, flush) == Z_STREAM_ERROR)
            throw Error("zlib cannot compress");
        m_sink({buffer.data(), buffer.size() - stream.avail_out});
    } while (stream.avail_out == 0);
}

} // namespace shipit::slug
