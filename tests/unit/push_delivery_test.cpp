// The two sides of a push, up to the build that is put together.
#include "core/push/cache.hpp"
#include "core/push/receiver.hpp"
#include "core/push/sender.hpp"
#include "core/slug/patch.hpp"
#include "core/slug/slug_contents.hpp"
#include "core/sys/clock.hpp"
#include "tests/unit/push_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace shipit::tests {

namespace {

using push::Type;

// An app on a host.
class Host {
  public:
    Host() : app{m_folder / "releases", m_folder / "push", {}, {}} {}

    // All that comes in a stream, from its greeting on.
    push::Delivery receive(const std::string& stream) const {
        const Stream in(stream);
        const Stream out;
        push::Wire wire(in.fd(), out.fd(), "the pusher");
        push::Receiver receiver(wire, app);
        const auto request = receiver.greet();
        return receiver.receive(request);
    }
    // Stores what was delivered as a deploy does; gives its id.
    SlugId store(const push::Delivery& delivery) const {
        return slug::pack(delivery.assemble(m_folder / "staging", app.limits, {}), m_folder.store,
                          {})
            .id;
    }
    [[nodiscard]] std::size_t pieces_kept() const {
        std::size_t count = 0;
        if (sys::is_there(app.arrivals))
            for (const auto& push : sys::names_in(app.arrivals))
                count += sys::names_in(app.arrivals / push).size();
        return count;
    }

  private:
    SlugFolder m_folder;

  public:
    push::Receiving app;
};

// A folder with a build, and the cache of whoever pushes it.
class Pusher {
  public:
    Pusher() : m_cache(m_folder / "cache", {"somebody", "push", sys::now(), 0}) {}

    std::string run_in_build(const std::string& line) const { return m_folder.run_in_build(line); }

    struct Attempt {
        std::optional<SlugId> stored; // by the host
        std::uint64_t sent = 0;
        std::string failed;     // why the pusher gave up
        std::string refused;    // why the host did
        bool may_go_on = false; // what was damaged is not relied on any more
    };
    // One connection, over which the build is pushed to `host`, which stores it and says that all
    // is well.
    [[nodiscard]] Attempt attempt(const Host& host) const {
        const PipesDoNotKill as_in_shipit;
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        sys::Fd here(ends[0]);
        sys::Fd there(ends[1]);
        Attempt attempt;
        std::thread serving([&] {
            serve(host, there.get(), attempt);
            there.reset();
        });
        push::Wire wire(here.get(), here.get(), "the host");
        const push::Sending sending;
        attempt.failed = why_not([&] {
            try {
                const auto result =
                    push::Sender(wire, m_cache, sending).push(m_folder.open(m_folder.build()));
                CHECK(result.status == 0);
            } catch (const push::Damaged&) {
                attempt.may_go_on = true;
                throw;
            }
        });
        here.reset();
        serving.join();
        attempt.sent = wire.sent();
        return attempt;
    }

    // How that ends where nobody listens to what is sent.
    [[nodiscard]] push::Result push_to_one_who_says(const std::string& stream) const {
        const Stream in(stream);
        const Stream out;
        push::Wire wire(in.fd(), out.fd(), "the host");
        const push::Sending sending;
        return push::Sender(wire, m_cache, sending).push(m_folder.open(m_folder.build()));
    }

    struct Pushed {
        SlugId id;
        std::uint64_t sent;
    };
    // The same, where nothing is in its way.
    [[nodiscard]] Pushed push_to(const Host& host) const {
        const auto done = attempt(host);
        CHECK(done.failed == "");
        CHECK(done.refused == "");
        REQUIRE(done.stored.has_value());
        return {*done.stored, done.sent};
    }

    [[nodiscard]] const slug::Store& kept() const { return m_cache.slugs(); }

    // The build as a slug of its own.
    [[nodiscard]] std::unique_ptr<slug::SlugFile> packed() const {
        return std::make_unique<slug::SlugFile>(m_folder.store.path_of(m_folder.pack().id));
    }

  private:
    // As `shipit receive` does.
    static void serve(const Host& host, int fd, Attempt& attempt) {
        push::Wire wire(fd, fd, "the pusher");
        try {
            push::Receiver receiver(wire, host.app);
            const auto request = receiver.greet();
            const auto delivery = receiver.receive(request);
            attempt.stored = host.store(delivery);
            delivery.discard();
            wire.send(Type::result, push::Result().text());
        } catch (const push::Disconnected& lost) {
            attempt.refused = lost.why();
        } catch (const Error& error) {
            attempt.refused = error.why();
            wire.send(Type::result, push::Result::of(error).text());
        }
    }

