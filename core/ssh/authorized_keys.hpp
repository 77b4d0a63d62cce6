// The text of an authorized_keys file (sshd(8)): finding, adding and removing the lines of deploy
// keys, each of which may do nothing but what `shipit receive APP` lets it. All other lines stay as
// they are, byte for byte. No I/O: keys_file.hpp reads and writes.
#pragma once

#include "core/base/ids.hpp"
#include "core/ssh/public_key.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shipit::ssh {

// A line that lets a key use one app.
struct DeployKey {
    std::size_t line; // from 1
    std::string app;
    std::string name; // by which records call it; empty in lines that were written without one
    std::string type;
    std::string base64;
    std::string fingerprint; // empty for a line whose key is damaged
};

// The lines whose command is `shipit receive APP`, whoever wrote them.
[[nodiscard]] std::vector<DeployKey> deploy_keys(std::string_view text);

// How records call a key: its comment, of which blanks and what a shell heeds become '-'; the
// fingerprint of one that has none. 1 to 64 of A-Z, a-z, 0-9, '@', '.', '_', '+', '-', ':', '/',
// not beginning with '-'.
[[nodiscard]] std::string name_of(const PublicKey& key);
[[nodiscard]] bool is_key_name(std::string_view name);

// `text` with one line more: this key, restricted to `command` (a line for a shell) under `app`.
// Nothing if that app has the key already. Throws Error (usage) if another line has it: sshd goes
// by the first line of a key, so that two would not be what either says.
[[nodiscard]] std::optional<std::string> with_key(std::string_view text, const PublicKey& key,
                                                  const AppName& app, const std::string& command);

// `text` without a line.
[[nodiscard]] std::string without_line(std::string_view text, std::size_t line);

} // namespace shipit::ssh
