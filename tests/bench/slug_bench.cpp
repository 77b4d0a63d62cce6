// The slug engine as a process of its own, without the deploy around it, so that it can be timed
// beside tar: `slug_bench pack BUILD RELEASES` prints the slug's id, `slug_bench unpack RELEASES ID
// TREES` the tree. It calls what a deploy calls, as a deploy does.
#include "core/base/error.hpp"
#include "core/slug/build.hpp"
#include "core/slug/pack.hpp"
#include "core/slug/store.hpp"
#include "core/slug/unpack.hpp"

#include <exception>
#include <string>
#include <vector>

#include <fmt/core.h>

namespace {

using namespace shipit;

int pack(const std::string& what, const sys::Path& releases) {
    const slug::Build build = slug::Build::open(what, releases, {}, {});
    const slug::Packed packed = slug::pack(build, slug::Store(releases), {});
    fmt::print("{}\n", packed.id.text());
    return 0;
}

int unpack(const sys::Path& releases, const std::string& id, const sys::Path& trees) {
    const auto slug = SlugId::parse(id);
    if (!slug)
        throw Error(fmt::format("'{}' is no slug's id", id));
    fmt::print("{}\n", slug::unpack(slug::Store(releases), *slug, trees, {}).string());
    return 0;
}

int run(const std::vector<std::string>& words) {
    if (words.size() == 3 && words[0] == "pack")
        return pack(words[1], words[2]);
    if (words.size() == 4 && words[0] == "unpack")
        return unpack(words[1], words[2], words[3]);
    fmt::print(stderr, "usage: slug_bench pack BUILD RELEASES\n"
                       "       slug_bench unpack RELEASES ID TREES\n");
    return 2;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        fmt::print(stderr, "slug_bench: {}\n", error.what());
        return 1;
    }
}