    SlugFolder m_folder;
    push::Cache m_cache;
};

// Damages the middle of every slug of a store.
void flip_bytes_in(const slug::Store& store) {
    REQUIRE(!store.ids().empty());
    for (const auto& id : store.ids()) {
        const sys::Fd file(::open(store.path_of(id).c_str(), O_RDWR | O_CLOEXEC));
        REQUIRE(file);
        const auto middle = static_cast<off_t>(store.size_of(id) / 2);
        char byte = 0;
        REQUIRE(::pread(file.get(), &byte, 1, middle) == 1);
        byte = static_cast<char>(byte ^ 1);
        REQUIRE(::pwrite(file.get(), &byte, 1, middle) == 1);
    }
}

// The parts of the stream of a push without a base, to a host that has nothing.
struct Parts {
    explicit Parts(const slug::SlugFile& slug)
        : request{slug.id(), std::string(32, '0')}, list(push::bytes_of(slug.list(), {})),
          sha256(push::sha256_of(slug, {})) {
        push::Bits needed;
        for (const auto& entry : slug.list().entries)
            needed.push_back(entry.type == slug::Type::file && entry.size > 0);
        slug::SlugContents contents(slug);
        for (const auto& piece : push::plan_pieces(slug.list(), needed, {})) {
            std::string bytes;
            for (const auto& stretch : piece.contents)
                contents.append(bytes, stretch.entry, stretch.offset, stretch.size);
            patches.push_back(slug::patch_of(bytes, {}, 1));
        }
    }

    [[nodiscard]] std::string stream() const {
        auto bytes = "shipit push 1\n" + message(Type::request, request.text()) +
                     message(Type::list, push::list_message(list, {}));
        for (std::size_t i = 0; i < patches.size(); i++)
            bytes += message(Type::piece, push::piece_message(i, patches[i]));
        return bytes + message(Type::end, sha256);
    }

    push::Request request;
    std::string list;
    std::vector<std::string> patches;
    std::string sha256;
};

// Why the host refuses this, at the latest when it puts the build together.
std::string refusal_of(const Host& host, const std::string& stream) {
    return why_not([&] { (void)host.store(host.receive(stream)); });
}

constexpr const char* small = "mkdir a; echo one > a/one; echo two > two; ln -s two three";

} // namespace

TEST_SUITE_BEGIN("push delivery");

TEST_CASE("everything that may be in a build arrives") {
    const Pusher pusher;
    const Host host;
    pusher.run_in_build(everything);
    CHECK(pusher.push_to(host).id == pusher.packed()->id());
    CHECK(host.pieces_kept() == 0);
}

