// Config vars as a text that a person changes in an editor: a draft, which nobody else can read.
#pragma once

#include "core/config/dotenv.hpp"
#include "core/deploy/config_change.hpp"
#include "core/sys/private_folder.hpp"

#include <string>

namespace shipit::deploy {

class ConfigDraft {
  public:
    // Writes today's config vars into a file 0600 in a private folder, which is gone when this is.
    explicit ConfigDraft(const App& app);

    // Waits for the editor (a command line, as EDITOR has it) that is given the file. Throws Error
    // if it cannot be started or fails, and Interrupted where somebody wanted all of us to end.
    void edit(const std::string& editor) const;
    // What the file says now. Throws Error (usage) with the line that is not of the grammar, and
    // where all is gone that there was.
    [[nodiscard]] config::Dotenv read() const;
    // What has to be changed to get there; refused by change_config if somebody else has changed
    // config vars since the draft was made.
    [[nodiscard]] ConfigRequest request_for(const ConfigVars& vars) const;
    // Where somebody else was quicker: from what the config vars are now, with what was changed in
    // the text done to them. The text is left as it is if it cannot be read.
    void renew(const App& app);

    [[nodiscard]] const ConfigVars& before() const { return m_before; }
    [[nodiscard]] const sys::Path& file() const { return m_file; }

  private:
    ConfigVars m_before;
    sys::PrivateFolder m_folder;
    sys::Path m_file;
};

} // namespace shipit::deploy
