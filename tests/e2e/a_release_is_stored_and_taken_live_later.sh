# `deploy --no-activate` stores and records a release, and leaves alone what is live; `activate` takes it
# live as a step forward: nothing is marked as bad, and `rollback` goes back to what was live before.
. "$(dirname "$0")/lib.sh"
needs curl

reserve_port
url=http://127.0.0.1:$port/
a_copy_of hello
# shellcheck disable=SC2016 # for shells of shipit's
hello_release_command 'echo "    migrating for $SHIPIT_RELEASE"'
greet() { sed -i -E "s/return \"[^\"]*, \"/return \"$1, \"/" "$scratch/hello/server.py"; }
fact() { ship info "$1" --json >"$scratch/fact" && json "$scratch/fact" "$2"; }
# shellcheck disable=SC2016
hook() { printf 'echo "$SHIPIT_EVENT $SHIPIT_RELEASE" >>%s' "$scratch/hooked"; }
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port" "hooks.deployed=$(hook)" "hooks.rolled_back=$(hook)" "hooks.failed=$(hook)"

# --- The first of an app that never ran ---

expect_exit 0 ship deploy --no-activate "$scratch/hello" -m "First version"
expect_out "Stored v1 of hello, which is not live: First version"
expect_err "to take it live: shipit -a hello activate v1"
expect_exit 0 ship releases
expect_match 'v1 +First version \(never live\)'
expect_exit 0 ship status
expect_match 'state: +nothing deployed'
expect_match 'stored: +v1 First version, never live; to take it live: shipit -a hello activate v1'
[[ ! -e $SHIPIT_ROOT/hello/current && ! -e $scratch/hooked ]] || fail "something went live"
expect_exit 0 ship output v1
expect_out "stored; it is not live"
expect_match 'ended with exit status 0: v1 is stored$'
expect_not_in "migrating"
expect_exit 1 ship activate v1 --trial 10m
expect_err "nothing of 'hello' is live that a trial could go back to"
expect_exit 1 ship rollback
expect_err "nothing of 'hello' is live"
expect_exit 0 ship activate v1
expect_out "Activated v1 of hello as v2: Activate v1: First version"
expect_err "v2 is live and good"
expect_match "^ {11}migrating for v2$" # indented as it was
expect_answer "$url" "Hello, World! This is release v2."
expect_exit 0 ship output
expect_out "migrating for v2"
expect_equal "$(cat "$scratch/hooked")" "deployed v2"

# --- Beside what is live ---

expect_exit 0 ship deploy --no-activate "$scratch/hello"
expect_out "Nothing changed: slug"
expect_exit 0 ship --json deploy --no-activate "$scratch/hello"
expect_equal "$(json "$out" 'it["changed"], it["release"], it["stored"]')" "(False, None, None)"
for options in "" --no-activate; do
    # shellcheck disable=SC2086
    expect_exit 0 ship deploy --dry-run $options "$scratch/hello"
    expect_match "^Nothing would change: slug [0-9a-f]+ with these config vars is live already$"
    # shellcheck disable=SC2086
    expect_exit 0 ship --json deploy --dry-run $options "$scratch/hello"
    expect_equal "$(json "$out" 'it["would_change"], it["changed"]')" "(False, False)"
done
greet "Good morning"
expect_exit 0 ship --json deploy --dry-run "$scratch/hello"
expect_equal "$(json "$out" 'it["would_change"], it["changed"]')" "(True, False)"
expect_exit 0 ship deploy --no-activate --dry-run "$scratch/hello"
expect_out "Would store slug"
expect_exit 0 ship --json deploy --no-activate "$scratch/hello" -m "Second version"
expect_equal "$(json "$out" 'it["changed"], it["release"], it["previous"], it["good"], it["stored"], it["activate"]')" \
    "(True, 'v3', 'v2', False, 'v3', 'shipit -a hello activate v3')"
expect_answer "$url" "Hello, World! This is release v2."
expect_exit 0 ship deploy --no-activate "$scratch/hello" -m "The same from CI, once more"
expect_out "is stored already, as v3, which is not live"
expect_err "activate v3"
expect_exit 0 ship deploy --no-activate --dry-run "$scratch/hello"
expect_out "Nothing would change: slug"
expect_out "is stored already, as v3, which is not live"
expect_equal "$(fact v3 'it["status"], it["stored"], it["live_at"], it["current"], it["good"], it["bad"]')" \
    "('succeeded', True, None, False, False, False)"
