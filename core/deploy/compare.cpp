#include "core/deploy/compare.hpp"

#include "core/base/error.hpp"
#include "core/release/descent.hpp"
#include "core/slug/store.hpp"

#include <algorithm>
#include <functional>

#include <fmt/core.h>

namespace shipit::deploy {

namespace {

// Calls `meet` with what both have by a name, in the order of names; null for what one of them
// lacks. Both are sorted by name.
template <class Items, class NameOf>
void meet_by_name(const Items& before, const Items& after, NameOf name_of_item,
                  const std::function<void(const typename Items::value_type*,
                                           const typename Items::value_type*)>& meet) {
    auto left = before.begin();
    auto right = after.begin();
    while (left != before.end() || right != after.end()) {
        const bool only_left = right == after.end() ||
                               (left != before.end() && name_of_item(*left) < name_of_item(*right));
        const bool only_right =
            left == before.end() ||
            (right != after.end() && name_of_item(*right) < name_of_item(*left));
        meet(only_right ? nullptr : &*left, only_left ? nullptr : &*right);
        left += only_right ? 0 : 1;
        right += only_left ? 0 : 1;
    }
}

Fate fate_of(bool is_before, bool is_after) {
    if (is_before && is_after)
        return Fate::changed;
    return is_after ? Fate::added : Fate::removed;
}

std::vector<ProcessChange> compare_processes(const std::vector<ProcessType>& before,
                                             const std::vector<ProcessType>& after) {
    std::vector<ProcessChange> changes;
    const auto optional_of = [](const ProcessType* type) {
        return type != nullptr ? std::optional(*type) : std::nullopt;
    };
    meet_by_name(
        before, after, [](const ProcessType& type) { return type.name; },
        [&](const ProcessType* old_type, const ProcessType* new_type) {
            if (old_type == nullptr || new_type == nullptr || *old_type != *new_type)
                changes.push_back({(new_type != nullptr ? new_type : old_type)->name,
                                   optional_of(old_type), optional_of(new_type)});
        });
    return changes;
}

// Nothing for a release without a slug: it has no files.
slug::FileList list_of(const slug::Store& store, const release::Manifest& manifest) {
    return manifest.slug ? store.read_list(manifest.slug->id) : slug::FileList{};
}

std::string why_gone(const slug::Store& store, const release::Manifest& manifest) {
    if (!manifest.slug || store.has(manifest.slug->id))
        return {};
    const auto& expired = manifest.evidence.expired_at;
    return fmt::format("the slug of {} is gone{}, and its file list with it",
                       manifest.number.text(),
                       expired ? ": it was pruned at " + time_text(*expired) : "");
}

void compare_files(const App& app, Comparison& comparison) {
    const auto& before = comparison.before;
    const auto& after = comparison.after;
    const slug::Store store(app.layout.releases());
    comparison.files.emplace();
    if (before.slug && after.slug && before.slug->id == after.slug->id)
        return; // whether or not it is there
    for (const auto* manifest : {&before, &after})
        if (comparison.why_no_files.empty())
            comparison.why_no_files = why_gone(store, *manifest);
    if (comparison.why_no_files.empty())
        comparison.files = slug::diff(list_of(store, before), list_of(store, after));
    else
        comparison.files.reset();
}

} // namespace

std::vector<VarChange> compare_config(const ConfigVars& before, const ConfigVars& after) {
    using Var = std::pair<std::string, std::string>;
    const std::vector<Var> old_vars(before.begin(), before.end());
    const std::vector<Var> new_vars(after.begin(), after.end());
    std::vector<VarChange> changes;
    meet_by_name(
        old_vars, new_vars, [](const Var& var) { return var.first; },
        [&](const Var* old_var, const Var* new_var) {
            if (old_var == nullptr || new_var == nullptr || old_var->second != new_var->second)
                changes.push_back({fate_of(old_var != nullptr, new_var != nullptr),
                                   (new_var != nullptr ? new_var : old_var)->first});
        });
    return changes;
}

const char* name_of(Fate fate) {
    switch (fate) {
    case Fate::added:
        return "added";
    case Fate::removed:
        return "removed";
    case Fate::changed:
        break;
    }
    return "changed";
}

Fate ProcessChange::fate() const {
    return fate_of(before.has_value(), after.has_value());
}

bool Comparison::same_source() const {
    return before.source == after.source;
}

bool Comparison::is_empty() const {
    return files && files->empty() && config.empty() && processes.empty() && same_source();
}

Total total_of(const std::vector<slug::Change>& changes, slug::Change::Kind kind) {
    Total total;
    for (const slug::Change& change : changes) {
        if (change.kind != kind)
            continue;
        ++total.files;
        total.bytes_before += change.size_before;
        total.bytes_after += change.size_after;
    }
    return total;
}

ReleasePair releases_to_compare(const App& app, std::optional<ReleaseNumber> before,
                                std::optional<ReleaseNumber> after) {
    if (before && after)
        return {*before, *after};
    const ReleaseNumber live = app.live();
    if (before)
        return {*before, live};
    const auto previous = release::live_before(app.ledger, live);
    if (!previous)
        throw Error(fmt::format("nothing was live before {}", live.text()))
            .advise(fmt::format("name two releases: shipit -a {} diff v1 v2", app.name().text()));
    return {*previous, live};
}

Comparison compare(const App& app, const ReleasePair& pair) {
    Comparison comparison{
        app.ledger.load(pair.before), app.ledger.load(pair.after), std::nullopt, {}, {}, {}};
    compare_files(app, comparison);
    comparison.config = compare_config(comparison.before.config, comparison.after.config);
    comparison.processes =
        compare_processes(comparison.before.spec.processes, comparison.after.spec.processes);
    return comparison;
}

} // namespace shipit::deploy
