# Config vars set, or processes added, while a new release is still watched: what takes its place is watched as
# long as any, and if it fails, what was good before both is live again.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
may_fall_sick "$scratch/hello"
# fails_when_live RELEASE: as a program does that dies of what only comes up in use.
fails_when_live() { wait_until 30 is_live "$1" && touch "$app/releases/$1/sick"; }
watched() { grep -c "$1 is committed" "$app/log/supervisor.log"; }

"$SHIPIT_BIN" deploy "$scratch/hello" -m "Not seen to be sick" >"$scratch/deploy.log" 2>&1 &
deploy=$!
expect_soon 20 is_live v2
fails_when_live v3 &
expect_exit 4 ship config set NAME=Ada --wait
expect_err "v3 went live and failed within its watch window"
expect_err "rolled back to v1 as v4"
code=0
wait "$deploy" || code=$? # it was live, and nobody has said that it is good
[[ $code == 0 || $code == 4 ]] || fail "the deploy of what is not live any more ended with $code"
grep -qF "the watch of v2 was cut short: another release is taking its place" "$scratch/deploy.log" ||
    fail "who deployed v2 was told: $(cat "$scratch/deploy.log")"
expect_answer "$url" "Hello, World! This is release v4."
expect_exit 0 ship why v2
expect_match "v2 can be rolled back to, but its build is held: .*503" # which is that of v3
expect_match "Evidence: +not proven"
expect_exit 0 ship releases --json
expect_equal "$(json "$out" '[(r["version"], r["good"], r["bad"]) for r in it][1:3]')" \
    "[('v3', False, True), ('v2', False, False)]"
