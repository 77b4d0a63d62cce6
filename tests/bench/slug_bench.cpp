// The slug engine as a process of its own, without the deploy around it, so that it can be timed
// beside tar. It calls what a deploy calls, as a deploy does.
#include "core/base/error.hpp"
#include "core/slug/build.hpp"
#include "core/slug/pack.hpp"
#include "core/slug/store.hpp"
#include "core/slug/unpack.hpp"
#include "core/sys/process.hpp"

#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>

namespace {

using namespace shipit;

constexpr auto usage =
    "usage: slug_bench pack BUILD RELEASES [earlier=ID [sha256=HEX]] [cache=FILE] [level=N]\n"
    "       slug_bench unpack RELEASES ID TREES [beside=ID] [sha256=HEX] [flush=1]\n"
    "pack prints the slug's id and its SHA-256, and on stderr what was reused; unpack prints the "
    "tree.\n";

SlugId id_of(const std::string& text) {
    const auto id = SlugId::parse(text);
    if (!id)
        throw Error(fmt::format("'{}' is no slug's id", text));
    return *id;
}

struct Words {
    std::vector<std::string> plain;
    std::map<std::string, std::string> options; // NAME=VALUE

    explicit Words(const std::vector<std::string>& words) {
        for (const auto& word : words) {
            const auto equals = word.find('=');
            if (plain.size() < 3 || equals == std::string::npos)
                plain.push_back(word);
            else
                options[word.substr(0, equals)] = word.substr(equals + 1);
        }
    }

    [[nodiscard]] bool has(const std::string& name) const { return options.count(name) != 0; }
};

int pack(const Words& words) {
    const sys::Path releases = words.plain[2];
    slug::PackOptions options;
    if (words.has("earlier"))
        options.earlier = id_of(words.options.at("earlier"));
    // As the manifest of the earlier release has it.
    options.recorded_sha256 = [&](const SlugId& id) -> std::optional<std::string> {
        if (id != options.earlier || !words.has("sha256"))
            return std::nullopt;
        return words.options.at("sha256");
    };
    if (words.has("cache"))
        options.stat_cache = words.options.at("cache");
    if (words.has("level"))
        options.level = std::atoi(words.options.at("level").c_str());
    const slug::Build build = slug::Build::open(words.plain[1], releases, {}, {});
    const slug::Packed packed = slug::pack(build, slug::Store(releases), options);
    fmt::print("{} {}\n", packed.id.text(), packed.sha256);
    fmt::print(stderr, "{} files, {} bytes packed to {}; {} frames reused, with {} bytes\n",
               packed.files, packed.unpacked, packed.size, packed.reused_frames,
               packed.reused_bytes);
    return 0;
}

int unpack(const Words& words) {
    slug::UnpackOptions options;
    if (words.has("beside"))
        options.beside = id_of(words.options.at("beside"));
    if (words.has("sha256"))
        options.sha256 = words.options.at("sha256");
    const slug::Store store(words.plain[1]);
    const SlugId id = id_of(words.plain[2]);
    const sys::Path trees = words.plain[3];
    fmt::print("{}\n", slug::unpack(store, id, trees, options).string());
    if (words.has("flush"))
        slug::flush_tree(id, trees);
    return 0;
}

int run(const Words& words) {
    if (words.plain.size() == 3 && words.plain[0] == "pack")
        return pack(words);
    if (words.plain.size() == 4 && words.plain[0] == "unpack")
        return unpack(words);
    fmt::print(stderr, usage);
    return 2;
}

} // namespace

int main(int argc, char** argv) {
    sys::give_memory_back(); // as shipit does
    try {
        return run(Words({argv + 1, argv + argc}));
    } catch (const std::exception& error) {
        fmt::print(stderr, "slug_bench: {}\n", error.what());
        return 1;
    }
}
