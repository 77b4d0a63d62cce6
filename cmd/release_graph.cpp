#include "cmd/release_graph.hpp"

#include <algorithm>
#include <string_view>

#include <langinfo.h>
#include <locale.h>

namespace shipit::cmd {

namespace {

struct Drawing {
    std::string_view live, was_live, failed, pending, stored;
    std::string_view line, across, joined_left, joined_right, more;
};
constexpr Drawing of_unicode{"●", "○", "✗", "◌", "◇", "│", "─", "├", "┤", "⋮"};
constexpr Drawing of_ascii{"*", "o", "x", ".", "+", "|", "-", "|", "|", ":"};

std::string_view sign_of(Node::Kind kind, const Drawing& drawing) {
    switch (kind) {
    case Node::Kind::live:
        return drawing.live;
    case Node::Kind::failed:
        return drawing.failed;
    case Node::Kind::pending:
        return drawing.pending;
    case Node::Kind::stored:
        return drawing.stored;
    case Node::Kind::was_live:
        break;
    }
    return drawing.was_live;
}

// Each lane leads down to a release; free ones are taken again.
class Lanes {
  public:
    // Where the release is drawn: where a line leads to it, else in a lane of its own.
    std::size_t lane_for(ReleaseNumber number) {
        if (const auto lane = leading_to(number))
            return *lane;
        if (const auto lane = leading_to(std::nullopt))
            return *lane;
        m_lanes.emplace_back();
        return m_lanes.size() - 1;
    }
    [[nodiscard]] std::optional<std::size_t>
    leading_to(const std::optional<ReleaseNumber>& number) const {
        const auto found = std::find(m_lanes.begin(), m_lanes.end(), number);
        if (found == m_lanes.end())
            return std::nullopt;
        return static_cast<std::size_t>(found - m_lanes.begin());
    }
    void lead(std::size_t lane, std::optional<ReleaseNumber> to) { m_lanes[lane] = to; }
    [[nodiscard]] bool is_used(std::size_t lane) const { return m_lanes[lane].has_value(); }
    [[nodiscard]] std::size_t count() const { return m_lanes.size(); }

  private:
    std::vector<std::optional<ReleaseNumber>> m_lanes;
};

// A row: cells a lane wide, with a gap between them that a stroke across may fill.
class Row {
  public:
    Row(const Lanes& lanes, const Drawing& drawing) : m_drawing(drawing) {
        for (std::size_t i = 0; i < lanes.count(); ++i)
            m_cells.push_back(lanes.is_used(i) ? drawing.line : " ");
    }
    void put(std::size_t lane, std::string_view sign) { m_cells[lane] = sign; }
    // A stroke from the node at `lane` to the line in `other`, before or behind those between.
    void join(std::size_t lane, std::size_t other) {
        m_from = std::min(lane, other);
        m_to = std::max(lane, other);
        put(other, other < lane ? m_drawing.joined_left : m_drawing.joined_right);
        for (std::size_t i = m_from + 1; i < m_to; ++i)
            if (m_cells[i] == " ")
                put(i, m_drawing.across);
    }
    [[nodiscard]] std::string text() const {
        std::string result;
        for (std::size_t i = 0; i < m_cells.size(); ++i) {
            result += m_cells[i];
            result += i >= m_from && i < m_to ? m_drawing.across : " ";
        }
        return result.substr(0, result.find_last_not_of(' ') + 1);
    }

  private:
    const Drawing& m_drawing;
    std::vector<std::string_view> m_cells;
    std::size_t m_from = 0;
    std::size_t m_to = 0;
};

} // namespace

bool is_utf8_locale() {
    // One of our own: the program's stays "C", whatever the user's is.
    const locale_t locale = ::newlocale(LC_CTYPE_MASK, "", nullptr);
    if (locale == nullptr)
        return false;
    const bool is_utf8 = std::string_view(::nl_langinfo_l(CODESET, locale)) == "UTF-8";
    ::freelocale(locale);
    return is_utf8;
}

std::vector<std::string> drawn(const std::vector<Node>& nodes, Strokes strokes) {
    const Drawing& drawing = strokes == Strokes::unicode ? of_unicode : of_ascii;
    std::vector<std::string> rows;
    Lanes lanes;
    for (const Node& node : nodes) {
        const std::size_t lane = lanes.lane_for(node.number);
        const auto joined = node.from ? lanes.leading_to(node.from) : std::nullopt;
        Row row(lanes, drawing);
        row.put(lane, sign_of(node.kind, drawing));
        if (joined)
            row.join(lane, *joined);
        rows.push_back(row.text());
        lanes.lead(lane, joined ? std::nullopt : node.from);
    }
    Row last(lanes, drawing);
    for (std::size_t i = 0; i < lanes.count(); ++i)
        if (lanes.is_used(i))
            last.put(i, drawing.more);
    if (!last.text().empty())
        rows.push_back(last.text());
    return rows;
}

} // namespace shipit::cmd
