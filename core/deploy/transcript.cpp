#include "core/deploy/transcript.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/sys/clock.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace shipit::deploy {

Transcript::Transcript(const sys::Path& file)
    : m_file(file),
      m_fd(sys::open_file(file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, S_IRUSR | S_IWUSR)) {}

void Transcript::add(std::string_view text) noexcept {
    try {
        std::string record;
        while (!text.empty() && text.back() == '\n')
            text.remove_suffix(1);
        for (const std::string_view line : split(text, '\n'))
            record += time_text(sys::now()) + " " + std::string(line) + "\n";
        sys::write_all(m_fd.get(), record, m_file);
    } catch (const std::exception&) {
        m_error = m_error != 0 ? m_error : errno;
    }
}

void Transcript::flush() {
    if (m_error != 0)
        throw_errno("cannot write '" + m_file.string() + "'", m_error);
    sys::flush(m_fd.get(), m_file);
}

} // namespace shipit::deploy
