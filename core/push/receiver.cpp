#include "core/push/receiver.hpp"

#include "core/base/text.hpp"
#include "core/push/whole_frames.hpp"
#include "core/slug/crew.hpp"
#include "core/slug/digest.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <map>

#include <fmt/core.h>
#include <sys/stat.h>

namespace shipit::push {

namespace {

constexpr std::size_t most_offered = 64;
// So many slugs are looked into for contents, beside the base.
constexpr std::size_t most_searched = 4;

std::vector<SlugId> newest_slugs(const slug::Store& store, std::size_t most) {
    std::vector<std::pair<std::int64_t, SlugId>> found;
    for (const auto& id : store.ids()) {
        struct stat status {};
        if (::lstat(store.path_of(id).c_str(), &status) == 0)
            found.emplace_back(-status.st_mtim.tv_sec, id);
    }
    std::sort(found.begin(), found.end());
    std::vector<SlugId> ids;
    for (std::size_t i = 0; i < std::min(most, found.size()); i++)
        ids.push_back(std::move(found[i].second));
    return ids;
}

// The pusher does without it then, now or, if it is an older shipit, the next time.
[[noreturn]] void refuse_base(const SlugId& id) {
    throw Error(fmt::format("slug {} is damaged on the host", id.brief()), Outcome::corrupt)
        .advise("push again, which does without it");
}

// Where each content is that the slugs have.
class Contents {
  public:
    void add(std::size_t slug, const slug::FileList& list) {
        for (std::size_t i = 0; i < list.entries.size(); i++)
            if (list.entries[i].type == slug::Type::file)
                m_places.try_emplace({list.entries[i].hash, list.entries[i].size}, Place{slug, i});
    }
    [[nodiscard]] std::optional<Place> find(const slug::Entry& entry) const {
        const auto found = m_places.find({entry.hash, entry.size});
        return found == m_places.end() ? std::nullopt : std::optional(found->second);
    }

