#include "core/slug/frame_plan.hpp"

#include <algorithm>
#include <limits>

namespace shipit::slug {

namespace {

class Planner {
  public:
    explicit Planner(const Cut& cut) : m_cut(cut) {}

    void add(const Entry& entry, const Extent& extent) {
        if (entry.size >= m_cut.big())
            return add_big(extent);
        if (extent.end - m_begin > m_cut.most)
            cut_at(extent.header);
        const auto weight = m_cut.weight_of(extent.end - extent.header);
        m_weight += weight;
        if (m_weight >= m_cut.lightest() && ends_frame(entry, weight))
            cut_at(extent.end);
    }

    std::vector<Span> finish(std::uint64_t end) {
        cut_at(end);
        return std::move(m_spans);
    }

  private:
    // The header goes with what is before it, so that the pieces are content and nothing else:
    // they stay the same when the file is touched or renamed.
    void add_big(const Extent& extent) {
        if (extent.data - m_begin > m_cut.most)
            cut_at(extent.header);
        cut_at(extent.data);
        while (extent.end - m_begin > m_cut.most)
            cut_at(m_begin + m_cut.most);
        cut_at(extent.end);
    }

    // A frame ends after an entry with a chance in proportion to the entry's weight, drawn from the
    // hash of its path: the same entry decides the same way in every build.
    [[nodiscard]] bool ends_frame(const Entry& entry, std::uint64_t weight) const {
        const double chance =
            2.0 * static_cast<double>(weight) / static_cast<double>(m_cut.lightest());
        const double drawn = static_cast<double>(short_hash_of(entry.path)) /
                             static_cast<double>(std::numeric_limits<std::uint64_t>::max());
        return drawn < chance;
    }

    void cut_at(std::uint64_t at) {
        m_weight = 0;
        if (at == m_begin)
            return;
        m_spans.push_back({m_begin, at});
        m_begin = at;
    }

    Cut m_cut;
    std::uint64_t m_begin = 0;
    std::uint64_t m_weight = 0; // of what is in the frame that begins there
    std::vector<Span> m_spans;
};

} // namespace

std::vector<Span> plan_frames(const FileList& list, const std::vector<Extent>& extents,
                              const Cut& cut) {
    Planner planner(cut);
    for (std::size_t i = 0; i < extents.size(); i++)
        planner.add(list.entries[i], extents[i]);
    return planner.finish(extents.empty() ? 0 : extents.back().end);
}

std::size_t entry_at(const std::vector<Extent>& extents, std::uint64_t at) {
    const auto found = std::upper_bound(
        extents.begin(), extents.end(), at,
        [](std::uint64_t wanted, const Extent& extent) { return wanted < extent.end; });
    return static_cast<std::size_t>(found - extents.begin());
}

} // namespace shipit::slug
