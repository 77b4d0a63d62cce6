# Every release has its evidence: how long it took, what it used, what ended, which checks failed, what
# it wrote last; and from where it came: the commit, and who was behind sudo and ssh.
. "$(dirname "$0")/lib.sh"
needs curl git

hello_is_live
info() { json <(ship info "$1" --json) "it$2"; }
has_exits() { [[ $(info "$1" '["evidence"]["exits"]') == "$2" ]]; }

# A good one, whose process is killed.
expect_exit 0 ship why
expect_out "v1 is live"
expect_match "Evidence: +good since 20.*: stayed well through its watch"
expect_match "Healthy after: +[0-9]"
expect_match "Peak memory: +[0-9.]+ MB"
kill -KILL "$(page "${url}pid")"
expect_soon 10 has_exits v1 1
expect_exit 0 ship info
expect_match "Exits: +1, the last: web.1 was killed by SIGKILL after .* s, 20.*\(.*\)"
expect_soon 10 answers "$url" "This is release v1."

# One that fails before it is live.
a_copy_of crashes_at_start
expect_exit 3 ship deploy "$scratch/crashes_at_start"
expect_exit 0 ship why v2
expect_match "v2 cannot be rolled back to: it failed: .*exited"
expect_match "Exits: +[0-9]+, the last: web.1 "
expect_match "^    web.1: .*no database to talk to"
expect_exit 0 ship output v2
expect_out "no database to talk to"
grep -q 'last_exit = "web.1 ' "$app/releases/v2.toml" || fail "v2's manifest does not say how it ended"

# One that fails within its watch, by a check.
may_fall_sick "$scratch/hello"
(wait_until 20 is_live v3 && touch "$app/releases/v3/sick") &
expect_exit 4 ship deploy "$scratch/hello"
expect_exit 0 ship why v3
expect_match "v3 can be rolled back to, but it is marked bad: .*503"
expect_match "Failed checks: +3 in its watch, the last: GET .* answered 503"
expect_exit 0 ship releases --json
expect_equal "$(json "$out" '[r["evidence"]["failed_checks"] for r in it]')" "[0, 3, 0, 0]"
expect_equal "$(info v3 '["evidence"]["peak_memory"] > 1000000')" True

# Where it came from.
git -C "$scratch/hello" init -q -b trunk
git -C "$scratch/hello" add .
git -C "$scratch/hello" -c user.name=a -c user.email=a@b commit -q -m "Add a page"
echo 5 >"$scratch/hello/build"
behind() { # as sudo leaves it: the environment is a new one, but an ancestor has what ssh has set
    SSH_CONNECTION="192.0.2.7 50000 192.0.2.1 22" bash -c '/usr/bin/env -i PATH="$PATH" HOME="$HOME" "$@"; exit $?' \
        behind SHIPIT_ROOT="$SHIPIT_ROOT" SUDO_USER=alice "$SHIPIT_BIN" "$@"
}
expect_exit 0 behind deploy "$scratch/hello" -m "A page"
expect_equal "$(info v5 '["source"]["branch"], it["source"]["dirty"], it["source"]["subject"]')" \
    "('trunk', True, 'Add a page')"
expect_equal "$(info v5 '["source"]["commit"]')" "$(git -C "$scratch/hello" rev-parse HEAD)"
expect_equal "$(info v5 '["address"]')" 192.0.2.7
[[ $(id -u) != 0 ]] || expect_equal "$(info v5 '["user"]')" alice
expect_exit 0 ship info v5
expect_match "^By: .*\(from 192.0.2.7\)"
expect_match "^Source: +[0-9a-f]{12} \(dirty\) on trunk Add a page"
