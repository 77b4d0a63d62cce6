#include "cmd/receive_policy.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace shipit;
using namespace shipit::cmd;
using Words = std::vector<std::string>;

namespace {

const AppName blog = AppName::parse("blog");

Words command(std::string_view original) {
    const Permitted what = permitted(blog, original);
    CHECK(what.what == Permitted::What::command);
    return what.words;
}

std::string refusal(std::string_view original) {
    try {
        (void)permitted(blog, original);
    } catch (const Error& error) {
        CHECK(error.outcome() == Outcome::usage);
        return error.why();
    }
    return "none";
}

} // namespace

TEST_SUITE_BEGIN("cmd: receive policy");

TEST_CASE("what a key may do comes out in one form, whatever form it was asked in") {
    const Words deploy{"deploy", "--message=New front page", "--", "-"};
    CHECK(command("shipit deploy - -m 'New front page'") == deploy);
    CHECK(command("shipit -a blog deploy --message=\"New front page\" -") == deploy);
    CHECK(command("  shipit deploy --app=blog -m New\\ front\\ page -- - ") == deploy);
    CHECK(command("shipit deploy - --wait=5m --no-wait") ==
          Words{"deploy", "--no-wait", "--wait=5m", "--", "-"});
    CHECK(command("shipit --json releases -n 3") == Words{"releases", "--num=3", "--json"});
    CHECK(command("shipit releases:info v3") == Words{"info", "--", "v3"});
    CHECK(command("shipit rollback v1 --check") == Words{"rollback", "--check", "--", "v1"});
    CHECK(command("shipit diff v1 v2 --stat") == Words{"diff", "--stat", "--", "v1", "v2"});
    CHECK(command("shipit status") == Words{"status"});
    CHECK(command("shipit deploy --no-activate -") == Words{"deploy", "--no-activate", "--", "-"});
    CHECK(command("shipit releases:activate v5 --trial 10m") ==
          Words{"activate", "--trial=10m", "--", "v5"});
    CHECK(command("shipit output -f v5") == Words{"output", "--follow", "--", "v5"});
    CHECK(command("shipit output --follow") == Words{"output", "--follow"});
    CHECK(command("shipit deploy - -m ''") == Words{"deploy", "--message=", "--", "-"});
}

TEST_CASE("pushes are let through to their app alone") {
    CHECK(permitted(blog, "shipit receive blog").what == Permitted::What::push);
    for (const char* path : {"blog", "/blog", "blog.git", "/blog.git", "~/blog"})
        CHECK(permitted(blog, std::string("git-receive-pack '") + path + "'").what ==
              Permitted::What::git_push);
    for (const char* original :
         {"shipit receive shop", "shipit receive blog blog", "shipit receive",
          "shipit receive blog --key=x", "shipit -a blog receive blog", "git-receive-pack 'shop'",
          "git-receive-pack '/var/lib/shipit/shop/repo.git'", "git-receive-pack '../blog'",
          "git-receive-pack blog blog", "git-receive-pack", "git-upload-pack 'blog'"})
        CHECK_MESSAGE(refusal(original) != "none", original);
}

TEST_CASE("everything else is refused") {
    for (const char* original : {"",
                                 " ",
                                 "sh",
                                 "/bin/sh -i",
                                 "shipit",
                                 "ls; shipit releases",
                                 "shipit releases; id",
                                 "shipit releases && id",
                                 "shipit releases | id",
                                 "shipit releases & id",
                                 "shipit releases > /tmp/x",
                                 "shipit releases $(id)",
                                 "shipit releases `id`",
                                 "shipit info $HOME",
                                 "shipit releases\nid",
                                 "shipit releases\rid",
                                 "shipit info 'v1",
                                 "shipit info \"$(id)\"",
                                 "shipit info v1\\",
                                 "shipit info *",
                                 "shipit info ~",
                                 "A=b shipit releases",
                                 "/usr/bin/shipit releases",
                                 "Shipit releases",
                                 "shipit --root=/tmp releases",
                                 "shipit --root /tmp releases",
                                 "shipit releases --root /x",
                                 "shipit -a shop releases",
                                 "shipit releases -ashop",
                                 "shipit -a blog releases -a shop",
                                 "shipit -v status",
                                 "shipit --version",
                                 "shipit version",
                                 "shipit help",
                                 "shipit deploy",
                                 "shipit deploy .",
                                 "shipit deploy /etc",
                                 "shipit deploy ../x",
                                 "shipit deploy - /etc",
                                 "shipit deploy - --force",
                                 "shipit receive blog --force",
                                 "shipit receive --force blog",
                                 "shipit deploy --help",
                                 "shipit activate",
                                 "shipit activate v1 v2",
                                 "shipit activate v1 --force",
                                 "shipit activate ../v1",
                                 "shipit rollback --force",
                                 "shipit rollback --automatic",
                                 "shipit rollback v1 v2",
                                 "shipit rollback --unless-good",
                                 "shipit info --reveal",
                                 "shipit info -s",
                                 "shipit info ../v1",
                                 "shipit info /etc/passwd",
                                 "shipit info -- --reveal",
                                 "shipit config",
                                 "shipit config set A=b",
                                 "shipit config:get A",
                                 "shipit run -- sh",
                                 "shipit logs",
                                 "shipit events",
                                 "shipit set app.user=root",
                                 "shipit destroy blog",
                                 "shipit create x",
                                 "shipit apps",
                                 "shipit stop",
                                 "shipit prune",
                                 "shipit supervise",
                                 "shipit hook deployed v1",
                                 "shipit git-hook",
                                 "shipit git-init blog",
                                 "shipit key add blog x",
                                 "shipit bless",
                                 "shipit hold --clear",
                                 "shipit pin v1",
                                 "shipit deploi -",
                                 "scp -t .",
                                 "sftp-server",
                                 "internal-sftp",
                                 "rsync --server . .",
                                 "shipit releases \x01",
                                 "shipit info \xff"})
        CHECK_MESSAGE(refusal(original) != "none", original);
    // A mark that turns the direction of what follows, not written as one.
    CHECK(refusal(std::string("shipit info \xe2\x80") + "\xae") != "none");
    CHECK(refusal("shipit deploy - -m '" + std::string(5000, 'x') + "'").find("longer") !=
          std::string::npos);
    CHECK(refusal(std::string_view("shipit releases\0", 16)) != "none");
}

TEST_CASE("variables that change what runs are told, others are not") {
    const std::vector<std::string> environment{
        "PATH=/bin",  "LD_PRELOAD=/x", "LANG=C",      "SHIPIT_ROOT=/y", "BASH_ENV=/z",
        "ENV=/e",     "TERM=x",        "EDITOR=vi",   "LC_ALL=C",       "BASH_FUNC_id%%=() { :; }",
        "SSH_TTY=/1", "LD_AUDIT",      "SHELL=/bin/x"};
    CHECK(hostile_variables(environment) ==
          Words{"LD_PRELOAD", "SHIPIT_ROOT", "BASH_ENV", "ENV", "BASH_FUNC_id%%", "LD_AUDIT"});
}

TEST_CASE("a refused command is quoted short, on one line, and without values") {
    CHECK(quotable("shipit config set SECRET=hunter2 --x=y") ==
          "shipit config set SECRET=... --x=...");
    CHECK(quotable("a\nb\x1b[31m") == "a\\nb\\x1b[31m");
    CHECK(quotable(std::string(10000, 'x')).size() < 200);
    CHECK(quotable("").empty());
}

TEST_SUITE_END();
