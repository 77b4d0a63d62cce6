#include "core/push/pieces.hpp"

#include <algorithm>

namespace shipit::push {

namespace {

// What was inserted or removed in a big file before a stretch moves its old bytes by as much.
constexpr std::uint64_t slack = std::uint64_t{1} << 20;
constexpr std::size_t longest_reference = std::size_t{8} << 20; // of one stretch

// Where in the old file the bytes of a stretch of the new one are likely to be.
Stretch counterpart(const Stretch& stretch, std::uint64_t new_size, std::size_t entry,
                    std::uint64_t old_size) {
    const double scale = static_cast<double>(old_size) / static_cast<double>(new_size);
    const auto place = [scale](std::uint64_t at) {
        return static_cast<std::uint64_t>(static_cast<double>(at) * scale);
    };
    const auto begin = place(stretch.offset);
    const auto end = std::min(old_size, place(stretch.offset + stretch.size) + slack);
    Stretch found{entry, begin > slack ? begin - slack : 0, 0};
    found.size = static_cast<std::size_t>(
        std::min<std::uint64_t>(end - std::min(end, found.offset), longest_reference));
    return found;
}

class Plan {
  public:
    Plan(const slug::FileList& list, const slug::FileList& base) : m_list(list), m_base(base) {}

    void add(std::size_t index) {
        const auto size = m_list.entries[index].size;
        for (std::uint64_t offset = 0; offset < size;) {
            if (is_full())
                begin();
            const auto room = Piece::most - m_pieces.back().size;
            // Small files stay whole, so that each has its reference once.
            if (offset == 0 && size > room && size <= Piece::most) {
                begin();
                continue;
            }
            const Stretch stretch{
                index, offset,
                static_cast<std::size_t>(std::min<std::uint64_t>(size - offset, room))};
            m_pieces.back().contents.push_back(stretch);
            m_pieces.back().size += stretch.size;
            refer(stretch);
            offset += stretch.size;
        }
    }

    std::vector<Piece> finish() && { return std::move(m_pieces); }

  private:
    void begin() {
        m_pieces.emplace_back();
        m_reference = 0;
    }

    [[nodiscard]] bool is_full() const {
        return m_pieces.empty() || m_pieces.back().size == Piece::most ||
               m_reference >= Piece::most_reference - longest_reference;
    }

    void refer(const Stretch& stretch) {
        const auto& entry = m_list.entries[stretch.entry];
        const auto* old = m_base.find(entry.path);
        if (old == nullptr || old->type != slug::Type::file || old->size == 0)
            return;
        const auto index = static_cast<std::size_t>(old - m_base.entries.data());
        const auto found = counterpart(stretch, entry.size, index, old->size);
        if (found.size == 0)
            return;
        m_pieces.back().reference.push_back(found);
        m_reference += found.size;
    }

    const slug::FileList& m_list;
    const slug::FileList& m_base;
    std::vector<Piece> m_pieces;
    std::size_t m_reference = 0; // bytes of the last piece's
};

} // namespace

std::vector<Piece> plan_pieces(const slug::FileList& list, const Bits& needed,
                               const slug::FileList& base) {
    Plan plan(list, base);
    for (std::size_t i = 0; i < list.entries.size(); i++)
        if (needed[i])
            plan.add(i);
    return std::move(plan).finish();
}

std::uint64_t size_of(const std::vector<Piece>& pieces) {
    std::uint64_t sum = 0;
    for (const auto& piece : pieces)
        sum += piece.size;
    return sum;
}

} // namespace shipit::push
