// key add, list, remove: the deploy keys of an app, in authorized_keys.
#include "cmd/invocation.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/ssh/authorized_keys.hpp"
#include "core/ssh/keys_file.hpp"
#include "core/sys/process.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <unistd.h>

namespace shipit::cmd {

namespace {

using ssh::DeployKey;
using ssh::KeysFile;

constexpr std::uint64_t longest_key_file = 64 << 10;

sys::Path keys_path(const Invocation& invocation) {
    const auto file = invocation.arguments.text("file");
    return file ? sys::Path(*file) : KeysFile::own();
}

// The words behind APP: a key that was pasted without quotes, a file's name, or '-'.
ssh::PublicKey given_key(const Invocation& invocation) {
    const auto words = invocation.arguments.words().subspan(1);
    const std::string given = joined(words, " ");
    if (given == "-")
        return ssh::parse_public_key(
            sys::read_all(STDIN_FILENO, "standard input", longest_key_file));
    if (words.size() == 1 && sys::is_there(given))
        return ssh::parse_public_key(sys::read_file(given, longest_key_file));
    if (words.size() == 1 && given.find(' ') == std::string::npos)
        throw Error(fmt::format("'{}' is neither a key nor a file", printable(given)),
                    Outcome::usage)
            .advise("shipit key add APP ~/ci.pub");
    return ssh::parse_public_key(given);
}

std::string command_for(const deploy::App& app, const ssh::PublicKey& key) {
    return fmt::format("{} receive {} --key={} --root={}",
                       shell_quoted(sys::own_program().string()), app.name().text(),
                       ssh::name_of(key), shell_quoted(app.host.root.string()));
}

Json json_of(const DeployKey& key) {
    return Json::object({{"app", key.app},
                         {"name", key.name},
                         {"type", key.type},
                         {"fingerprint", key.fingerprint},
                         {"line", key.line}});
}

void tell_change(Invocation& invocation, const DeployKey& key, const char* what, bool changed) {
    if (invocation.terminal.wants_json()) {
        Json json = json_of(key);
        invocation.terminal.print_json(json.set("changed", changed));
        return;
    }
    invocation.terminal.print(
        fmt::format("{} {} {} for {}", what, key.fingerprint, printable(key.name), key.app));
}

int add(Invocation& invocation) {
    const auto app =
        deploy::App::open(invocation.host(), AppName::parse(*invocation.arguments.word(0)));
    const ssh::PublicKey key = given_key(invocation);
    const DeployKey told{0,        app.name().text(), ssh::name_of(key),
                         key.type, key.base64,        key.fingerprint};
    std::string complaint;
    bool changed = false;
    {
        const KeysFile file(keys_path(invocation), KeysFile::For::changing);
        const auto text =
            while_doing(fmt::format("adding it to '{}'", printable(file.path().string())), [&] {
                return with_key(file.text(), key, app.name(), command_for(app, key));
            });
        if (text)
            file.replace(*text);
        changed = text.has_value();
        complaint = file.complaint();
    }
    if (changed)
        app.note_event("key add", std::nullopt, name_of(Outcome::done),
                       fmt::format("{} {}", key.fingerprint, told.name));
    tell_change(invocation, told, changed ? "Added" : "Nothing changed: there is", changed);
    if (!complaint.empty())
        invocation.terminal.warning(complaint);
    return 0;
}

std::vector<DeployKey> keys_of(const std::string& text, const std::string& app) {
    auto keys = ssh::deploy_keys(text);
    std::erase_if(keys, [&app](const DeployKey& key) { return key.app != app; });
    return keys;
}

int list(Invocation& invocation) {
    const std::string app = AppName::parse(*invocation.arguments.word(0)).text();
    const KeysFile file(keys_path(invocation), KeysFile::For::reading);
    Json all = Json::array();
    std::vector<Terminal::Row> rows;
    for (const DeployKey& key : keys_of(file.text(), app)) {
        all.push_back(json_of(key));
        rows.push_back({{key.fingerprint.empty() ? "damaged" : key.fingerprint, printable(key.type),
                         printable(key.name)}});
    }
    if (invocation.terminal.wants_json())
        invocation.terminal.print_json(all);
    else if (rows.empty())
        invocation.terminal.note(
            fmt::format("There is no key for {} in {}.", app, printable(file.path().string())));
    else
        invocation.terminal.table(rows, 2);
    return 0;
}

// By fingerprint, name, or the key itself.
bool is_meant(const DeployKey& key, const std::string& given) {
    return given == key.fingerprint || (!key.name.empty() && given == key.name) ||
           (!key.base64.empty() && given.find(key.base64) != std::string::npos);
}

DeployKey meant_key(const Invocation& invocation, const std::string& text, const std::string& app) {
    std::string given = joined(invocation.arguments.words().subspan(1), " ");
    auto keys = keys_of(text, app);
    const bool is_known = std::any_of(
        keys.begin(), keys.end(), [&given](const DeployKey& key) { return is_meant(key, given); });
    if (!is_known && (given == "-" || sys::is_there(given)))
        given = given_key(invocation).base64;
    std::erase_if(keys, [&given](const DeployKey& key) { return !is_meant(key, given); });
    if (keys.empty())
        throw Error(fmt::format("{} has no key '{}'", app, printable(shortened(given, 80))))
            .advise(fmt::format("shipit key list {}", app));
    if (keys.size() > 1)
        throw Error(fmt::format("{} has {} keys called '{}'", app, keys.size(), printable(given)),
                    Outcome::usage)
            .advise(fmt::format("name it by its fingerprint, like {}", keys.front().fingerprint));
    return keys.front();
}

int remove(Invocation& invocation) {
    const AppName name = AppName::parse(*invocation.arguments.word(0));
    DeployKey key;
    {
        const KeysFile file(keys_path(invocation), KeysFile::For::changing);
        const std::string text = file.text();
        key = meant_key(invocation, text, name.text());
        file.replace(ssh::without_line(text, key.line));
    }
    const auto host = invocation.host();
    if (release::is_app({host.root, name})) // keys outlive apps that are destroyed
        deploy::App::open(host, name)
            .note_event("key remove", std::nullopt, name_of(Outcome::done),
                        fmt::format("{} {}", key.fingerprint, key.name));
    tell_change(invocation, key, "Removed", true);
    return 0;
}

constexpr Option file_option{"--file", "FILE", "this file, not your own ~/.ssh/authorized_keys"};

} // namespace

extern const Command key_add_command, key_list_command, key_remove_command;

const Command key_add_command{"key add",
                              "let a key push, deploy and roll back one app, and nothing else",
                              {{"APP", Argument::Number::one}, {"KEY", Argument::Number::some}},
                              {file_option},
                              {"shipit key add blog ~/ci.pub", "shipit key add blog - < ci.pub",
                               "shipit key add blog 'ssh-ed25519 AAAA... ci@example'"},
                              add};

const Command key_list_command{
    "key list",    "list the keys of an app", {{"APP", Argument::Number::one}},
    {file_option}, {"shipit key list blog"},  list};

const Command key_remove_command{
    "key remove",
    "take a key back, by its fingerprint, its name, or itself",
    {{"APP", Argument::Number::one}, {"KEY", Argument::Number::some}},
    {file_option},
    {"shipit key remove blog ci@example", "shipit key remove blog SHA256:..."},
    remove};

} // namespace shipit::cmd