expect_exit 0 ship info v3
expect_match 'Change: +Second version \(never live\)'
expect_match 'Live: +never; to take it live: shipit -a hello activate v3'
expect_exit 0 ship why v3
expect_out "v3 can be rolled back to, but it was never live"
expect_exit 1 ship bless v3
expect_err "v3 never went live"
expect_exit 0 ship events -n 1
expect_match 'store v3 by .*: done: Second version'
expect_exit 1 ship rollback # there is nothing that was live before
expect_err "there is no release before v2 to go back to"
expect_answer "$url" "Hello, World! This is release v2."

# With the config vars of today, which is what a deploy would do.
expect_exit 0 ship config set NAME=Ada
expect_exit 0 ship activate v3 --trial 10m
expect_err "with today's config vars, of which NAME has changed since v3 was stored"
expect_out "Activated v3 of hello as v5: Activate v3: Second version"
expect_err "on trial until"
expect_answer "$url" "Good morning, Ada! This is release v5."
expect_exit 0 ship bless
expect_equal "$(fact v5 'it["activation_of"], it["rollback_of"], it["stored"]')" "('v3', None, False)"
expect_equal "$(fact v4 'it["bad"]')" False
for release in v3 v5; do
    expect_exit 0 ship activate "$release"
    expect_out "$release is live already"
done
expect_exit 0 ship activate v3
expect_out "v3 is live already, as v5"
expect_exit 0 env LC_ALL=C "$SHIPIT_BIN" releases --graph
expect_match '^\* +v5 +Activate v3: Second version +good'
expect_match '^\+-\| +v3 +Second version \(never live\)'
expect_not_in "rolled back by"
expect_exit 0 ship status
expect_not_in "stored:"
expect_match 'activate +v5'
expect_exit 1 ship rollback --undo
expect_err "no rollback led to it"
expect_exit 0 ship report -o "$scratch/report.html"
grep -qF "never live" "$scratch/report.html" || fail "the report does not say what was never live"

# Back, and forward again: what was gone back from is held.
expect_exit 0 ship rollback
expect_answer "$url" "Hello, Ada! This is release v6."
expect_equal "$(fact v5 'it["bad"]')" True
expect_exit 6 ship activate v3
expect_err "this build is held by"
expect_err "activate --force v3"
expect_exit 0 ship activate v3 --force -m "It was the network"
expect_out "as v7: Activate v3: It was the network"
expect_answer "$url" "Good morning, Ada! This is release v7."
expect_exit 0 ship hold
expect_not_in "this build"

# --- Holds, marks, and what cannot be undone ---

greet "Good day"
expect_exit 0 ship hold -m "not on Fridays"
expect_exit 6 ship deploy "$scratch/hello"
expect_exit 0 ship deploy --no-activate "$scratch/hello" -m "Third version"
expect_err "'hello' is held by"
expect_err "it is stored all the same"
expect_exit 6 ship activate v8
expect_err "not on Fridays"
expect_exit 0 ship hold --clear
expect_exit 0 ship mark-bad v8 -m "wrong branch"
expect_exit 6 ship activate v8
expect_err "v8 is marked bad by"
expect_err "wrong branch"
expect_exit 0 ship deploy --no-activate "$scratch/hello"
expect_err "this build is held"
expect_exit 0 ship activate v8 --force --no-wait
expect_answer "$url" "Good day, Ada! This is release v10."
expect_equal "$(fact v8 'it["bad"]')" False
greet "Good evening"
expect_exit 0 ship deploy --no-activate "$scratch/hello" -m "From before"
sed -i 's/^command = "bash release.sh"/&\nirreversible = true/' "$scratch/hello/shipit.toml"
expect_exit 0 ship deploy --no-activate "$scratch/hello" -m "Drops a column"
expect_equal "$(fact v12 'it["irreversible"]')" False # it has dropped nothing yet
expect_exit 0 ship activate v12
expect_equal "$(fact v13 'it["irreversible"]')" True
expect_exit 6 ship activate v11
expect_err "v11 is from before v13, which cannot be undone"
expect_exit 0 ship activate v11 --force

# --- What is wrong ---

