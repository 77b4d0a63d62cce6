#include "core/base/error.hpp"
#include "core/sys/file.hpp"

#include <atomic>
#include <cstdlib>
#include <exception>

namespace shipit::sys {

namespace {

std::atomic<bool> something_left = false;

} // namespace

void note_leftover() noexcept {
    something_left = true;
}

bool has_left_something() noexcept {
    return something_left;
}

TempFolder::TempFolder(const Path& parent, const std::string& prefix) {
    std::string pattern = (parent / (prefix + "XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) // 0700, mkdtemp(3)
        throw_errno("cannot make a folder in '" + parent.string() + "'");
    m_path = pattern;
}

TempFolder::TempFolder(TempFolder&& other) noexcept : m_path(std::move(other.m_path)) {
    other.m_path.clear();
}

TempFolder::~TempFolder() {
    if (m_path.empty())
        return;
    try {
        remove_tree(m_path);
    } catch (const std::exception&) {
        // What is left is named so that the next command's tidying finds it.
    }
}

} // namespace shipit::sys
