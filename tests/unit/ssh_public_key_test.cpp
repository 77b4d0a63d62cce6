#include "core/ssh/public_key.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include "tests/unit/public_keys.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::ssh;
using tests::ed25519;
using tests::nistp256;

namespace {

// Made by ssh-keygen, as those of public_keys.hpp.
const std::string nistp521 =
    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAF1"
    "uHqq0Ys4YINB5a7MpLka2DoAW/3GWYpr8hqqJVtoZWHVWoxje+EzrgQWnSbjagavqghBTWLMNUIt"
    "FiAS3rDVkACBhRi4wvmCPRQCIo8X5BZ9vFdMnRaeMZrnQMl48clqkOC3DnF07Kem9Dcp33HeTVdu"
    "ib7T502OJpfUcRUSuERy5w==";
const std::string rsa_1024 =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCuvnIiyoIlcF0jA4QsyDU+U63AVjSGH0xbKCg4"
    "8RFIC0WUhkSbmKbE4Xc+vZbHFfDA6HupwoDLtsDwOEBZpj/DTxJyjn1RgtXBkkbQr0E2+xpLVWW4"
    "EKQlJl9C3/kQ5kNZ0MIjCWi4mJDl3FAXtTB9keaCg7yh31J06kYfCmtsyQ==";
const std::string rsa_2048 =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCmbqyR5t1mGxHVyOxiNktWbVfibeMmNa0I6yk8"
    "JG/6kL1vsE708PCRSS25yUK6qUJXr9V/T2jbxqe47qT8+s6rzEvNj7hOijgrQS1LZDhxbN04HF7I"
    "REYyL95OBkyuFQKA2ED3wixd5lflWUmfSIjqR+vhQJTu+rMC3A6mfVnOn2ODrl5ol98ZzANlxMJA"
    "TkIc5GBLeSPSomlnc9O9Je6oXOSH3HDgO2m+DIdvmlg25+R9qENVte37kFEPgknCxzMvXa0TEiyg"
    "S2rY9xV8An+rnsYP0h05EE8j020lAZIJgA3ytrS6W4tMeFGVxWazfPbHeo2k3HCiwjzC6YzKjjdt";

std::string complaint(const std::string& text) {
    try {
        (void)parse_public_key(text);
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::usage);
        CHECK_FALSE(error.next().empty());
        return error.why();
    }
    return "none";
}

bool complains_of(const std::string& text, const std::string& what) {
    const bool does = complaint(text).find(what) != std::string::npos;
    if (!does)
        MESSAGE(complaint(text));
    return does;
}

} // namespace

TEST_SUITE_BEGIN("ssh: public keys");

TEST_CASE("keys of all types are read, and called as ssh-keygen calls them") {
    CHECK(parse_public_key(ed25519).fingerprint ==
          "SHA256:1wd7CSm4ec2v0B2/v+NrUXV7GG3/t+7rOs2EczYNJqg");
    CHECK(parse_public_key(nistp256).fingerprint ==
          "SHA256:y+pHZfyfxjhHymYn8j1JYceSxG0S17MJi16Yi3iCrI8");
    CHECK(parse_public_key(nistp521).fingerprint ==
          "SHA256:d/Ez8EeyusAo51oK1So01mYgh0nKUc9pQiB5JrSJr48");
    CHECK(parse_public_key(rsa_2048).fingerprint ==
          "SHA256:zs+ppYxyzjZYsfMw319pRiUB/lQOqgJUS3z0hYSkX2I");
}

TEST_CASE("the comment is what follows, blanks and a newline at the end left out") {
    const PublicKey key = parse_public_key(ed25519 + "  CI of the blog \n");
    CHECK(key.type == "ssh-ed25519");
    CHECK(key.type + " " + key.base64 == ed25519);
    CHECK(key.comment == "CI of the blog");
    CHECK(parse_public_key("  " + ed25519).comment.empty());
}

TEST_CASE("a long comment is cut between characters, without a blank at its end") {
    for (const std::size_t before : {253U, 254U, 255U, 256U}) {
        const auto comment =
            parse_public_key(ed25519 + " " + std::string(before, 'x') + "€ y").comment;
        CHECK(is_utf8(comment));
        CHECK(comment == trimmed(comment));
    }
    const auto comment = parse_public_key(ed25519 + " " + std::string(255, 'x') + "  y").comment;
    CHECK(comment == std::string(255, 'x'));
}

TEST_CASE("what would be more than one key's line is refused") {
    CHECK(complains_of(ed25519 + "\n" + ed25519, "more than one line"));
    CHECK(complains_of(ed25519 + "\n\n", "more than one line"));
    CHECK(complains_of(ed25519 + "\r\n", "carriage return"));
    CHECK(complains_of(ed25519 + std::string(" a\0b", 4), "characters"));
    CHECK(complains_of(ed25519 + " \x1b[31m", "characters"));
    CHECK(complains_of(ed25519 + " \xff", "characters"));
    CHECK(complains_of(ed25519 + std::string(20000, 'x'), "too long"));
    CHECK(complains_of("", "no key"));
    CHECK(complains_of("\n", "no key"));
}

TEST_CASE("options before the key are refused, whatever they say") {
    CHECK(complains_of("restrict " + ed25519, "no options"));
    CHECK(complains_of("command=\"sh\" " + ed25519, "no options"));
    CHECK(complains_of("environment=\"A=b c\"," + ed25519, "no options"));
}

TEST_CASE("private keys, certificates and what sshd does not take are refused by name") {
    CHECK(complains_of("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "private key"));
    CHECK(complains_of("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate"));
    CHECK(complains_of("ssh-dss AAAA", "DSA"));
    CHECK(complains_of(rsa_1024, "1024 bits"));
}

TEST_CASE("a key that is not what it says is refused") {
    CHECK(complains_of("ssh-ed25519", "not base64"));
    CHECK(complains_of("ssh-ed25519 AAAA!", "not base64"));
    CHECK(complains_of(ed25519.substr(0, ed25519.size() - 1), "not base64"));
    CHECK(complains_of(ed25519.substr(0, ed25519.size() - 4), "damaged"));
    CHECK(complains_of(ed25519 + "AAAA", "damaged"));
    CHECK(complains_of("ssh-rsa" + ed25519.substr(ed25519.find(' ')), "something else"));
    CHECK(complains_of("ssh-ed25519" + nistp256.substr(nistp256.find(' ')), "something else"));
    CHECK(complains_of("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "damaged"));
    CHECK(complains_of("ssh-ed25519 /////w==", "something else"));
    // The last digit has bits that stand for nothing.
    std::string odd = nistp256;
    odd.replace(odd.size() - 2, 1, "J");
    CHECK(complains_of(odd, "not base64"));
}

TEST_SUITE_END();
