// What becomes of archives that tests make: packed into a store of their own, or refused without a
// trace, with a secret beside them that nothing may touch.
#pragma once

#include "tests/unit/archive_builder.hpp"
#include "tests/unit/slug_support.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace shipit::tests {

// What is good of an archive that has something else to show.
inline const TarEntry some_file{.name = "file", .content = "1"};
inline const TarEntry some_folder{.name = "folder/", .type = '5', .mode = 0755};

// A tar of one file, whose extended header has these records.
inline std::string pax_file(std::string_view records, const TarEntry& entry = some_file) {
    return pax(records) + tar(entry) + tar_end;
}

struct Refused {
    std::string what;
    std::string archive;
    const char* words; // in the error
};

class ArchiveFolder {
  public:
    ArchiveFolder() {
        std::filesystem::create_directory(outside());
        std::ofstream(outside() / "secret") << "secret";
        REQUIRE(::stat((outside() / "secret").c_str(), &m_secret) == 0);
        REQUIRE(::stat(outside().c_str(), &m_outside) == 0);
    }

    [[nodiscard]] Path outside() const { return m_folder / "outside"; }
    [[nodiscard]] const SlugFolder& folder() const { return m_folder; }

    // Why an archive of these bytes is refused; "" if it is not.
    [[nodiscard]] std::string refusal(const std::string& bytes,
                                      const slug::Limits& limits = {}) const {
        put(bytes);
        const auto slugs = sys::names_in(m_folder / "releases");
        auto why = why_not([&] { (void)m_folder.pack_archive(m_folder / "archive", limits); });
        if (!why.empty())
            CHECK(sys::names_in(m_folder / "releases") == slugs);
        require_no_trace();
        return why;
    }

    void refuses(const std::vector<Refused>& rows, const slug::Limits& limits = {}) const {
        for (const auto& row : rows) {
            INFO(row.what);
            const auto why = refusal(row.archive, limits);
            CHECK_MESSAGE((!why.empty() && why.find(row.words) != std::string::npos),
                          "said: ", why);
        }
    }

    // The list of the slug of an archive that is taken.
    [[nodiscard]] slug::FileList list(const std::string& bytes,
                                      const slug::Limits& limits = {}) const {
        put(bytes);
        auto list =
            m_folder.store.read_list(m_folder.pack_archive(m_folder / "archive", limits).id);
        require_no_trace();
        return list;
    }

  private:
    void put(const std::string& bytes) const {
        std::ofstream(m_folder / "archive", std::ios::binary | std::ios::trunc) << bytes;
    }

    static bool is_same(const struct stat& before, const Path& path) {
        struct stat now {};
        return ::lstat(path.c_str(), &now) == 0 && now.st_ino == before.st_ino &&
               now.st_mode == before.st_mode && now.st_nlink == before.st_nlink &&
               now.st_size == before.st_size && now.st_mtim.tv_sec == before.st_mtim.tv_sec &&
               now.st_mtim.tv_nsec == before.st_mtim.tv_nsec &&
               now.st_ctim.tv_nsec == before.st_ctim.tv_nsec;
    }

    void require_no_trace() const {
        using Names = std::vector<std::string>;
        CHECK(sys::names_in(m_folder / "staging") == Names{});
        CHECK(sys::names_in(m_folder / "trees") == Names{});
        CHECK(sys::names_in(m_folder.path()) ==
              Names{"archive", "build", "outside", "releases", "staging", "trees"});
        CHECK(sys::names_in(outside()) == Names{"secret"});
        CHECK(is_same(m_secret, outside() / "secret"));
        CHECK(is_same(m_outside, outside()));
    }

    SlugFolder m_folder;
    struct stat m_secret {};
    struct stat m_outside {};
};

} // namespace shipit::tests
