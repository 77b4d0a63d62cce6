// Any bytes as what a pusher sends to a host.
//
// A list is known by its hash, and pieces by theirs: no mutation would get past them. So the
// input's first byte chooses what the rest is:
//   S  the stream as it is, greeting and all;
//   L  a list's text and, behind a NUL, the piece that it needs: a proper stream around them, which
//      is put together if it can be;
//   R  a request alone, W  a result and an event, as the pusher reads them.
#include "core/base/error.hpp"
#include "core/push/receiver.hpp"
#include "core/slug/digest.hpp"
#include "tests/fuzz/scratch.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

using namespace shipit;

namespace {

// What a stream is read from.
class Input {
  public:
    explicit Input(std::string_view bytes) : m_fd(::memfd_create("pusher", MFD_CLOEXEC)) {
        if (!m_fd)
            std::abort();
        sys::write_all(m_fd.get(), bytes, "pusher");
        (void)::lseek(m_fd.get(), 0, SEEK_SET);
    }
    [[nodiscard]] int fd() const { return m_fd.get(); }

  private:
    sys::Fd m_fd;
};

std::string message(push::Type type, std::string_view body) {
    std::string bytes(1, static_cast<char>(type));
    for (unsigned shift = 0; shift < 32; shift += 8)
        bytes += static_cast<char>(body.size() >> shift & 0xFFU);
    return bytes.append(body);
}

std::string stream_around(std::string_view text, std::string_view piece) {
    std::string list;
    for (unsigned shift = 0; shift < 64; shift += 8)
        list += static_cast<char>(text.size() >> shift & 0xFFU);
    list.append(text);
    for (const char byte : text)
        if (byte == '\n')
            list.append(8, '\0');
    const push::Request request{slug::id_of_text(text), std::string(32, '0'), {}, {}, {}};
    return "shipit push 1\n" + message(push::Type::request, request.text()) +
           message(push::Type::list, push::list_message(list, {})) +
           message(push::Type::piece, push::piece_message(0, piece)) +
           message(push::Type::end, std::string(64, '0'));
}

const fuzz::Scratch& scratch() {
    static const fuzz::Scratch the_one;
    return the_one;
}

void serve(std::string_view stream) {
    const auto folder = scratch().inside();
    const Input input(stream);
    const Input output("");
    push::Receiving app{folder / "releases", folder / "push", {}, {}};
    app.limits.bytes = std::uint64_t{16} << 20;
    app.limits.entries = 1000;
    sys::make_folders(app.releases, 0700);
    push::Wire wire(input.fd(), output.fd(), "the pusher");
    push::Receiver receiver(wire, app);
    const auto request = receiver.greet();
    const auto delivery = receiver.receive(request);
    (void)delivery.assemble(folder, app.limits, {});
}

void read_as_pusher(std::string_view text) {
    push::tell({}, text);
    (void)push::Result::parse(text).text();
    (void)push::Offer::parse(text).text();
}

void run(char kind, std::string_view rest) {
    switch (kind) {
    case 'S':
        return serve(rest);
    case 'L': {
        const auto end = std::min(rest.find('\0'), rest.size());
        return serve(
            stream_around(rest.substr(0, end), rest.substr(std::min(end + 1, rest.size()))));
    }
    case 'R':
        return (void)push::Request::parse(rest).text();
    case 'W':
        return read_as_pusher(rest);
    default:
        return;
    }
}

} // namespace

// The name is libFuzzer's: https://llvm.org/docs/LibFuzzer.html.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (bytes.empty())
        return 0;
    try {
        run(bytes.front(), bytes.substr(1));
    } catch (const Error&) {
        // refused
    }
    scratch().require_untouched();
    scratch().start_again();
    return 0;
}
