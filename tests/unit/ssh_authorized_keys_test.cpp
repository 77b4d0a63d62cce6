#include "core/ssh/authorized_keys.hpp"
#include "core/ssh/keys_file.hpp"

#include "core/base/error.hpp"

#include "tests/unit/public_keys.hpp"
#include "tests/unit/test_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace shipit;
using namespace shipit::ssh;
using tests::ed25519;
using tests::nistp256;

namespace {

const AppName blog = AppName::parse("blog");
const AppName shop = AppName::parse("shop");
const std::string command = "/usr/bin/shipit receive blog --key=ci@example --root='/srv/a \"b\"'";
const std::string foreign = "# mine\n\n\tssh-rsa AAAA me \r\nfrom=\"10.0.0.0/8\" ssh-rsa AAAB you";

PublicKey key(const std::string& comment = "ci@example") {
    return parse_public_key(ed25519 + " " + comment);
}

mode_t mode_of(const sys::Path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

std::string complaint(const std::string& text, const AppName& app) {
    try {
        (void)with_key(text, key(), app, command);
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::usage);
        return error.why();
    }
    return "none";
}

} // namespace

TEST_SUITE_BEGIN("ssh: authorized keys");

TEST_CASE("a key's line is added behind all others, which stay byte for byte") {
    const auto text = with_key(foreign, key(), blog, command);
    REQUIRE(text.has_value());
    CHECK(*text == foreign +
                       "\nrestrict,command=\"/usr/bin/shipit receive blog --key=ci@example "
                       "--root='/srv/a \\\"b\\\"'\" " +
                       ed25519 + " ci@example\n");
    CHECK(with_key("", key(), blog, command)->substr(0, 8) == "restrict");
}

TEST_CASE("what was added is found, and goes without a trace") {
    const auto text = with_key(foreign + "\n", key(), blog, command);
    REQUIRE(text.has_value());
    const auto keys = deploy_keys(*text);
    REQUIRE(keys.size() == 1);
    CHECK(keys[0].app == "blog");
    CHECK(keys[0].name == "ci@example");
    CHECK(keys[0].type == "ssh-ed25519");
    CHECK(keys[0].fingerprint == key().fingerprint);
    CHECK(without_line(*text, keys[0].line) == foreign + "\n");
}

TEST_CASE("lines of the same kind that people wrote are found, too") {
    const std::string text = "restrict,command=\"shipit receive blog\" " + ed25519 + " ci\n" +
                             "command=\"sudo /opt/shipit receive shop\",no-pty " + nistp256 + "\n" +
                             "command=\"receive blog\" " + nistp256 + "\n" +
                             "command=\"shipit receive ../x\" " + nistp256 + "\n" +
                             "#command=\"shipit receive blog\" " + nistp256 + "\n" +
                             "command=\"shipit receive blog\" ssh-ed25519 broken\n";
    const auto keys = deploy_keys(text);
    REQUIRE(keys.size() == 3);
    CHECK(keys[0].app == "blog");
    CHECK(keys[0].name.empty());
    CHECK(keys[1].app == "shop");
    CHECK(keys[2].line == 6);
    CHECK(keys[2].fingerprint.empty());
}

TEST_CASE("a key is for one app, once") {
    const auto text = with_key("", key(), blog, command);
    REQUIRE(text.has_value());
    CHECK_FALSE(with_key(*text, key("other name"), blog, command).has_value());
    CHECK(complaint(*text, shop).find("app 'blog'") != std::string::npos);
    CHECK(complaint("\n" + ed25519 + " me\n", shop).find("something else (line 2)") !=
          std::string::npos);
}

TEST_CASE("records call a key by its comment, without what a shell heeds") {
    CHECK(name_of(key("ci@example")) == "ci@example");
    CHECK(name_of(key("John's laptop; rm -rf /")) == "John-s-laptop-rm--rf-/");
    CHECK(name_of(key("--root=/etc $(id)")) == "root-/etc-id");
    CHECK(name_of(key("")) == key().fingerprint);
    CHECK(name_of(key("\"'`")) == key().fingerprint);
    CHECK(name_of(key(std::string(200, 'x'))).size() == 64);
    for (const char* comment : {"ci@example", "a b c", "-x", "\xc3\xa9t\xc3\xa9", ""})
        CHECK(is_key_name(name_of(key(comment))));
    for (const char* name : {"", "-x", "a b", "a;b", "a$b", "a\"b", "a\nb"})
        CHECK_FALSE(is_key_name(name));
}

TEST_CASE("a keys file is made with its folder, for its owner alone") {
    const tests::TestFolder folder;
    const KeysFile file(folder / ".ssh/authorized_keys", KeysFile::For::changing);
    CHECK(file.text().empty());
    file.replace("one\n");
    CHECK(mode_of(folder / ".ssh") == 0700);
    CHECK(mode_of(folder / ".ssh/authorized_keys") == 0600);
    CHECK(file.text() == "one\n");
    CHECK(sys::names_in(folder / ".ssh").size() == 1);
}

TEST_CASE(
    "a keys file that is a link stays one, and keeps its mode but for others' right to write") {
    const tests::TestFolder folder;
    sys::replace(folder / "kept", "old\n", 0664);
    std::filesystem::create_symlink("kept", folder / "authorized_keys");
    const KeysFile file(folder / "authorized_keys", KeysFile::For::changing);
    CHECK_FALSE(file.complaint().empty());
    file.replace("new\n");
    CHECK(std::filesystem::is_symlink(folder / "authorized_keys"));
    CHECK(sys::read_file(folder / "kept") == "new\n");
    CHECK(mode_of(folder / "kept") == 0644);
}

TEST_CASE("root changes a user's file as that user, and not through the user's links" *
          doctest::skip(::geteuid() != 0)) {
    constexpr uid_t nobody = 65534;
    const tests::TestFolder folder;
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
    sys::make_folders(folder / "home", 0755);
    REQUIRE(::chown((folder / "home").c_str(), nobody, nobody) == 0);
    {
        const KeysFile file(folder / "home/.ssh/authorized_keys", KeysFile::For::changing);
        file.replace("one\n");
    }
    CHECK(::geteuid() == 0);
    struct stat status {};
    REQUIRE(::stat((folder / "home/.ssh/authorized_keys").c_str(), &status) == 0);
    CHECK(status.st_uid == nobody);
    CHECK((status.st_mode & 07777) == 0600);

    sys::replace(folder / "roots", "root's\n", 0600);
    std::filesystem::remove(folder / "home/.ssh/authorized_keys");
    std::filesystem::create_symlink(folder / "roots", folder / "home/.ssh/authorized_keys");
    {
        const KeysFile file(folder / "home/.ssh/authorized_keys", KeysFile::For::changing);
        CHECK_THROWS_AS((void)file.text(), Error);
        CHECK_THROWS_AS(file.replace("mine now\n"), Error);
    }
    CHECK(sys::read_file(folder / "roots") == "root's\n");
}

TEST_SUITE_END();
