// hold, mark-bad, pin, unpin: what people say of releases, and what no rollback takes back.
#include "cmd/changes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/holds.hpp"
#include "core/deploy/marking.hpp"

#include <fmt/core.h>

namespace shipit::cmd {

namespace {

// "v3, slug 20d738f9f8": who made these bytes known.
std::string named(const deploy::App& app, const SlugId& slug) {
    constexpr std::size_t newest = 200; // who wants to know of older ones has the ID
    for (const release::Entry& entry : app.ledger.newest(newest))
        if (entry.manifest && entry.manifest->slug && entry.manifest->slug->id == slug)
            return fmt::format("{}, slug {}", entry.number.text(), slug.text());
    return "slug " + slug.text();
}

std::vector<std::string> names_of(const deploy::App& app, const deploy::ClearedHolds& cleared) {
    std::vector<std::string> names;
    if (cleared.app)
        names.push_back(app.name().text());
    for (const SlugId& slug : cleared.slugs)
        names.push_back(named(app, slug));
    return names;
}

Json json_of(const std::string& what, const release::Mark& mark) {
    return Json::object(
        {{"holds", what}, {"who", mark.who}, {"at", time_text(mark.at)}, {"why", mark.why}});
}

int show_holds(Invocation& invocation, const deploy::App& app) {
    Json all = Json::array();
    const auto tell = [&](const std::string& what, const std::string& name,
                          const release::Mark& mark) {
        all.push_back(json_of(what, mark));
        if (!invocation.terminal.wants_json())
            invocation.terminal.print(fmt::format("{}: held by {} since {}: {}", name,
                                                  printable(mark.who), time_text(mark.at),
                                                  printable(mark.why)));
    };
    if (const auto mark = app.marks.hold_on_app())
        tell(app.name().text(), app.name().text(), *mark);
    for (const SlugId& id : app.marks.held_slugs())
        if (const auto mark = app.marks.hold_on(id))
            tell("slug " + id.text(), named(app, id), *mark);
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(all);
    else if (all.items().empty())
        invocation.terminal.note("Nothing is held.");
    return 0;
}

// What a hold is on: a slug by its id, or that of a release. Nothing: the whole app.
std::optional<SlugId> slug_meant(const Invocation& invocation, const deploy::App& app) {
    const auto word = invocation.arguments.word(0);
    if (!word)
        return std::nullopt;
    if (auto id = SlugId::parse(*word))
        return id;
    const auto number = invocation.release(app, 0).value();
    const auto slug = app.ledger.load(number).slug;
    if (!slug)
        throw Error(fmt::format("{} has no code that could be held", number.text()));
    return slug->id;
}

void tell_cleared(const Invocation& invocation, const deploy::App& app,
                  const std::vector<std::string>& names) {
    invocation.terminal.note(counted(names.size(), "hold") + " cleared" +
                             (names.empty() ? "" : ": " + joined_briefly(names, "; ")));
    if (const auto builds = app.marks.held_slugs().size(); builds != 0)
        invocation.terminal.note(fmt::format("{} of builds {}; to see: shipit -a {} hold",
                                             counted(builds, "hold"),
                                             builds == 1 ? "stays" : "stay", app.name().text()));
}

int hold(Invocation& invocation) {
    const auto app = invocation.app();
    const auto why = invocation.arguments.text("message");
    const bool clear = invocation.arguments.has("clear");
    if (why && clear)
        throw Error("'hold' takes '-m TEXT' or '--clear', not both", Outcome::usage);
    const auto slug = slug_meant(invocation, app);
    if (slug && !why && !clear)
        throw Error("'hold RELEASE' takes '-m TEXT', which says why, or '--clear'", Outcome::usage);
    if (!why && !clear)
        return show_holds(invocation, app);
    const auto print_json = [&](const std::string& fact, const Json& value) {
        invocation.terminal.print_json(Json::object({{"app", app.name().text()},
                                                     {"slug", slug ? Json(slug->text()) : Json()},
                                                     {fact, value}}));
    };
    if (clear) {
        const auto names = names_of(app, deploy::clear_holds(app, slug, invocation.patience()));
        if (invocation.terminal.wants_json())
            print_json("cleared", std::uint64_t{names.size()});
        else
            tell_cleared(invocation, app, names);
        return 0;
    }
    deploy::hold(app, slug, *why, invocation.patience());
    if (invocation.terminal.wants_json()) {
        print_json("held", true);
        return 0;
    }
    invocation.terminal.note(fmt::format("{} is held; to end it: shipit -a {} hold --clear{}",
                                         slug ? named(app, *slug) : app.name().text(),
                                         app.name().text(),
                                         slug ? " " + *invocation.arguments.word(0) : ""));
    return 0;
}

int mark_bad(Invocation& invocation) {
    const auto app = invocation.app();
    const ReleaseNumber number = invocation.release(app, 0).value();
    deploy::mark_bad(app, number, invocation.arguments.text("message").value_or(""),
                     invocation.patience());
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(
            Json::object({{"app", app.name().text()}, {"release", number.text()}, {"bad", true}}));
        return 0;
    }
    invocation.terminal.print(fmt::format("{} of {} is bad", number.text(), app.name().text()));
    if (app.ledger.current() == number)
        invocation.terminal.note(
            fmt::format("it is live; to leave it: shipit -a {} rollback", app.name().text()));
    return 0;
}

int show_pins(Invocation& invocation, const deploy::App& app) {
    Json all = Json::array();
    for (const ReleaseNumber number : app.marks.all(release::MarkKind::pin)) {
        const auto mark = app.marks.get(release::MarkKind::pin, number).value_or(release::Mark{});
        all.push_back(Json::object({{"release", number.text()},
                                    {"name", mark.why},
                                    {"who", mark.who},
                                    {"at", time_text(mark.at)}}));
        if (!invocation.terminal.wants_json())
            invocation.terminal.print(fmt::format("{} {}: pinned by {} since {}", number.text(),
                                                  printable(mark.why), printable(mark.who),
                                                  time_text(mark.at)));
    }
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(all);
    else if (all.items().empty())
        invocation.terminal.note("Nothing is pinned.");
    return 0;
}

int pin(Invocation& invocation) {
    const auto app = invocation.app();
    const auto number = invocation.release(app, 0);
    if (!number)
        return show_pins(invocation, app);
    const std::string name =
        deploy::pin(app, *number, invocation.arguments.word(1).value_or(""), invocation.patience());
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(Json::object({{"app", app.name().text()},
                                                     {"release", number->text()},
                                                     {"name", name},
                                                     {"pinned", true}}));
        return 0;
    }
    invocation.terminal.note(fmt::format("{} is kept, whatever is pruned{}", number->text(),
                                         name.empty() ? "" : "; its name is " + printable(name)));
    return 0;
}

