#include "core/push/arrivals.hpp"

#include "core/push/run.hpp"
#include "core/slug/digest.hpp"
#include "core/slug/seek_table.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shipit::push {

namespace {

constexpr char separator = '-';
constexpr std::size_t index_size = 4;
constexpr std::size_t most_kept = 3; // of pushes that did not come to their end
constexpr std::size_t most_runs = 32;
constexpr std::chrono::hours longest_kept(7 * 24);

std::string sha256_of(std::string_view bytes) {
    slug::Sha256 sha256;
    sha256.add(bytes);
    return sha256.finish();
}

// Somebody else may have it at work: a push its folder, a deploy its run.
bool is_at_work(const Path& path) {
    if (is_run(path.filename().string()))
        return is_going_on(path);
    const sys::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    return fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

struct Kept {
    Path path;
    WallTime changed;
};

std::vector<Kept> kept_in(const Path& arrivals, bool runs) {
    std::vector<Kept> all;
    for (const auto& name : sys::names_in(arrivals)) {
        struct stat status {};
        const Path path = arrivals / name;
        if (is_run(name) != runs || ::lstat(path.c_str(), &status) != 0)
            continue;
        all.push_back({path, WallTime(std::chrono::seconds(status.st_mtim.tv_sec))});
    }
    std::sort(all.begin(), all.end(),
              [](const Kept& one, const Kept& other) { return one.changed > other.changed; });
    return all;
}

void expire(const std::vector<Kept>& all, std::size_t most, WallTime now) {
    for (std::size_t i = 0; i < all.size(); i++)
        if ((i >= most || now - all[i].changed > longest_kept) && !is_at_work(all[i].path))
            sys::remove_tree(all[i].path);
}

// Of use to nobody: what is stored is not asked for again.
bool is_stored(const std::string& pieces, const slug::Store& stored) {
    const auto end = pieces.find(separator);
    const auto slug = SlugId::parse(pieces.substr(0, end));
    return end != pieces.npos && slug && stored.has(*slug);
}

// What a receiver leaves that is killed when the slug was stored, and the pieces were not yet
// removed.
void remove_stored(const Path& arrivals, const slug::Store& stored) {
    for (const auto& name : sys::names_in(arrivals))
        if (!is_run(name) && is_stored(name, stored) && !is_at_work(arrivals / name))
            sys::remove_tree(arrivals / name);
}

} // namespace

void expire_arrivals(const Path& arrivals, const slug::Store& stored, WallTime now) noexcept {
    try {
        if (!sys::is_there(arrivals))
            return;
        remove_stored(arrivals, stored);
        expire(kept_in(arrivals, false), most_kept, now);
        expire(kept_in(arrivals, true), most_runs, now);
    } catch (const std::exception&) {
        // It is tried again next time; nothing depends on it.
    }
}

std::string name_of_pieces(const SlugId& slug, const std::string& key) {
    return slug.text() + separator + key;
}

Arrivals::Arrivals(const Path& arrivals, const std::string& name) : m_folder(arrivals / name) {
    do {
        sys::make_folders(m_folder, 0700);
        m_lock = sys::open_file(m_folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        // is_at_work() or remove() has it for a moment, if anybody.
        while (::flock(m_lock.get(), LOCK_SH) != 0)
            if (errno != EINTR)
                throw_errno("cannot lock '" + m_folder.string() + "'");
    } while (!sys::is_by_that_name(m_lock, m_folder));
}

Path Arrivals::path_of(std::size_t index) const {
    return m_folder / std::to_string(index);
}

Bits Arrivals::present(std::size_t count) const {
    Bits bits(count);
    for (std::size_t i = 0; i < count; i++)
        bits[i] = sys::is_there(path_of(i));
    return bits;
}

void Arrivals::take(std::string_view body, std::size_t count) const {
    if (body.size() < index_size + slug::sha256_digits)
        throw Error("a piece of the push has no beginning", Outcome::corrupt);
    const auto index = slug::number_at(body, 0, index_size);
    const auto wanted = body.substr(index_size, slug::sha256_digits);
    const auto patch = body.substr(index_size + slug::sha256_digits);
    if (index >= count)
        throw Error(fmt::format("piece {} of the push came, and there are {}", index, count),
                    Outcome::corrupt);
    if (sha256_of(patch) != wanted)
        throw Error(
            fmt::format("piece {} of the push has another SHA-256 than it was sent with", index),
            Outcome::corrupt)
            .advise("push again");
    // After a power cut a name may be there without its bytes: what is read is checked again.
    sys::replace(path_of(index), body, 0600);
}

std::string Arrivals::patch(std::size_t index) const {
    constexpr std::uint64_t most = std::uint64_t{16} << 20;
    const auto body = sys::read_file(path_of(index), most);
    const std::string_view view = body;
    if (body.size() < index_size + slug::sha256_digits ||
        sha256_of(view.substr(index_size + slug::sha256_digits)) !=
            view.substr(index_size, slug::sha256_digits))
        throw Error(fmt::format("piece {} of the push is damaged on the disk", index),
                    Outcome::corrupt);
    return body.substr(index_size + slug::sha256_digits);
}

void Arrivals::remove() const {
    // Another push of the same may be at work: what it leaves, expire_arrivals() takes.
    if (::flock(m_lock.get(), LOCK_EX | LOCK_NB) == 0)
        sys::remove_tree(m_folder);
    (void)::flock(m_lock.get(), LOCK_UN); // whoever waits for it makes a new one
}

std::string piece_message(std::size_t index, std::string_view patch) {
    std::string body;
    slug::append_number(body, index, index_size);
    return body.append(sha256_of(patch)).append(patch);
}

} // namespace shipit::push
