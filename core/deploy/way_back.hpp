// Which release a rollback goes to, and what speaks against it: the same for one that is carried
// out and for one that is only rehearsed.
#pragma once

#include "core/deploy/rollback.hpp"

namespace shipit::deploy {

struct WayBack {
    ReleaseNumber target;
    std::vector<std::string> skipped; // "v3 is marked bad: …", newest first
    std::string note;                 // target is not good, and why it is taken all the same
};

// Throws Error if there is no release to go to, or the one that is asked for cannot be.
[[nodiscard]] WayBack way_back(const App& app, const RollbackRequest& request,
                               std::optional<ReleaseNumber> live);

// Throws Error (held) if only `force` goes there. An automatic rollback heeds no hold, and cannot
// be forced: it throws Error (down).
void refuse_what_needs_force(const App& app, const RollbackRequest& request, ReleaseNumber target);

// What a rollback of the code alone leaves as they are: the live release's, without what is staged.
// Those that are set, where nothing is live or its record cannot be read.
[[nodiscard]] ConfigVars vars_of_now(const App& app);

// Throws Error if the settings of `code` require config vars (config.required) that are not among
// `vars`, which the rollback would run it with. Those that it did without when it was live are none
// of them, whoever has come to require them since: nobody is kept from going back by that.
void refuse_missing_vars(const App& app, const RollbackRequest& request, ReleaseNumber target,
                         const release::Manifest& code, const ConfigVars& vars);

} // namespace shipit::deploy
