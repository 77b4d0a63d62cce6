// One public key as OpenSSH writes it in a .pub file, "ssh-ed25519 AAAA... ci@example", from
// whoever pasted it: it ends up in a file that decides who may log in.
#pragma once

#include <string>
#include <string_view>

namespace shipit::ssh {

struct PublicKey {
    std::string type;        // "ssh-ed25519"
    std::string base64;      // what follows it
    std::string fingerprint; // "SHA256:...", as `ssh-keygen -l` and sshd's log have it
    std::string comment;     // foreign text, but one line without control characters
};

// Takes one line, with a newline at its end or without. Throws Error (usage) that says what is
// wrong: a private key, more than one line, options before the key, a certificate, a type or a size
// that sshd does not take any more, base64 that is none, a blob that is not what the type says.
[[nodiscard]] PublicKey parse_public_key(std::string_view text);

} // namespace shipit::ssh