int unpin(Invocation& invocation) {
    const auto app = invocation.app();
    const ReleaseNumber number = invocation.release(app, 0).value();
    deploy::unpin(app, number, invocation.patience());
    if (invocation.terminal.wants_json()) {
        invocation.terminal.print_json(Json::object(
            {{"app", app.name().text()}, {"release", number.text()}, {"pinned", false}}));
        return 0;
    }
    invocation.terminal.note(fmt::format("{} is pinned no longer", number.text()));
    return 0;
}

} // namespace

extern const Command hold_command, mark_bad_command, pin_command, unpin_command;

const Command hold_command{
    "hold",
    "refuse deploys until the hold is cleared",
    {{"RELEASE", Argument::Number::optional}},
    {{"-m,--message", "TEXT", "hold the app, or the build of RELEASE; why"},
     {"--clear", "", "end the app's hold, else those of builds; or that of RELEASE"},
     wait_option},
    {"shipit -a blog hold -m 'until Monday'", "shipit -a blog hold --clear"},
    hold};

const Command mark_bad_command{"mark-bad",
                               "say that a release is bad, and hold its build",
                               {{"RELEASE"}},
                               {{"-m,--message", "TEXT", "why"}, wait_option},
                               {"shipit -a blog mark-bad v7 -m 'orders are lost'"},
                               mark_bad};

const Command pin_command{
    "pin",
    "keep a release, whatever is pruned, and give it a name",
    {{"RELEASE", Argument::Number::optional}, {"NAME", Argument::Number::optional}},
    {wait_option},
    {"shipit -a blog pin v7 before-the-move", "shipit -a blog rollback before-the-move"},
    pin};

const Command unpin_command{"unpin",
                            "let a release go again",
                            {{"RELEASE"}},
                            {wait_option},
                            {"shipit -a blog unpin before-the-move"},
                            unpin};

} // namespace shipit::cmd