expect_exit 1 ship activate v99
expect_err "there is no release v99 of 'hello'"
expect_err "the nearest is v14, the newest"
expect_exit 2 ship activate
expect_exit 2 ship activate v1 v2
expect_exit 2 ship activate new
expect_exit 2 ship deploy --no-activate --no-wait "$scratch/hello"
expect_err "what does not go live is not waited for"
expect_exit 2 ship deploy --no-activate --trial 10m "$scratch/hello"
expect_err "a trial begins when a release goes live"
expect_exit 1 ship deploy --no-activate "$scratch/hello/server.py"
expect_err "no archive"
sed -i '/irreversible/d; s/^path = .*/path = 7/' "$scratch/hello/shipit.toml"
expect_exit 2 ship deploy --no-activate "$scratch/hello" # its settings are looked at
sed -i 's/^path = .*/path = "\/healthz"/' "$scratch/hello/shipit.toml"

# One whose release command fails, one that is not healthy, one that fails in its watch: each stays stored,
# and what is live goes on.
broken() { # broken STATUS SCRIPT-FOR-THE-RELEASE-COMMAND SED-FOR-THE-SERVER [FILE, there when it is live]
    printf '%s\n' "$2" >"$scratch/hello/release.sh"
    cp "$tests/apps/hello/server.py" "$scratch/hello/server.py"
    sed -i "$3" "$scratch/hello/server.py"
    expect_exit 0 ship deploy --no-activate "$scratch/hello" -m "Broken $1"
    stored=$(json <(ship releases --json -n 1) 'it[0]["version"]')
    activated=v$((${stored#v} + 1))
    [[ -z ${4:-} ]] || { wait_until 30 is_live "$activated" && touch "$SHIPIT_ROOT/hello/releases/$activated/$4"; } &
    expect_exit "$1" ship activate "$stored"
    expect_equal "$(fact "$stored" 'it["stored"], it["bad"]')" "(True, False)"
    expect_answer "$url" "Good evening, Ada! This is release v"
}
expect_exit 0 ship set health.timeout=500ms
broken 3 "exit 1" ""
failed=$activated
expect_exit 0 ship --json status
expect_equal "$(json "$out" 'it["stored"]')" "$stored"
expect_exit 1 ship activate "$failed"
expect_err "$failed cannot be taken live: failed"
broken 3 "exit 0" 's/def greeting/def greting/'
expect_exit 3 ship activate "$stored" # once more
expect_exit 0 ship set health.timeout= health.watch=20s
broken 4 "exit 0" 's|^    if path == "/healthz":|    if path == "/healthz" and os.path.exists("sick"):\n        return 503, "sick"\n&|' sick
expect_exit 0 ship releases -n 1
expect_out "Automatic rollback to v14"

# The slug is gone, or damaged.
id=$(fact "$stored" 'it["slug"]["id"]')
slug=$SHIPIT_ROOT/hello/releases/$id.tar.zst
expect_exit 0 ship hold --clear
cp "$slug" "$scratch/whole"
truncate -s -1 "$slug"
expect_exit 7 ship activate "$stored"
rm "$slug"
expect_exit 1 ship activate "$stored"
expect_err "$stored cannot be taken live: its slug is missing"
cp "$scratch/whole" "$slug"

# Files only.
mkdir "$scratch/pages"
echo one >"$scratch/pages/page"
expect_exit 0 ship create pages
expect_exit 0 ship -a pages deploy --no-activate "$scratch/pages"
expect_exit 0 ship -a pages activate v1
expect_exit 2 ship -a pages activate v1 --trial soon
expect_equal "$(cat "$SHIPIT_ROOT/pages/current/page")" one

# What is live itself, where it is stopped or has other config vars than are set now; then no more.
is_live_and_not_stopped() { # RELEASE
    expect_exit 0 ship -a pages status --json
    expect_equal "$(json "$out" 'it["current"], it["state"]')" "('$1', 'files only')"
    expect_exit 0 ship -a pages activate "$1"
    expect_out "$1 is live already"
}
is_live_and_not_stopped v2
expect_exit 0 ship -a pages stop
expect_exit 0 ship -a pages activate v2
is_live_and_not_stopped v3
expect_exit 0 ship -a pages config set --no-restart COLOUR=blue
expect_exit 0 ship -a pages activate v3
is_live_and_not_stopped v4
expect_exit 0 ship -a pages info v4
expect_out "COLOUR"
expect_no_leftovers
