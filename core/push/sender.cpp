#include "core/push/sender.hpp"

#include "core/base/text.hpp"
#include "core/push/arrivals.hpp"
#include "core/push/assembly.hpp"
#include "core/slug/crew.hpp"
#include "core/slug/patch.hpp"
#include "core/slug/slug_contents.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace shipit::push {

namespace {

// Little is told as briefly as can be; for much, the line is seldom so slow that it would pay.
int level_for(std::uint64_t size) {
    constexpr std::uint64_t little = std::uint64_t{16} << 20;
    constexpr std::uint64_t much = std::uint64_t{128} << 20;
    if (size <= little)
        return 19;
    return size <= much ? 12 : 6;
}

// What is compressed or random already is not tried hard with: it takes seconds, and gains nothing.
std::string brief_patch(std::string_view bytes, std::string_view reference, int level) {
    constexpr int quick_level = 3;
    auto quick = slug::patch_of(bytes, reference, quick_level);
    if (quick.size() > bytes.size() / 10 * 9)
        return quick;
    return slug::patch_of(bytes, reference, level);
}

std::string contents_of(const Piece& piece, slug::SlugContents& contents) {
    std::string bytes;
    for (const auto& stretch : piece.contents)
        contents.append(bytes, stretch.entry, stretch.offset, stretch.size);
    return bytes;
}

// Reads slugs of the cache. If one is damaged, none is kept: they share most of their frames.
template <class Read>
auto from_cache(const Cache& cache, Read&& read) {
    try {
        return read();
    } catch (Error& error) {
        if (error.outcome() != Outcome::corrupt)
            throw;
        cache.clear();
        error.advise("push again, which packs the build anew");
        throw Damaged(error);
    }
}

} // namespace

Result Sender::push(const slug::Build& build) {
    m_wire.greet();
    const auto offered = answer(Type::offer);
    if (!offered)
        return *m_early;
    const auto offer = Offer::parse(*offered);
    if (m_sending.options.no_activate && !offer.stores)
        throw Error("the shipit on the host is too old for '--no-activate'")
            .advise("upgrade it there");
    open_base(offer);
    if (!m_packed || !m_cache.slugs().has(*m_packed))
        m_packed = pack(build, offer);
    const SlugId& packed = *m_packed;
    m_slug = from_cache(
        m_cache, [&] { return std::make_unique<slug::SlugFile>(m_cache.slugs().path_of(packed)); });

    const Request request{packed,
                          m_cache.token(packed, m_sending.options),
                          m_base ? std::optional(m_base->id()) : std::nullopt,
                          m_sending.options,
                          m_sending.source,
                          files_left_out(build, offer)};
    try {
        m_wire.send(Type::request, request.text());
        m_wire.send(Type::list, list_message(bytes_of(m_slug->list(), base_list()), base_list()));
        deliver();
    } catch (const Disconnected&) {
        // The host may have said why, and what it said is still to be read.
    }
    auto result = follow();
    m_cache.forget_token();
    if (!m_is_delivered && m_base && result.error && result.error->outcome() == Outcome::corrupt) {
        m_cache.clear();
        throw Damaged(*result.error);
    }
    if (m_is_delivered)
        m_cache.keep_only(packed);
    m_cache.trim();
    return result;
}

// The newest slug that both have. One whose list is damaged is not used any more; whether its
// frames are is seen when they are read.
void Sender::open_base(const Offer& offer) {
    for (const auto& id : m_cache.newest()) {
        const auto path = m_cache.slugs().path_of(id);
        try {
            auto slug = std::make_unique<slug::SlugFile>(path);
            if (slug->id() != id)
                throw Error("it has another id", Outcome::corrupt);
            const auto& theirs = offer.slugs;
            if (std::find(theirs.begin(), theirs.end(), id) == theirs.end())
                continue;
            m_base = std::move(slug);
            return;
        } catch (const Error& error) {
            m_sending.progress.warn_of(error.why() + "; it is not used any more");
            (void)m_cache.slugs().remove(id);
        }
    }
}

