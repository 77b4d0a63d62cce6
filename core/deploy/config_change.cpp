#include "core/deploy/config_change.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/config/config_vars.hpp"
#include "core/deploy/holds.hpp"

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

struct Difference {
    ConfigVars after;
    std::vector<std::string> names; // that change
};

Difference difference_of(const ConfigRequest& request, const ConfigVars& before) {
    Difference result{before, {}};
    for (const auto& [name, value] : request.set) {
        const auto found = before.find(name);
        if (found != before.end() && found->second == value)
            continue;
        result.after[name] = value;
        result.names.push_back(name);
    }
    for (const std::string& name : request.unset) {
        config::check_name_form(name);
        if (!before.contains(name))
            throw Error(fmt::format("there is no config var '{}'", printable(name)));
        if (result.after.erase(name) > 0)
            result.names.push_back(name);
    }
    config::check_vars(result.after);
    return result;
}

std::string description_of(const ConfigRequest& request, const std::vector<std::string>& names) {
    return request.unset.empty() ? config::set_description(names)
                                 : config::unset_description(names);
}

} // namespace

ConfigChanged change_config(App& app, const ConfigRequest& request) {
    ConfigChanged done;
    Change change;
    change.what = "config";
    change.attempt = fmt::format("changing config vars of '{}'", app.name().text());
    change.plan = [&](App& locked) -> std::optional<Plan> {
        refuse_if_held(locked);
        const ConfigVars before = config::load_config(locked.layout.config_toml());
        Difference difference = difference_of(request, before);
        done.names = difference.names;
        if (difference.names.empty())
            return std::nullopt;
        const auto live = locked.ledger.current();
        if (!request.restart || !live) {
            config::save_config(locked.layout.config_toml(), difference.after);
            locked.note_event("config", std::nullopt, name_of(Outcome::done),
                              "staged: " + joined(difference.names, ", "));
            done.is_staged = true;
            return std::nullopt;
        }
        Plan plan{locked.ledger.load(*live)};
        plan.manifest.description = description_of(request, difference.names);
        plan.manifest.config = difference.after;
        plan.manifest.rollback_of.reset();
        plan.manifest.config_of.reset();
        plan.manifest.is_undo = false;
        plan.manifest.evidence = {};
        plan.sets_config = true;
        return plan;
    };
    done.changed = carry_out_or_go_back(app, change, request.options);
    return done;
}

} // namespace shipit::deploy