TEST_CASE("of a big file that was edited only what changed is sent") {
    const Pusher pusher;
    const Host host;
    pusher.run_in_build("head -c 9000000 /dev/urandom > big; for i in $(seq 200); do head -c 3000 "
                        "/dev/urandom > f$i; done");
    const auto first = pusher.push_to(host);
    CHECK(first.sent > 9'000'000);
    pusher.run_in_build("printf 'inserted' | cat - big > new; mv new big; echo more >> big; "
                        "for i in $(seq 0 40 199); do echo more >> f$((i + 1)); done");
    const auto second = pusher.push_to(host);
    CHECK(second.id == pusher.packed()->id());
    CHECK(second.sent < 20'000);
}

TEST_CASE("nothing but the list is sent of what was renamed, or is in an older slug") {
    const Pusher pusher;
    const Host host;
    pusher.run_in_build("head -c 900000 /dev/urandom > one; head -c 900000 /dev/urandom > two");
    (void)pusher.push_to(host);
    pusher.run_in_build("mv one three; rm two");
    CHECK(pusher.push_to(host).sent < 2000);
    pusher.run_in_build("mv three one");
    CHECK(pusher.push_to(host).sent < 2000);
}

TEST_CASE("nothing but the list is sent of what is stored, however old it is") {
    const Host host;
    const auto push = [&host](const std::string& line) {
        const Pusher pusher; // without a cache
        pusher.run_in_build(line);
        return pusher.push_to(host);
    };
    constexpr const char* old = "seq 300000 300999 | sha256sum > one; seq 200000 > two";
    const auto first = push(old);
    const ::timespec long_ago[2] = {{1, 0}, {1, 0}};
    REQUIRE(::utimensat(AT_FDCWD, slug::Store(host.app.releases).path_of(first.id).c_str(),
                        long_ago, 0) == 0);
    for (const char* line : {"echo 1 > a", "echo 2 > a", "echo 3 > a", "echo 4 > a", "echo 5 > a"})
        (void)push(line);
    CHECK(first.sent > 100'000);
    CHECK(push(old).sent < 2000);
}

TEST_CASE("without a cache, what the host has is not sent again all the same") {
    const Host host;
    const Pusher first;
    first.run_in_build("seq 200000 > one; echo x > two");
    (void)first.push_to(host);
    const Pusher second;
    second.run_in_build("seq 200000 > one; echo y > two");
    const auto pushed = second.push_to(host);
    CHECK(pushed.id == second.packed()->id());
    CHECK(pushed.sent < 2000);
}

TEST_CASE("what the pusher keeps damaged stops one connection, and no other") {
    const Pusher pusher;
    const Host host;
    pusher.run_in_build("head -c 3000000 /dev/urandom > big; echo one > small");
    (void)pusher.push_to(host);
    const auto goes_on_after = [&](const std::string& change) {
        CAPTURE(change);
        flip_bytes_in(pusher.kept());
        pusher.run_in_build(change);
        const auto stopped = pusher.attempt(host);
        CHECK(stopped.failed.find("is damaged at byte") != std::string::npos);
        CHECK(stopped.may_go_on);
        CHECK(pusher.kept().ids().empty());
        const auto pushed = pusher.push_to(host);
        CHECK(pushed.id == pusher.packed()->id());
        return pushed.sent;
    };
    // In what is taken into the new slug, in what tells the host of a change, and in the very slug.
    CHECK(goes_on_after("echo two > small") < 10'000);
    CHECK(goes_on_after("echo more >> big") > 3'000'000);
    CHECK(goes_on_after("true") < 10'000);
}

TEST_CASE("what is damaged on the host is sent") {
    const Host host;
    const slug::Store stored(host.app.releases);
    constexpr const char* build = "seq 400000 > big; echo one > small";
    const Pusher first;
    first.run_in_build(build);
    (void)first.push_to(host);
    flip_bytes_in(stored);
    const Pusher second; // without a cache
    second.run_in_build(build);
    second.run_in_build("echo two > small");
    const auto delivered = second.attempt(host);
    CHECK(delivered.failed == "");
    CHECK(delivered.sent > 100'000);
}

TEST_CASE("what the pusher and the host both keep, and is damaged on the host, is done without") {
    const Pusher pusher;
    const Host host;
    const slug::Store stored(host.app.releases);
    pusher.run_in_build("head -c 3000000 /dev/urandom > big; echo one > small");
    (void)pusher.push_to(host);
    for (const char* change : {"echo two > small", "echo more >> big"}) {
        CAPTURE(change);
        flip_bytes_in(stored);
        pusher.run_in_build(change);
        const auto stopped = pusher.attempt(host);
        CHECK(stopped.failed.find("is damaged on the host") != std::string::npos);
        CHECK(stopped.may_go_on);
        const auto pushed = pusher.push_to(host);
        CHECK(pushed.id == pusher.packed()->id());
        for (const auto& id : stored.ids())
            if (id != pushed.id)
                (void)stored.remove(id);
    }
}

TEST_CASE("a stream cut off at any byte delivers nothing, and leaves whole pieces only") {
    const Pusher pusher;
    pusher.run_in_build(small);
    const Parts parts(*pusher.packed());
    const auto stream = parts.stream();
    const auto pieces_from = stream.size() - message(Type::end, parts.sha256).size();
    for (std::size_t size = 0; size < stream.size(); size++) {
        CAPTURE(size);
        const Host host;
        CHECK(refusal_of(host, stream.substr(0, size)) != "");
        CHECK(host.pieces_kept() == (size < pieces_from ? 0 : 1));
    }
}

TEST_CASE("what has arrived of a push that was cut off is not sent again") {
    const Pusher pusher;
    const Host host;
    pusher.run_in_build("head -c 9000000 /dev/urandom > big");
    const Parts parts(*pusher.packed());
    REQUIRE(parts.patches.size() == 3);
    const auto stream = parts.stream();
    CHECK(refusal_of(host, stream.substr(0, stream.size() - 300'000)) != "");
    CHECK(host.pieces_kept() == 2);
    const auto pushed = pusher.push_to(host);
    CHECK(pushed.id == parts.request.slug);
    CHECK(pushed.sent < 2'000'000);
    CHECK(host.pieces_kept() == 0);
}

TEST_CASE("a piece that is not what it was sent as is refused and not kept") {
    const Pusher pusher;
    const Host host;
    pusher.run_in_build(small);
    const auto stream = Parts(*pusher.packed()).stream();
    auto flipped = stream;
    flipped[stream.size() - 80] = static_cast<char>(flipped[stream.size() - 80] ^ 1);
    CHECK(refusal_of(host, flipped).find("SHA-256") != std::string::npos);
    CHECK(host.pieces_kept() == 0);
    CHECK(refusal_of(host, stream) == "");
}

TEST_CASE("contents that are not the list's are refused") {
    const Pusher pusher;
    const Host host;
    pusher.run_in_build(small);
    Parts parts(*pusher.packed());
    parts.patches[0] = slug::patch_of("One\ntwo\n", {}, 1);
    CHECK(refusal_of(host, parts.stream()).find("the content of 'a/one' has the hash") == 0);
    parts.patches[0] = slug::patch_of("too long for that", {}, 1);
    CHECK(refusal_of(host, parts.stream()) != "");
    parts.patches[0] = "no zstd at all";
    CHECK(refusal_of(host, parts.stream()) != "");
}

TEST_CASE("another SHA-256 of all of it is refused") {
    const Pusher pusher;
    const Host host;
    pusher.run_in_build(small);
    Parts parts(*pusher.packed());
    parts.sha256 = std::string(64, '0');
    CHECK(refusal_of(host, parts.stream()) ==
          "what was put together has another SHA-256 than what was pushed");
    parts.sha256 = "0";
    CHECK(refusal_of(Host(), parts.stream()) == "the push ended without a SHA-256");
}

TEST_CASE("a list of another slug, or against a base that is not there, is refused") {
    const Pusher pusher;
    const Host host;
    pusher.run_in_build(small);
    Parts parts(*pusher.packed());
    const auto wanted = parts.request.slug;
    parts.request.slug = *SlugId::parse(std::string(32, 'a'));
    CHECK(refusal_of(host, parts.stream()) ==
          "the pushed list is not that of the slug that it was pushed as");
    parts.request.slug = wanted;
    parts.request.base = SlugId::parse(std::string(32, 'a'));
    CHECK(refusal_of(host, parts.stream()) != "");
    CHECK(host.pieces_kept() == 0);
}

TEST_CASE("a list that leads out of the build, or is beyond the limits, is refused") {
    const Pusher pusher;
    Host host;
    const auto refused = [&](const std::string& lines) {
        Parts parts(*pusher.packed());
        parts.request.slug = slug::id_of_text(lines);
        const auto count = static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
        parts.list.clear();
        parts.patches.clear();
        for (unsigned shift = 0; shift < 64; shift += 8)
            parts.list += static_cast<char>(lines.size() >> shift & 0xFFU);
        parts.list += lines + std::string(count * 8, '\0');
        return refusal_of(host, parts.stream());
    };
    pusher.run_in_build(small);
    CHECK(refused("d\t0755\t-\t-\t..\t\n").find("'..'") != std::string::npos);
    CHECK(refused("d\t0755\t-\t-\t/etc\t\n") != "");
    CHECK(refused("l\t-\t-\t-\tout\t../../etc/passwd\n").find("leads out of the build") !=
          std::string::npos);
    const std::string hash(32, '0');
    CHECK(refused("f\t0644\t576460752303423488\t" + hash + "\tbig\t\n").find("slug.max_bytes") !=
          std::string::npos);
    host.app.limits.entries = 2;
    pusher.run_in_build("touch x y z");
    CHECK(refusal_of(host, Parts(*pusher.packed()).stream()).find("slug.max_entries") !=
          std::string::npos);
    CHECK(host.pieces_kept() <= 2);
}

TEST_CASE("what is left of a push whose slug is stored goes at once") {
    const Pusher pusher;
    const Host host;
    pusher.run_in_build(small);
    const slug::Store store(host.app.releases);
    auto delivery =
        std::make_unique<push::Delivery>(host.receive(Parts(*pusher.packed()).stream()));
    const auto kept_after_a_look = [&] {
        push::expire_arrivals(host.app.arrivals, store, sys::now());
        return host.pieces_kept();
    };
    CHECK(kept_after_a_look() > 0); // it may yet be told that the connection was lost
    (void)host.store(*delivery);
    CHECK(kept_after_a_look() > 0); // its deploy is at work
    delivery.reset();               // and was killed
    CHECK(kept_after_a_look() == 0);
    CHECK(sys::names_in(host.app.arrivals).empty());
}

TEST_CASE("what a host says instead of its offer, or of what it has, is how the push ended") {
    const auto why = "cannot read the slugs: Permission denied";
    const auto failure =
        message(Type::result, push::Result::of(Error(why, Outcome::corrupt)).text());
    const auto greeting = std::string("shipit push 1\n");
    const auto offer = message(Type::offer, push::Offer().text());
    const Pusher pusher;
    pusher.run_in_build(small);
    const auto entries = pusher.packed()->list().entries.size();
    const auto need = message(Type::need, push::message_of(push::Bits(entries, false)));
    for (const auto& said : {greeting + failure, greeting + offer + need + failure}) {
        CAPTURE(said);
        const auto result = pusher.push_to_one_who_says(said);
        CHECK(result.status == 7);
        REQUIRE(result.error.has_value());
        CHECK(result.error->why() == why);
    }
}

TEST_SUITE_END();

} // namespace shipit::tests
