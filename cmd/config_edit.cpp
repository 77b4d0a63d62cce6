// config edit.
#include "cmd/config_vars.hpp"
#include "cmd/secret_input.hpp"

#include "core/base/error.hpp"
#include "core/deploy/config_edit.hpp"
#include "core/sys/interrupt.hpp"

#include <cstdlib>

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

std::string editor() {
    for (const char* name : {"VISUAL", "EDITOR"})
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0')
            return value;
    return "vi";
}

// What is in the text would be lost with it; false where there is nobody to ask.
bool wants_to_go_on(const Invocation& invocation, const Error& error) {
    if (!invocation.terminal.can_ask())
        return false;
    invocation.terminal.error(error);
    invocation.terminal.note("Enter to edit the text again, ^C to give it up:");
    return !typed_line().empty();
}

void tell_changes(const Invocation& invocation, const std::vector<deploy::VarChange>& changes) {
    for (const deploy::VarChange& change : changes)
        invocation.terminal.note(fmt::format("{:<8} {}", name_of(change.fate), change.name));
}

int carry_out(const Invocation& invocation, deploy::App& app, const deploy::ConfigDraft& draft,
              const deploy::ConfigRequest& asked) {
    const auto text = draft.read();
    tell_uninterpolated(invocation, draft.file().filename().string(), text);
    const auto changes = deploy::compare_config(draft.before(), text.vars);
    if (changes.empty())
        return tell_config_change(invocation, app, {});
    tell_changes(invocation, changes);
    deploy::ConfigRequest request = draft.request_for(text.vars);
    request.restart = asked.restart;
    request.options = asked.options;
    return tell_config_change(invocation, app, deploy::change_config(app, request));
}

int edit(Invocation& invocation) {
    auto app = invocation.app();
    const deploy::ConfigRequest asked = config_request(invocation); // ^C is asked for from here on
    deploy::ConfigDraft draft(app);
    for (;;) {
        draft.edit(editor());
        try {
            return carry_out(invocation, app, draft, asked);
        } catch (const sys::Interrupted&) {
            throw;
        } catch (const Error& error) {
            if (!wants_to_go_on(invocation, error))
                throw;
        }
        draft.renew(app);
    }
}

} // namespace

extern const Command config_edit_command;

const Command config_edit_command{
    "config edit",
    "change the config vars in an editor: one release for all that is changed",
    {},
    {no_restart_option, no_wait_option, wait_option},
    {"EDITOR=nano shipit -a blog config edit"},
    edit};

} // namespace shipit::cmd
