// Reads the files that a walk found, and notices if they are not what it found any more.
#pragma once

#include "core/base/error.hpp"
#include "core/slug/folder_chain.hpp"
#include "core/slug/walk.hpp"
#include "core/sys/fd.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace shipit::slug {

// Of a file that is not what a walk found any more, by its name for people.
class ChangedMeanwhile : public Error {
  public:
    explicit ChangedMeanwhile(const std::string& shown);
};

// For one thread.
class ContentReader {
  public:
    ContentReader(int root, Path shown) : m_chain(root, std::move(shown)) {}

    // Fills `bytes` with the content from `offset` on. Throws Error if the file cannot be read,
    // ChangedMeanwhile if it is not `identity` any more.
    void read(const Entry& entry, const Identity& identity, std::uint64_t offset,
              std::span<char> bytes);
    // The hash of the whole content; throws like read().
    [[nodiscard]] Hash hash(const Entry& entry, const Identity& identity);

  private:
    [[nodiscard]] sys::Fd open(const Entry& entry);
    void read_at(int fd, const Entry& entry, std::uint64_t offset, std::span<char> bytes) const;
    void require_unchanged(int fd, const Entry& entry, const Identity& identity) const;

    FolderChain m_chain;
    std::string m_buffer; // of hash()
};

} // namespace shipit::slug
