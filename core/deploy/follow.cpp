#include "core/deploy/follow.hpp"

#include "core/base/error.hpp"
#include "core/deploy/transcript.hpp"
#include "core/sys/clock.hpp"
#include "core/sys/folder_watch.hpp"
#include "core/sys/growing_file.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

constexpr std::chrono::milliseconds next_look(500); // what is killed writes nothing

// Those that write a transcript, as the lock calls them.
constexpr std::array writers{"deploy", "activate", "rollback", "config", "restart", "scale"};

bool is_pending(const App& app, ReleaseNumber release) {
    try {
        return app.ledger.load(release).status == release::Status::pending;
    } catch (const Error&) { // a record that is damaged, or gone
        return false;
    }
}

// What is recorded and not decided counts, too: its transcript is opened a moment later.
bool is_at_work(const App& app, ReleaseNumber release) {
    return Transcript::is_being_written(app.layout.transcript(release)) || is_pending(app, release);
}

// "…Z v3: New front page"; a restart of it begins once more.
bool is_beginning(std::string_view line, ReleaseNumber release) {
    const auto time = std::min(line.find(' '), line.size());
    return line.substr(time).starts_with(fmt::format(" {}: ", release.text()));
}

std::optional<ReleaseNumber> newest_release(const App& app) {
    for (const release::Entry& entry : app.ledger.newest(1))
        return entry.number;
    return std::nullopt;
}

// A restart is told with what is live.
std::optional<ReleaseNumber> release_at_work(const App& app) {
    for (const auto& release : {newest_release(app), app.ledger.current()})
        if (release && is_at_work(app, *release))
            return release;
    return std::nullopt;
}

bool is_change(const std::optional<sys::LockHolder>& holder) {
    return holder && std::find(writers.begin(), writers.end(), holder->what) != writers.end();
}

class Following {
  public:
    Following(const App& app, ReleaseNumber release,
              const std::function<void(std::string_view)>& take)
        : m_app(app), m_release(release), m_take(take), m_watch(app.layout.releases()) {}

    Followed run(int output) {
        while (!look())
            if (!m_watch.wait(next_look, output))
                return {Followed::End::unread};
        if (!m_file)
            throw Error(fmt::format("release {} has no output", m_release.text()));
        if (m_exit_status && !(*m_exit_status == 0 && has_failed()))
            return {Followed::End::told, *m_exit_status};
        return {m_was_at_work ? Followed::End::cut_short : Followed::End::not_told};
    }

  private:
    // True if that was the last look.
    bool look() {
        const bool is_over = m_watch.is_gone() || !is_at_work(m_app, m_release);
        m_was_at_work = m_was_at_work || !is_over;
        if (!m_file)
            m_file = sys::GrowingFile::open(m_app.layout.transcript(m_release));
        if (m_file)
            m_file->read_lines([this](std::string_view line) { read(line); });
        return is_over;
    }

    // A release command may print what looks like an end, and be killed with its deploy.
    [[nodiscard]] bool has_failed() const {
        return m_app.ledger.load(m_release).status == release::Status::failed;
    }

    void read(std::string_view line) {
        const auto told = Transcript::exit_status_in(line);
        if (told || is_beginning(line, m_release))
            m_exit_status = told;
        m_take(line);
    }

    const App& m_app;
    ReleaseNumber m_release;
    const std::function<void(std::string_view)>& m_take;
    sys::FolderWatch m_watch;
    std::optional<sys::GrowingFile> m_file;
    std::optional<int> m_exit_status; // of the last change that is told there
    bool m_was_at_work = false;
};

} // namespace

std::optional<ReleaseNumber> release_to_follow(const App& app, int output) {
    sys::FolderWatch watch(app.layout.releases());
    const auto newest_before = newest_release(app);
    std::optional<sys::LockHolder> waited_for;
    for (bool is_last_look = false;;) {
        const auto holder = sys::Lock::holder(app.layout.lock()); // first: it frees the lock last
        if (const auto release = release_at_work(app))
            return release;
        if (is_change(holder)) {
            if (!waited_for)
                app.host.progress.begin_phase(
                    fmt::format("waiting for the release of {}", holder->text(sys::now())));
            waited_for = holder;
            is_last_look = false;
        } else if (!waited_for || newest_release(app) != newest_before) {
            return newest_release(app);
        } else if (std::exchange(is_last_look, true)) { // who waited for the lock has it by now
            throw Error(fmt::format("it ended without a release: {}", waited_for->text(sys::now())))
                .advise(fmt::format("shipit -a {} status", app.name().text()));
        }
        if (!watch.wait(next_look, output))
            return newest_release(app);
    }
}

Followed follow(const App& app, ReleaseNumber release, int output,
                const std::function<void(std::string_view)>& take) {
    app.ledger.check_is_there(release);
    return Following(app, release, take).run(output);
}

} // namespace shipit::deploy
