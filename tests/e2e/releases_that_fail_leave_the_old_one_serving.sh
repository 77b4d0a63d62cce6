# However a new release fails, the old one serves, the exit status is 3, and why is told and kept.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live

# fails_for APP REASON: deploying it is refused, for that reason.
fails_for() {
    a_copy_of "$1"
    expect_exit 3 ship deploy "$scratch/$1" -m "$1"
    expect_in "$2"
    expect_in "v1"
    expect_answer "$url" "This is release v1."
    expect_equal "$(readlink "$SHIPIT_ROOT/hello/current")" "releases/v1"
}
fails_for crashes_at_start "no database to talk to"
fails_for never_ready "2s"
fails_for answers_500 "500"

hello_release_command 'echo "cannot migrate"; exit 7'
expect_exit 3 ship deploy "$scratch/hello" -m "No migration"
expect_in "cannot migrate"
expect_in "7"
expect_answer "$url" "This is release v1."
expect_exit 0 ship output v5
expect_out "cannot migrate"

sed -i 's/^command = "bash release.sh"/command = ".\/not-there"/' "$scratch/hello/shipit.toml"
expect_exit 3 ship deploy "$scratch/hello" -m "No command"
expect_err "the release command could not be started: cannot execute './not-there': No such file or directory"
expect_answer "$url" "This is release v1."

expect_exit 0 ship releases
expect_match "v5 .*No migration.*failed"
expect_match "v2 .*crashes_at_start.*failed"
expect_exit 0 ship releases --json
expect_equal "$(json "$out" '[r["status"] for r in it]')" \
    "['failed', 'failed', 'failed', 'failed', 'failed', 'succeeded']"

# Nothing to go back to: the failed ones were never good.
expect_exit 1 ship rollback
expect_exit 1 ship rollback v3
expect_answer "$url" "This is release v1."

# Files alone need nothing that runs: they are served still when a release with processes fails.
mkdir "$scratch/files"
echo page >"$scratch/files/page"
expect_exit 0 ship create files
expect_exit 0 ship -a files deploy "$scratch/files"
printf '[processes]\nweb = "false"\n' >"$scratch/files/shipit.toml"
expect_exit 3 ship -a files deploy "$scratch/files"
expect_err "v1 still serves"
expect_equal "$(cat "$SHIPIT_ROOT/files/current/page")" page

# The first one of an app, which fails when it is live: nothing is there to go back to, and why it failed is told.
a_copy_of hello first
may_fall_sick "$scratch/first"
reserve_port
expect_exit 0 ship create first
expect_exit 0 ship -a first set "app.port=$port"
{ wait_until 30 test -L "$SHIPIT_ROOT/first/current" && touch "$SHIPIT_ROOT/first/releases/v1/sick"; } &
expect_exit 8 ship -a first deploy "$scratch/first"
wait
expect_match "503.*; it stays live, since there is no release before v1 to go back to"

# One that fails when it is live, and whose rollback fails as well: the one before serves, though it is not live, and all
# who look at the app are told, until somebody has gone back.
export SHIPIT_APP=hello
echo "[[ ! -e $scratch/no-database ]]" >"$scratch/hello/release.sh"
sed -i 's/^command = ".\/not-there"/command = "bash release.sh"/' "$scratch/hello/shipit.toml"
expect_exit 0 ship deploy "$scratch/hello"
expect_answer "$url" "This is release v7."
may_fall_sick "$scratch/hello"
when_live() { grep -qs 'Z live$' "$SHIPIT_ROOT/hello/releases/v8.log"; }
{ wait_until 30 when_live && touch "$scratch/no-database" "$SHIPIT_ROOT/hello/releases/v8/sick"; } &
expect_exit 8 ship deploy "$scratch/hello"
wait
expect_match "v8 went live and failed within its watch window: .*503"
expect_err "it could not be rolled back: the release command exited with status 1; v7 gets the requests for now"
expect_err "shipit -a hello output v9; then: shipit -a hello rollback"
expect_answer "$url" "This is release v7."
expect_exit 0 ship status
expect_out "v8, which is live, failed within its watch window and is not rolled back: v7 gets the requests for now"
expect_out "shipit -a hello rollback"
expect_exit 0 ship status --json
expect_equal "$(json "$out" 'it["current"], it["serving_instead"]')" "('v8', 'v7')"
expect_exit 1 ship doctor
expect_match "problem .*v8, which is live, failed within its watch window"
rm "$scratch/no-database"
expect_exit 0 ship rollback
expect_out "Rolled back hello to v7 as v10"
expect_exit 0 ship status --json
expect_equal "$(json "$out" 'it["state"], it.get("serving_instead")')" "('up', None)"