  private:
    std::map<std::pair<slug::Hash, std::uint64_t>, Place> m_places;
};

// What of a slug a file's content lies in.
Stretch all_of(const Place& place, const slug::Entry& entry) {
    return {place.entry, 0, static_cast<std::size_t>(entry.size)};
}

// What is in the slugs need not be sent, if it can still be read there. Gives what is known of each
// slug's frames then.
std::vector<WholeFrames> find_contents(Material& material, slug::Crew& crew) {
    Contents contents;
    std::vector<WholeFrames> frames;
    for (std::size_t i = 0; i < material.slugs.size(); i++) {
        contents.add(i, material.slugs[i]->list());
        frames.emplace_back(*material.slugs[i]);
    }
    const auto& entries = material.list.entries;
    material.places.resize(entries.size());
    material.needed.resize(entries.size());
    for (std::size_t i = 0; i < entries.size(); i++) {
        if (entries[i].type != slug::Type::file || entries[i].size == 0)
            continue;
        material.needed[i] = true;
        if (const auto place = material.places[i] = contents.find(entries[i]))
            frames[place->slug].want(all_of(*place, entries[i]));
    }
    for (auto& of_slug : frames)
        of_slug.look(crew);
    for (std::size_t i = 0; i < entries.size(); i++) {
        auto& place = material.places[i];
        if (place && !frames[place->slug].hold(all_of(*place, entries[i])))
            place.reset();
        if (place)
            material.needed[i] = false;
    }
    return frames;
}

// Pieces are told by it, which the pusher has decided.
void require_whole_base(WholeFrames& base, const std::vector<Piece>& pieces, slug::Crew& crew,
                        const SlugId& id) {
    for (const auto& piece : pieces)
        for (const auto& stretch : piece.reference)
            base.want(stretch);
    base.look(crew);
    for (const auto& piece : pieces)
        for (const auto& stretch : piece.reference)
            if (!base.hold(stretch))
                refuse_base(id);
}

std::string key_of(std::string_view list, const Request& request, const std::string& needed) {
    slug::Hasher hasher;
    hasher.add(list);
    hasher.add(request.base ? request.base->text() : "none");
    hasher.add(needed);
    return hasher.result().hex();
}

} // namespace

Request Receiver::greet() {
    m_wire.greet();
    m_wire.send(Type::offer, Offer{newest_slugs(slug::Store(m_app.releases), most_offered),
                                   m_app.leave_out, true}
                                 .text());
    auto request = Request::parse(m_wire.receive(Type::request));
    m_list = m_wire.receive(Type::list);
    return request;
}

void Receiver::open_slugs(Material& material, const Request& request) const {
    const slug::Store store(m_app.releases);
    if (request.base) {
        material.slugs.push_back(std::make_unique<slug::SlugFile>(store.path_of(*request.base)));
        if (material.slugs.front()->id() != *request.base)
            refuse_base(*request.base);
    }
    auto searched = newest_slugs(store, most_searched);
    // The same build once more, however old: all of it is there, and its pieces may be gone.
    if (store.has(request.slug) &&
        std::find(searched.begin(), searched.end(), request.slug) == searched.end())
        searched.push_back(request.slug);
    for (const auto& id : searched) {
        if (id == request.base)
            continue;
        try {
            material.slugs.push_back(std::make_unique<slug::SlugFile>(store.path_of(id)));
        } catch (const Error&) {
            // Of what is damaged nothing is taken; `shipit verify` tells of it.
        }
    }
}

Delivery Receiver::receive(const Request& request) {
    Material material;
    open_slugs(material, request);
    const slug::FileList none;
    const auto& base = request.base ? material.slugs.front()->list() : none;
    // As much as so many entries may take, names and all.
    constexpr std::uint64_t per_entry = 128 + slug::name_bytes_per_entry;
    const auto list = bytes_in(m_list, base, m_app.limits.entries * per_entry);
    m_list = {};
    material.list = list_in(list, base, m_app.limits);
    if (material.list.id() != request.slug)
        throw Error("the pushed list is not that of the slug that it was pushed as",
                    Outcome::corrupt);
    require_within(material.list, m_app.limits);
    slug::Crew crew(0);
    auto frames = find_contents(material, crew);
    material.pieces = plan_pieces(material.list, material.needed, base);
    if (request.base)
        require_whole_base(frames.front(), material.pieces, crew, *request.base);
    require_room(material.list, material.pieces);

    const auto needed = message_of(material.needed);
    expire_arrivals(m_app.arrivals, slug::Store(m_app.releases), sys::now());
    Arrivals arrivals(m_app.arrivals, name_of_pieces(request.slug, key_of(list, request, needed)));
    m_wire.send(Type::need, needed);
    m_wire.send(Type::have, message_of(arrivals.present(material.pieces.size())));
    take_pieces(arrivals, material.pieces.size());
    material.sha256 = m_wire.receive(Type::end);
    if (material.sha256.size() != slug::sha256_digits)
        throw Error("the push ended without a SHA-256", Outcome::corrupt);
    return {std::move(material), std::move(arrivals)};
}

// The build is put together beside what has arrived; packing sees for itself.
void Receiver::require_room(const slug::FileList& list, const std::vector<Piece>& pieces) const {
    const auto wanted = list.unpacked() + size_of(pieces);
    const auto free = sys::disk_space(m_app.releases).free_bytes;
    if (wanted > free)
        throw Error(fmt::format("the host's disk has {} left, and this push takes up to {}",
                                size_text(free), size_text(wanted)))
            .advise("remove old releases there: shipit prune");
}

void Receiver::take_pieces(const Arrivals& arrivals, std::size_t count) {
    const auto present = arrivals.present(count);
    auto missing = std::count(present.begin(), present.end(), false);
    for (; missing > 0; missing--)
        arrivals.take(m_wire.receive(Type::piece), count);
    const auto now = arrivals.present(count);
    if (std::count(now.begin(), now.end(), false) > 0)
        throw Error("some pieces of the push came twice, and some not at all", Outcome::corrupt);
}

} // namespace shipit::push
