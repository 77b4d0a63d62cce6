#include "core/deploy/import.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/aftermath.hpp"
#include "core/deploy/deploy.hpp"
#include "core/deploy/port.hpp"
#include "core/push/assembly.hpp"
#include "core/slug/build.hpp"
#include "core/slug/digest.hpp"
#include "core/slug/slug_check.hpp"
#include "core/slug/slug_contents.hpp"
#include "core/slug/staging_writer.hpp"
#include "core/slug/store.hpp"
#include "core/sys/interrupt.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace shipit::deploy {

namespace {

constexpr mode_t received_mode = 0600;

// Copies what comes to `path`, and flushes it. Gives its SHA-256.
std::string receive(int from, const std::string& name, const sys::Path& path,
                    const slug::Limits& limits) {
    const auto fd = sys::open_file(path, O_WRONLY | O_CREAT | O_EXCL, received_mode);
    slug::Sha256 sha256;
    std::string buffer(std::size_t{1} << 18, '\0');
    for (std::uint64_t size = 0;;) {
        sys::wait_for_input(from);
        const auto n = ::read(from, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw_errno(fmt::format("cannot read '{}'", printable(name)));
        if (n == 0)
            break;
        size += static_cast<std::uint64_t>(n);
        if (size > limits.bytes)
            slug::refuse_beyond(
                limits, slug::Limit::bytes, size,
                fmt::format("it has more than slug.max_bytes ({})", size_text(limits.bytes)));
        const auto bytes = std::string_view(buffer).substr(0, static_cast<std::size_t>(n));
        sys::write_all(fd.get(), bytes, path);
        sha256.add(bytes);
    }
    sys::flush(fd.get(), path);
    return sha256.finish();
}

// What a list of the right form may still not say, as in any archive.
void require_harmless(const slug::FileList& list, const slug::Limits& limits) {
    push::require_within(list, limits);
    for (const slug::Entry& entry : list.entries) {
        const auto depth =
            static_cast<std::uint64_t>(std::count(entry.path.begin(), entry.path.end(), '/')) + 1;
        if (depth > limits.depth)
            slug::refuse_beyond(limits, slug::Limit::depth, depth,
                                fmt::format("'{}' is deeper than slug.max_depth ({})",
                                            printable(entry.path), limits.depth));
        if (entry.type == slug::Type::symlink && !limits.outside_links &&
            !slug::stays_inside(entry.path, entry.target))
            slug::refuse_entry(entry.path, "is a link that leads out of the build",
                               limits.set_command + " slug.outside_links=true");
    }
}

class Import {
  public:
    Import(App& app, const ImportRequest& request)
        : m_app(app), m_request(request), m_store(app.layout.releases()) {}

    // Takes what may come slowly, and checks it: meanwhile nobody is kept from going back.
    Imported run() {
        refuse_if_locked(m_app, "import", m_request.lock_patience);
        const sys::TempFolder temp(m_app.layout.folder(), slug::staging_prefix);
        const sys::Path file = temp.path() / "slug";
        take(file);
        const auto limits = limits_of(m_app);
        const slug::SlugFile slug(file, m_request.file == "-" ? "standard input" : m_request.file,
                                  &limits);
        check(slug);
        // Who had to send it all again would have waited longer.
        const auto patience =
            std::max<std::chrono::milliseconds>(m_request.lock_patience, std::chrono::minutes(1));
        const auto lock = lock_and_tidy(m_app, "import", patience);
        const auto vars = config::load_config(m_app.layout.config_toml());
        const auto settings = checked_settings(m_app, slug::read_small_file(slug, "shipit.toml"),
                                               slug::read_small_file(slug, "Procfile"), vars);
        if (!settings.spec.processes.empty() && !settings.app.port && settings.app.socket().empty())
            (void)choose_port(m_app);
        release::Manifest draft{ReleaseNumber(1), m_app.name()};
        draft.description = m_request.description.empty()
                                ? fmt::format("Import {}", slug.id().brief())
                                : m_request.description;
        draft.created_by = m_app.host.origin.user;
        draft.client_address = m_app.host.origin.address;
        draft.spec = settings.spec;
        draft.config = vars;
        return record(std::move(draft), slug);
    }

  private:
    void take(const sys::Path& file) {
        const auto limits = limits_of(m_app);
        if (m_request.file == "-") {
            m_sha256 = receive(STDIN_FILENO, "standard input", file, limits);
            return;
        }
        const auto from = sys::open_file(m_request.file, O_RDONLY);
        m_sha256 = receive(from.get(), m_request.file, file, limits);
    }

    void check(const slug::SlugFile& slug) const {
        if (m_request.sha256 && *m_request.sha256 != m_sha256)
            throw Error(fmt::format("its SHA-256 is {} instead of {}", m_sha256,
                                    printable(*m_request.sha256)),
                        Outcome::corrupt);
        require_harmless(slug.list(), limits_of(m_app));
        // A name that is an id promises what is in the file.
        if (const auto id = release::slug_in(sys::Path(m_request.file).filename().string()))
            slug::require_id(slug, *id);
        auto progress = m_app.host.progress;
        progress.advance = [inner = progress.advance](std::uint64_t done, std::uint64_t total) {
            sys::stop_if_interrupted();
            if (inner)
                inner(done, total);
        };
        slug::check_content(slug, progress);
    }

    // One that is damaged gives its place to the whole one that has come.
    [[nodiscard]] bool is_stored_whole(const SlugId& id) const {
        try {
            m_store.check(id, "", m_app.host.progress);
            return true;
        } catch (const Error& error) {
            if (error.outcome() != Outcome::corrupt)
                throw;
            m_app.host.progress.begin_phase(
                fmt::format("{}: what is imported takes its place", error.why()));
            return false;
        }
    }

    Imported record(release::Manifest draft, const slug::SlugFile& slug) {
        const auto id = slug.id();
        const bool was_there = m_store.has(id);
        const bool is_stored = was_there && is_stored_whole(id);
        if (!is_stored)
            sys::rename_durably(slug.path(), m_store.path_of(id));
        draft.slug = {id, is_stored ? m_store.size_of(id) : slug.size(), slug.list().unpacked(),
                      slug.list().files(), is_stored ? m_store.sha256_of(id) : m_sha256};
        if (!is_stored)
            record_archive(m_app, *draft.slug, Among::all);
        try {
            auto manifest = m_app.ledger.begin(std::move(draft));
            manifest.status = release::Status::succeeded;
            m_app.ledger.save(manifest);
            m_app.note_event("import", manifest.number, "done", id.text());
            return {manifest.number, manifest.description, *manifest.slug, is_stored};
        } catch (...) {
            if (!was_there)
                (void)m_store.remove(id);
            throw;
        }
    }

    App& m_app;
    const ImportRequest& m_request;
    slug::Store m_store;
    std::string m_sha256;
};

} // namespace

Imported import_slug(App& app, const ImportRequest& request) {
    return while_doing(
        fmt::format("importing '{}' into '{}'", printable(request.file), app.name().text()), [&] {
            try {
                return Import(app, request).run();
            } catch (Error& error) {
                if (error.outcome() == Outcome::corrupt)
                    error.advise("only a whole slug of 'shipit export' can be imported; "
                                 "'shipit deploy' takes any other archive");
                throw;
            }
        });
}

} // namespace shipit::deploy
