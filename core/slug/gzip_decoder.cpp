// gzip(1) files of any number of members, each with its CRC and length checked.
#include "core/slug/archive_source.hpp"

#include "core/base/error.hpp"

#include <new>

#include <fmt/core.h>
#include <zlib.h>

namespace shipit::slug {

namespace {

constexpr int gzip_only = 16 + MAX_WBITS; // for inflateInit2
constexpr char first_of_member = '\x1f';

class GzipDecoder : public Decoder {
  public:
    explicit GzipDecoder(ByteSource& source) : m_source(source) {
        if (::inflateInit2(&m_stream, gzip_only) != Z_OK)
            throw std::bad_alloc();
    }
    GzipDecoder(const GzipDecoder&) = delete;
    GzipDecoder& operator=(const GzipDecoder&) = delete;
    ~GzipDecoder() override { (void)::inflateEnd(&m_stream); }

    std::size_t read(char* bytes, std::size_t size) override {
        m_stream.next_out = reinterpret_cast<Bytef*>(bytes);
        m_stream.avail_out = static_cast<uInt>(size);
        while (m_stream.avail_out > 0 && has_more())
            inflate_some();
        return size - m_stream.avail_out;
    }

    [[nodiscard]] std::uint64_t consumed() const override {
        return m_source.total() - m_stream.avail_in;
    }

  private:
    // Whether there is input, and it belongs to the stream.
    bool has_more() {
        if (m_at_end)
            return false;
        if (m_stream.avail_in == 0) {
            const auto input = m_source.next();
            // zlib's interface is older than const.
            m_stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
            m_stream.avail_in = static_cast<uInt>(input.size());
        }
        if (m_stream.avail_in == 0 && m_in_member)
            refuse_cut_off("the end of its gzip stream is missing");
        // Between members: what does not begin like one is not ours.
        m_at_end = !m_in_member && (m_stream.avail_in == 0 ||
                                    static_cast<char>(*m_stream.next_in) != first_of_member);
        return !m_at_end;
    }

    void inflate_some() {
        m_in_member = true;
        const int result = ::inflate(&m_stream, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR)
            throw std::bad_alloc();
        if (result == Z_STREAM_END) {
            m_in_member = false;
            (void)::inflateReset(&m_stream);
        } else if (result != Z_OK && result != Z_BUF_ERROR) { // which asks for more input
            throw Error(fmt::format("it is damaged: gzip says '{}'",
                                    m_stream.msg != nullptr ? m_stream.msg : "no reason"))
                .advise("make the archive again, or send it again");
        }
    }

    ByteSource& m_source;
    z_stream m_stream{};
    bool m_in_member = false;
    bool m_at_end = false;
};

} // namespace

std::unique_ptr<Decoder> new_gzip_decoder(ByteSource& source) {
    return std::make_unique<GzipDecoder>(source);
}

} // namespace shipit::slug
