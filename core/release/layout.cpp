#include "core/release/layout.hpp"

#include "core/base/error.hpp"
#include "core/sys/account.hpp"

#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

namespace shipit::release {

namespace {

constexpr const char* slug_suffix = ".tar.zst";
constexpr const char* supervisor_lock = "supervisor.lock"; // room supervise's
constexpr std::uint64_t largest_number = 1'000'000'000'000'000;

std::string variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nothing sets variables
    return value != nullptr ? value : "";
}

Path absolute_variable(const char* name) {
    const Path path = variable(name);
    return path.is_absolute() ? path : Path();
}

Path root_in_home(const Path& home) {
    return home / ".local/share/shipit";
}

// The default where SHIPIT_ROOT does not say otherwise.
Path usual_root() {
    if (::geteuid() == 0)
        return system_root;
    const Path data = absolute_variable("XDG_DATA_HOME");
    if (!data.empty())
        return data / "shipit";
    Path home = absolute_variable("HOME");
    if (home.empty())
        home = sys::own_account().home;
    if (home.empty())
        throw Error("there is no home folder to keep apps in", Outcome::usage)
            .advise("say where with --root or SHIPIT_ROOT");
    return root_in_home(home);
}

bool is_folder(const Path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Path usual_runtime(uid_t uid) {
    return Path("/run/user") / std::to_string(uid);
}

// Where root looks into a user's usual root: the folder in which that user's supervisors may be.
std::optional<Path> runtime_of_owner(const Path& root) {
    struct stat status {};
    if (::stat(root.c_str(), &status) != 0 || status.st_uid == 0)
        return std::nullopt;
    try {
        if (root != root_in_home(sys::account_of(std::to_string(status.st_uid)).home))
            return std::nullopt;
    } catch (const Error&) { // no account: the root is nobody's usual one
        return std::nullopt;
    }
    return usual_runtime(status.st_uid);
}

// What is between `prefix` and `suffix`, or nothing.
std::optional<std::string_view> between(std::string_view text, std::string_view prefix,
                                        std::string_view suffix) {
    if (text.size() < prefix.size() + suffix.size() || text.substr(0, prefix.size()) != prefix ||
        text.substr(text.size() - suffix.size()) != suffix)
        return std::nullopt;
    return text.substr(prefix.size(), text.size() - prefix.size() - suffix.size());
}

std::optional<ReleaseNumber> number_between(std::string_view text, std::string_view prefix,
                                            std::string_view suffix) {
    const auto digits = between(text, prefix, suffix);
    if (!digits || digits->empty() || digits->front() < '0' || digits->front() > '9')
        return std::nullopt; // "vv12" would pass ReleaseNumber::parse
    const auto number = ReleaseNumber::parse(*digits);
    return number && number->value() <= largest_number ? number : std::nullopt;
}

} // namespace

Path default_root() {
    const std::string chosen = variable("SHIPIT_ROOT");
    return chosen.empty() ? usual_root() : std::filesystem::absolute(chosen).lexically_normal();
}

std::vector<Path> usual_roots(const std::string& user) {
    std::vector<Path> roots{system_root};
    try {
        roots.push_back(usual_root());
        roots.push_back(root_in_home(sys::account_of(user).home));
    } catch (const Error&) {
        // Who has no home folder, or no account by that name, has no such root.
    }
    return roots;
}

Path Layout::manifest(ReleaseNumber number) const {
    return releases() / (number.text() + ".toml");
}

Path Layout::transcript(ReleaseNumber number) const {
    return releases() / (number.text() + ".log");
}

Path Layout::evidence(ReleaseNumber number) const {
    return releases() / (number.text() + ".evidence");
}

Path Layout::release_link(ReleaseNumber number) const {
    return releases() / number.text();
}

Path Layout::slug(const SlugId& id) const {
    return releases() / (id.text() + slug_suffix);
}

Path Layout::run_folder() const {
    Path beside = folder() / "run";
    if (::geteuid() == 0 && root == system_root)
        return Path("/run/shipit") / app.text();
    if (sys::is_there(beside / supervisor_lock))
        return beside;
    if (::geteuid() == 0) {
        const auto runtime = runtime_of_owner(root);
        Path there = runtime ? *runtime / "shipit" / app.text() : Path();
        return runtime && sys::is_there(there / supervisor_lock) ? there : beside;
    }
    if (root != usual_root())
        return beside;
    Path runtime = absolute_variable("XDG_RUNTIME_DIR");
    if (runtime.empty())
        runtime = usual_runtime(::getuid());
    Path there = runtime / "shipit" / app.text();
    const bool stays = sys::lingers(sys::own_account()) && is_folder(runtime);
    return stays || sys::is_there(there / supervisor_lock) ? there : beside;
}

std::optional<ReleaseNumber> manifest_number(std::string_view name) {
    return number_between(name, "v", ".toml");
}

std::optional<ReleaseNumber> transcript_number(std::string_view name) {
    return number_between(name, "v", ".log");
}

std::optional<ReleaseNumber> link_number(std::string_view name) {
    return number_between(name, "v", "");
}

std::optional<SlugId> slug_in(std::string_view name) {
    const auto id = between(name, "", slug_suffix);
    return id ? SlugId::parse(*id) : std::nullopt;
}

std::optional<SlugId> tree_in(std::string_view name) {
    const auto stamped = between(name, "", ".stamp");
    return SlugId::parse(stamped ? *stamped : name);
}

std::string current_target(ReleaseNumber number) {
    return "releases/" + number.text();
}

std::optional<ReleaseNumber> current_number(std::string_view target) {
    return number_between(target, "releases/v", "");
}

std::string release_target(const SlugId& id) {
    return "../trees/" + id.text();
}

std::optional<SlugId> release_tree(std::string_view target) {
    const auto id = between(target, "../trees/", "");
    return id ? SlugId::parse(*id) : std::nullopt;
}

bool is_leftover(std::string_view name) {
    for (const std::string_view prefix : {".new-", ".build-", ".trash-"})
        if (name.substr(0, prefix.size()) == prefix)
            return true;
    return false;
}

void make_app_folders(const Layout& layout) {
    constexpr mode_t open_to_all = 0755;
    constexpr mode_t open_to_group = 0750;
    constexpr mode_t passable = 0711;
    sys::make_folders(layout.folder(), open_to_all);
    sys::make_folders(layout.trees(), open_to_all);
    sys::make_folders(layout.shared(), open_to_all);
    sys::make_folders(layout.log(), open_to_group);
    sys::make_folders(layout.marks(), open_to_group);
    sys::make_folders(layout.releases(), passable); // which makes it an app: the last one
}

bool is_app(const Layout& layout) {
    return is_folder(layout.releases());
}

std::vector<AppName> apps_in(const Path& root) {
    std::vector<AppName> apps;
    std::error_code absent;
    if (!std::filesystem::is_directory(root, absent)) // a link to one will do
        return apps;
    for (const std::string& name : sys::names_in(root))
        if (AppName::is_valid(name) && is_app({root, AppName::parse(name)}))
            apps.push_back(AppName::parse(name));
    return apps;
}

} // namespace shipit::release
