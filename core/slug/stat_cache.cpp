#include "core/slug/stat_cache.hpp"

#include "core/sys/file.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <type_traits>

namespace shipit::slug {

namespace {

// The file: a header, then records as they are in memory. Nobody reads it on another machine; a
// header of another kind, or a hash that is not that of the records, makes it an empty one.
struct Header {
    char magic[8];
    std::uint64_t record_size;
    std::int64_t saved_at; // StatCache::Time
    Hash hash;             // of the records' bytes
};
constexpr char expected_magic[8] = {'s', 't', 'a', 't', 'c', 'a', 'c', '1'};

constexpr std::uint64_t largest_file = std::uint64_t{1} << 30;
// Kernels stamp files by a clock that ticks every few milliseconds, file systems of other machines
// by coarser ones.
constexpr auto granularity = std::chrono::seconds(2);

} // namespace

StatCache::Time StatCache::now() {
    return std::chrono::system_clock::now().time_since_epoch();
}

bool StatCache::before(const Record& left, const Record& right) {
    return std::tie(left.identity.device, left.identity.inode) <
           std::tie(right.identity.device, right.identity.inode);
}

StatCache StatCache::load(const Path& file, Time now) {
    static_assert(std::is_trivially_copyable_v<Record> && std::is_trivially_copyable_v<Header>);
    StatCache cache;
    const auto bytes = sys::read_file_if_any(file, largest_file);
    Header header{};
    if (!bytes || bytes->size() < sizeof header)
        return cache;
    std::memcpy(&header, bytes->data(), sizeof header);
    const auto records = std::string_view(*bytes).substr(sizeof header);
    if (std::memcmp(header.magic, expected_magic, sizeof header.magic) != 0 ||
        header.record_size != sizeof(Record) || records.size() % sizeof(Record) != 0 ||
        header.saved_at > now.count() || header.hash != hash_of(records))
        return cache;
    cache.m_records.resize(records.size() / sizeof(Record));
    if (!records.empty()) // memcpy takes no null
        std::memcpy(cache.m_records.data(), records.data(), records.size());
    return cache;
}

void StatCache::add(const Identity& identity, const Hash& hash, Time looked_at) {
    const auto youngest = (looked_at - granularity).count();
    if (identity.mtime_ns < youngest && identity.ctime_ns < youngest)
        m_records.push_back({identity, hash});
}

std::optional<Hash> StatCache::find(const Identity& identity) const {
    const auto found =
        std::lower_bound(m_records.begin(), m_records.end(), Record{identity, {}}, before);
    if (found == m_records.end() || found->identity != identity)
        return std::nullopt;
    return found->hash;
}

void StatCache::save(const Path& file, Time now) {
    std::sort(m_records.begin(), m_records.end(), before);
    const auto size = m_records.size() * sizeof(Record);
    std::string bytes(sizeof(Header) + size, '\0');
    if (size != 0)
        std::memcpy(bytes.data() + sizeof(Header), m_records.data(), size);
    Header header{};
    std::memcpy(header.magic, expected_magic, sizeof header.magic);
    header.record_size = sizeof(Record);
    header.saved_at = now.count();
    header.hash = hash_of(std::string_view(bytes).substr(sizeof(Header)));
    std::memcpy(bytes.data(), &header, sizeof header);
    sys::replace(file, bytes, 0600); // torn by a power cut, its hash is wrong
}

} // namespace shipit::slug
