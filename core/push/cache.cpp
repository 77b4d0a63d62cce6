#include "core/push/cache.hpp"

#include "core/base/error.hpp"
#include "core/sys/clock.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <fmt/core.h>
#include <sys/stat.h>

namespace shipit::push {

namespace {

constexpr std::size_t most_slugs = 3;

Path user_cache() {
    if (const char* chosen = std::getenv("XDG_CACHE_HOME"); chosen != nullptr && *chosen == '/')
        return chosen;
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home != '/')
        throw Error("there is no home folder to keep the last slug in")
            .advise("set HOME or XDG_CACHE_HOME");
    return Path(home) / ".cache";
}

// As a folder's name: the ':' between host and app keeps it from being "..".
std::string file_name(std::string_view text) {
    std::string name(text);
    std::replace_if(
        name.begin(), name.end(),
        [](char c) {
            constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.:_-";
            return plain.find(c) == std::string_view::npos;
        },
        '_');
    return name;
}

Path made(const Path& folder) {
    sys::make_folders(folder, 0700);
    return folder;
}

// What another push from here has, it has for as long as its deploy takes.
sys::Lock own_lock(const Path& file, const sys::LockHolder& self,
                   std::chrono::milliseconds patience, const Progress& progress) {
    try {
        return {file, self, patience, [&progress](const sys::LockHolder& holder) {
                    progress.begin_phase("waiting for another push from here, by " +
                                         holder.text(sys::now()));
                }};
    } catch (const Error& error) {
        if (error.outcome() != Outcome::locked)
            throw;
        const auto holder = sys::Lock::holder(file);
        throw Error("another push from here to the same app is not over" +
                        (holder ? ": it is by " + holder->text(sys::now()) : ""),
                    Outcome::locked)
            .advise("wait for it with --wait");
    }
}

} // namespace

Path cache_folder(const std::string& host, const AppName& app) {
    return user_cache() / "shipit" / "push" / file_name(host + ":" + app.text());
}

Cache::Cache(const Path& folder, const sys::LockHolder& self, std::chrono::milliseconds patience,
             const Progress& progress)
    : m_folder(made(folder)), m_slugs(m_folder),
      m_lock(own_lock(m_folder / "lock", self, patience, progress)) {
    m_slugs.tidy();
}

std::vector<SlugId> Cache::newest() const {
    auto ids = m_slugs.ids();
    const auto age = [this](const SlugId& id) {
        struct stat status {};
        (void)::lstat(m_slugs.path_of(id).c_str(), &status); // gone: the oldest
        return std::pair(status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    };
    std::sort(ids.begin(), ids.end(),
              [&age](const SlugId& one, const SlugId& other) { return age(one) > age(other); });
    return ids;
}

void Cache::keep_only(const SlugId& kept) const {
    for (const auto& id : m_slugs.ids())
        if (id != kept)
            (void)m_slugs.remove(id);
}

void Cache::trim() const {
    const auto ids = newest();
    for (std::size_t i = most_slugs; i < ids.size(); i++)
        (void)m_slugs.remove(ids[i]);
}

void Cache::clear() const {
    for (const auto& id : m_slugs.ids())
        (void)m_slugs.remove(id);
    (void)sys::remove_file(stat_cache());
}

std::string Cache::token(const SlugId& slug, const Options& options) const {
    // All that makes it the same push, in the form in which it is sent.
    const std::string same = Request{slug, "", std::nullopt, options, std::nullopt}.text();
    constexpr std::uint64_t longest = 64 << 10;
    const auto known = sys::read_file_if_any(pending(), longest);
    if (known && known->size() > same.size() + 1 && known->ends_with(" " + same)) {
        auto token = known->substr(0, known->size() - same.size() - 1);
        if (is_token(token))
            return token;
    }
    auto token = new_token();
    sys::replace_durably(pending(), fmt::format("{} {}", token, same), 0600);
    return token;
}

void Cache::forget_token() const {
    (void)sys::remove_file(pending());
}

} // namespace shipit::push
