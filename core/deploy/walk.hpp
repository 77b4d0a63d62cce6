// One walk of the path that every change takes (change.hpp), from the record on: steps 4 to 9,
// under the app's lock until the watch.
#pragma once

#include "core/deploy/change.hpp"
#include "core/deploy/handover.hpp"
#include "core/deploy/hooks.hpp"
#include "core/deploy/transcript.hpp"

#include <memory>

namespace shipit::deploy {

class Walk {
  public:
    // Records the release as pending, unless the plan is not for a new one.
    Walk(App& app, std::string what, Plan plan);

    // Steps 4 to 8, unless the plan stops short of going live. Throws after recording why.
    void go();
    // After it, where traffic is switched: that does not wait for the disk.
    void flush_tree() const;
    // Step 9. A failure is told in `changed`, and what took its place meanwhile. Throws Error where
    // the watch was cut short and the release is rolled back (rolled_back), stopped, or watched by
    // nobody.
    void watch(Changed& changed);

    // Hooks are told of releases: of what makes none, they are not. Without the lock.
    void tell_failure(const std::string& why) const;
    // Of what somebody may miss now that another tree is live.
    void tell_left_behind() const;
    // Nobody's release waits for it.
    [[nodiscard]] std::unique_ptr<HookBeside> tell_success() const;

    // The last line of the transcript.
    void tell_end(const Changed& changed);
    void tell_end(const Error& error);

    [[nodiscard]] ReleaseNumber number() const { return m_manifest.number; }
    [[nodiscard]] std::optional<ReleaseNumber> previous() const { return m_previous; }
    // Whether it is to be gone back from if it fails in its watch: no rollback is, nor is the
    // restart of what was good before.
    [[nodiscard]] bool is_on_probation() const;
    // What undoes it, as words for shipit; empty if nothing does: what was live before is on the
    // far side of a barrier, or its record cannot be read.
    [[nodiscard]] std::string way_back() const;

  private:
    [[nodiscard]] release::Manifest recorded() const;
    void judge_cut_watch(Changed& changed) const;
    void tell_of_successor(Changed& changed) const;
    void begin(const std::string& step);
    void go_live();
    void store();
    void prepare();
    void unpack();
    void run_release_command();
    void become_irreversible();
    [[nodiscard]] bool may_go_back() const;
    [[nodiscard]] std::unique_ptr<Handover> hand_over();
    void switch_over();
    void move_current();
    void commit(const std::optional<release::Manifest>& before);
    void run_reload();
    [[nodiscard]] std::optional<release::Manifest> previous_manifest() const;
    void end(release::Manifest before) const;
    void record_failure(Error& error);
    void become_failed(const std::string& why);

    App& m_app;
    std::string m_what;
    Plan m_plan;
    std::optional<ReleaseNumber> m_previous;
    release::Manifest m_manifest;
    Transcript m_transcript;
    std::optional<release::Manifest> m_left; // that another one has taken the place of
    sys::Path m_tree;
    std::string m_reload;
    bool m_reload_is_builds = false;
    std::optional<sys::Account> m_user;
    std::unique_ptr<Handover> m_handover;
};

} // namespace shipit::deploy
