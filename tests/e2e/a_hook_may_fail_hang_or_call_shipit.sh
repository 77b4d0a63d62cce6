# A hook that fails, cannot be started or hangs is told of and changes nothing, and nothing that it
# started is left; one that calls shipit finds the app, its root and a free lock, and what it deploys
# goes on when it has ended.
. "$(dirname "$0")/lib.sh"
needs curl

reserve_port
url=http://127.0.0.1:$port
a_copy_of hello
a_copy_of hello other
expect_exit 0 ship create hello
expect_exit 0 ship create other
export SHIPIT_APP=hello
expect_exit 0 ship set "app.port=$port" health.watch=200ms
reserve_port
expect_exit 0 ship -a other set "app.port=$port"
number=0
deploy_another() { # deploy_another CODE: a build that there never was
    number=$((number + 1))
    echo "$number" >"$scratch/hello/build"
    depth=2 expect_exit "$1" ship deploy "$scratch/hello"
}
hook() { # hook EVENT SCRIPT [TIMEOUT]
    printf '#!/bin/bash\n%s\n' "$2" >"$scratch/bin/$1"
    chmod +x "$scratch/bin/$1"
    expect_exit 0 ship set "hooks.$1=$scratch/bin/$1" "hooks.timeout=${3:-60s}"
}

hook deployed 'echo "no chat room"; exit 7'
deploy_another 0
expect_err "warning: hooks.deployed exited with status 7, ignoring"
expect_answer "$url/" "This is release v1."
expect_exit 0 ship output
expect_out "no chat room"
expect_out "hooks.deployed exited with status 7"
# shellcheck disable=SC2016  # for the hook to expand
hook deployed 'kill -KILL $$'
deploy_another 0
expect_err "hooks.deployed was killed by SIGKILL, ignoring"
expect_exit 0 ship set "hooks.deployed=$scratch/bin/nosuch"
deploy_another 0
expect_match "warning: hooks.deployed: .*nosuch.*No such file or directory, ignoring"
# One that does not care what it is told.
hook deployed 'exec <&-'
deploy_another 0
expect_not_in "warning: hooks"

# It hangs, ignores SIGTERM, and has left its session: all of it is gone when its time is over.
hook deployed "trap '' TERM
echo \$\$ >>'$scratch/hung'
(trap '' TERM; setsid bash -c 'echo \$\$ >>\"$scratch/hung\"; sleep 1000' &)
sleep 1000" 3s
deploy_another 0
expect_err "hooks.deployed took longer than 3s, ignoring"
expect_answer "$url/" "This is release v5."
expect_equal "$(wc -l <"$scratch/hung")" 2
is_gone() { [[ ! -e /proc/$1 ]]; }
while read -r pid; do
    expect_soon 5 is_gone "$pid"
done <"$scratch/hung"

# A failed release's, too: the status is still the release's.
hook failed 'exit 9'
expect_exit 0 ship set hooks.deployed=
cp "$scratch/hello/shipit.toml" "$scratch/whole.toml"
sed 's/^web = .*/web = "false"/' -i "$scratch/hello/shipit.toml"
deploy_another 3
expect_err "hooks.failed exited with status 9, ignoring"
expect_answer "$url/" "This is release v5."

# Calling shipit: the hook is of the app that it is told of, under whatever root, and may change it.
hook failed "$(printf '%q' "$SHIPIT_BIN") hold -m 'somebody look at this'
$(printf '%q' "$SHIPIT_BIN") releases >'$scratch/listed'"
deploy_another 3
grep -q '^ *v7 ' "$scratch/listed" || fail "the hook cannot list releases: $(cat "$scratch/listed")"
deploy_another 6
expect_err "somebody look at this"
expect_exit 0 ship hold --clear

# What it changes is a release of its own, and so is what it deploys elsewhere: supervisor and processes
# of the other app outlive the hook.
cp "$scratch/whole.toml" "$scratch/hello/shipit.toml"
hook deployed "set -e
[[ ! -e '$scratch/once' ]] || exit 0
touch '$scratch/once'
$(printf '%q' "$SHIPIT_BIN") config set NAME=Hook
$(printf '%q' "$SHIPIT_BIN") -a other deploy '$scratch/other'"
deploy_another 0
expect_not_in "warning: hooks"
expect_exit 0 ship status --json
expect_equal "$(json "$out" 'it["current"]')" v9
expect_answer "$url/" "Hello, Hook! This is release v9."
expect_exit 0 ship -a other ps --json
expect_equal "$(json "$out" '[(p["state"], p["release"], p["restarts"]) for p in it]')" "[('up', 'v1', 0)]"
