// The pusher's side: packs, sends what the host lacks, follows the deploy to its end.
#pragma once

#include "core/base/error.hpp"
#include "core/push/cache.hpp"
#include "core/push/messages.hpp"
#include "core/push/pieces.hpp"
#include "core/push/wire.hpp"
#include "core/slug/build.hpp"
#include "core/slug/pack.hpp"
#include "core/slug/slug_file.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace shipit::push {

struct Sending {
    Options options;
    std::optional<release::Source> source;
    std::vector<std::string> leave_out; // as the build says, if the host says nothing
    int level = slug::default_level;    // of the slug that is kept
    Progress progress;
};

// What the cache keeps is damaged, here or where the host has it. The cache was cleared: the same
// push, over another connection, does without.
class Damaged : public Error {
  public:
    explicit Damaged(const Error& error) : Error(error) {}
};

class Sender {
  public:
    // All outlive this. `packed` is what an earlier connection of this push has packed: that is
    // pushed, if it is there yet, whatever has become of the build.
    Sender(Wire& wire, const Cache& cache, const Sending& sending,
           std::optional<SlugId> packed = {})
        : m_wire(wire), m_cache(cache), m_sending(sending), m_packed(std::move(packed)) {}

    // Pushes `build`; gives how its deploy ended, whether or not that is well. Throws Error;
    // Disconnected, after which the same push goes on where this one was; Damaged.
    [[nodiscard]] Result push(const slug::Build& build);

    // What is pushed, once it is packed.
    [[nodiscard]] const std::optional<SlugId>& packed() const { return m_packed; }
    // Whether the host has got all of it.
    [[nodiscard]] bool is_delivered() const { return m_is_delivered; }

  private:
    void open_base(const Offer& offer);
    [[nodiscard]] SlugId pack(const slug::Build& build, const Offer& offer) const;
    [[nodiscard]] const std::vector<std::string>& left_out(const Offer& offer) const;
    [[nodiscard]] std::vector<std::string> files_left_out(const slug::Build& build,
                                                          const Offer& offer) const;
    [[nodiscard]] const slug::FileList& base_list() const;
    // The body of the next message, which is of this type; or nothing, if the host has ended
    // instead, and m_early is how.
    [[nodiscard]] std::optional<std::string> answer(Type type);
    // What the host says after the request: either joins, or has what it needs sent.
    void deliver();
    // Gives false if the host has ended instead.
    [[nodiscard]] bool send_missing(const Bits& needed);
    void send_pieces(const std::vector<Piece>& pieces, const Bits& present);
    [[nodiscard]] Result follow();

    Wire& m_wire;
    const Cache& m_cache;
    const Sending& m_sending;
    std::optional<SlugId> m_packed;
    std::unique_ptr<slug::SlugFile> m_slug;
    std::unique_ptr<slug::SlugFile> m_base; // or null
    std::optional<Result> m_early;          // that came instead of an answer
    bool m_is_delivered = false;
};

} // namespace shipit::push
