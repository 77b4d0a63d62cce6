#include "cmd/release_graph.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::cmd;

namespace {

using Kind = Node::Kind;

Node node(std::uint64_t number, std::uint64_t from, Kind kind = Kind::was_live) {
    return {ReleaseNumber(number), from == 0 ? std::nullopt : std::optional(ReleaseNumber(from)),
            kind};
}

std::string text_of(const std::vector<Node>& nodes, Strokes strokes = Strokes::ascii) {
    std::string text;
    for (const std::string& row : drawn(nodes, strokes))
        text += row + '\n';
    return text;
}

} // namespace

TEST_SUITE_BEGIN("cmd: the graph of releases");

TEST_CASE("releases that came one from the other are one line") {
    CHECK(text_of({node(3, 2, Kind::live), node(2, 1), node(1, 0)}) == "*\n"
                                                                       "o\n"
                                                                       "o\n");
    CHECK(text_of({}).empty());
}

TEST_CASE("what was rolled back is beside the line that goes on from what was brought back") {
    // v5 brought v2 back, and v6 came from there.
    const std::vector<Node> nodes{node(6, 5, Kind::live),   node(5, 2), node(4, 3, Kind::failed),
                                  node(3, 2, Kind::failed), node(2, 1), node(1, 0)};
    CHECK(text_of(nodes) == "*\n"
                            "o\n"
                            "| x\n"
                            "|-x\n"
                            "o\n"
                            "o\n");
    CHECK(text_of(nodes, Strokes::unicode) == "●\n"
                                              "○\n"
                                              "│ ✗\n"
                                              "├─✗\n"
                                              "○\n"
                                              "○\n");
}

TEST_CASE("any number of deploys that failed take no more room than one") {
    std::vector<Node> nodes{node(50, 1, Kind::pending)};
    for (std::uint64_t number = 49; number > 1; --number)
        nodes.push_back(node(number, 1, Kind::failed));
    nodes.push_back(node(1, 0, Kind::live));
    for (const std::string& row : drawn(nodes, Strokes::ascii))
        CHECK(row.size() <= 3);
}

TEST_CASE("a line crosses others to the one that it joins") {
    // v6 brought v1 back, v5 had brought v2 back.
    CHECK(text_of({node(6, 1, Kind::live), node(5, 2), node(4, 3), node(3, 1), node(2, 1),
                   node(1, 0)}) == "*\n"
                                   "| o\n"
                                   "| | o\n"
                                   "|-|-o\n"
                                   "|-o\n"
                                   "o\n");
}

TEST_CASE("what is stored is drawn as neither live nor failed") {
    const std::vector<Node> nodes{node(3, 1, Kind::stored), node(2, 1, Kind::live), node(1, 0)};
    CHECK(text_of(nodes) == "+\n"
                            "|-*\n"
                            "o\n");
    CHECK(text_of(nodes, Strokes::unicode).starts_with("◇\n"));
}

TEST_CASE("lines to releases that are not shown are left open") {
    CHECK(text_of({node(9, 8, Kind::live), node(8, 2), node(7, 6)}) == "*\n"
                                                                       "o\n"
                                                                       "| o\n"
                                                                       ": :\n");
}

TEST_SUITE_END();
