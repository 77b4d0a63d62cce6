#pragma once

#include "core/deploy/app.hpp"
#include "core/slug/pack.hpp"
#include "tests/unit/test_folder.hpp"

namespace shipit::tests {

// An app whose releases are made without running anything.
class Blog {
  public:
    Blog() : app(deploy::create_app(deploy::Host{m_root.path(), {}, {}}, AppName::parse("blog"))) {
        sys::make_folders(build(), 0755);
    }
    [[nodiscard]] sys::Path build() const { return m_root / "build"; }
    void write(const std::string& name, const std::string& content, mode_t mode = 0644) const {
        sys::replace_durably(build() / name, content, mode);
    }
    // Packs the build as a release that goes live.
    [[nodiscard]] ReleaseNumber release(const ConfigVars& config = {},
                                        std::vector<ProcessType> processes = {}) const {
        const slug::Store store(app.layout.releases());
        const auto packed = slug::pack(slug::Build::open(build(), {}, {}, {}), store, {});
        release::Manifest manifest{.number = ReleaseNumber(1), .app = app.name()};
        manifest.slug = release::SlugFacts{packed.id, packed.size, packed.unpacked, packed.files,
                                           packed.sha256};
        manifest.config = config;
        manifest.spec.processes = std::move(processes);
        manifest = app.ledger.begin(std::move(manifest));
        manifest.status = release::Status::succeeded;
        manifest.evidence.live_at = manifest.created_at;
        app.ledger.save(manifest);
        app.ledger.point_at(manifest.number, packed.id);
        return manifest.number;
    }
    // One that never went live.
    [[nodiscard]] ReleaseNumber failed() const {
        release::Manifest manifest{.number = ReleaseNumber(1), .app = app.name()};
        manifest = app.ledger.begin(std::move(manifest));
        manifest.status = release::Status::failed;
        app.ledger.save(manifest);
        return manifest.number;
    }

  private:
    TestFolder m_root;

  public:
    deploy::App app;
};

} // namespace shipit::tests