SlugId Sender::pack(const slug::Build& build, const Offer& offer) const {
    slug::PackOptions options;
    options.level = m_sending.level;
    const auto newest = m_cache.newest();
    if (m_base)
        options.earlier = m_base->id();
    else if (!newest.empty())
        options.earlier = newest.front();
    if (!build.is_staged())
        options.stat_cache = m_cache.stat_cache();
    options.leave_out = left_out(offer);
    // Nobody records what is packed here, and nobody asks for it.
    options.recorded_sha256 = [](const SlugId&) { return std::optional<std::string>(""); };
    options.progress = m_sending.progress;
    return slug::pack(build, m_cache.slugs(), options).id;
}

const std::vector<std::string>& Sender::left_out(const Offer& offer) const {
    return offer.leave_out.empty() ? m_sending.leave_out : offer.leave_out;
}

std::vector<std::string> Sender::files_left_out(const slug::Build& build,
                                                const Offer& offer) const {
    std::vector<std::string> files;
    for (const auto& path : left_out(offer))
        if (build.has_file(path))
            files.push_back(path);
    return files;
}

const slug::FileList& Sender::base_list() const {
    static const slug::FileList none;
    return m_base ? m_base->list() : none;
}

std::optional<std::string> Sender::answer(Type type) {
    auto message = m_wire.receive();
    if (message.type == type)
        return std::move(message.body);
    if (message.type != Type::result)
        m_wire.refuse(message.type);
    m_early = Result::parse(message.body);
    return std::nullopt;
}

void Sender::deliver() {
    const auto message = m_wire.receive();
    if (message.type == Type::joined) {
        m_is_delivered = true;
        m_sending.progress.begin_phase("joining the deploy of this push on the host");
        return;
    }
    if (message.type == Type::result) {
        m_early = Result::parse(message.body);
        return;
    }
    if (message.type != Type::need)
        m_wire.refuse(message.type);
    if (!send_missing(bits_in(message.body, m_slug->list().entries.size())))
        return;
    m_wire.send(Type::end, from_cache(m_cache, [&] { return sha256_of(*m_slug, {}); }));
    m_is_delivered = true;
}

bool Sender::send_missing(const Bits& needed) {
    const auto pieces = plan_pieces(m_slug->list(), needed, base_list());
    const auto had = answer(Type::have);
    if (!had)
        return false;
    const auto present = bits_in(*had, pieces.size());
    const auto there = std::count(present.begin(), present.end(), true);
    const auto files = std::count(needed.begin(), needed.end(), true);
    m_sending.progress.begin_phase(fmt::format(
        "sending {} of {} files, {}{}", files, m_slug->list().files(), size_text(size_of(pieces)),
        there > 0
            ? fmt::format(", {} of {} pieces of which have arrived before", there, pieces.size())
            : ""));
    const auto before = m_wire.sent();
    send_pieces(pieces, present);
    m_sending.progress.begin_phase(fmt::format("sent {}", size_text(m_wire.sent() - before)));
    return true;
}

// As many at a time as there are cores, sent in order: few are in memory.
void Sender::send_pieces(const std::vector<Piece>& pieces, const Bits& present) {
    const int level = level_for(size_of(pieces));
    slug::Crew crew(0);
    slug::SlugContents contents(*m_slug);
    std::uint64_t done = 0;
    std::vector<std::size_t> batch;
    const auto send_batch = [&] {
        std::vector<std::string> texts;
        for (const auto index : batch)
            texts.push_back(
                from_cache(m_cache, [&] { return contents_of(pieces[index], contents); }));
        from_cache(m_cache, [&] {
            crew.run(batch.size(), [&](unsigned, std::size_t job) {
                const auto reference = reference_of(pieces[batch[job]], m_base.get());
                texts[job] = brief_patch(texts[job], reference, level);
            });
        });
        for (std::size_t i = 0; i < batch.size(); i++) {
            m_wire.send(Type::piece, piece_message(batch[i], texts[i]));
            done += pieces[batch[i]].size;
            m_sending.progress.advance_to(done, size_of(pieces));
        }
        batch.clear();
    };
    for (std::size_t i = 0; i < pieces.size(); i++) {
        if (present[i]) {
            done += pieces[i].size;
            continue;
        }
        batch.push_back(i);
        if (batch.size() == crew.workers())
            send_batch();
    }
    send_batch();
}

Result Sender::follow() {
    if (m_early)
        return *m_early;
    for (;;) {
        const auto message = m_wire.receive();
        if (message.type == Type::result)
            return Result::parse(message.body);
        if (message.type != Type::event)
            m_wire.refuse(message.type);
        tell(m_sending.progress, message.body);
    }
}

} // namespace shipit::push
