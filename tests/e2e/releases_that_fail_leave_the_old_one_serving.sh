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
