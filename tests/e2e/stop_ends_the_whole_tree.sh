# Stopping an app ends all that it started, even what ignores SIGTERM and made a session of its own.
. "$(dirname "$0")/lib.sh"

a_copy_of ignores_sigterm
expect_exit 0 ship create stubborn
expect_exit 0 ship deploy "$scratch/ignores_sigterm"
expect_exit 0 ship ps
expect_in "stubborn.1"

of_the_app() { leftovers | xargs -r ps -o args= -p | grep -v supervise | grep -c "stubborn\|sleep 1000"; }
expect_match "stubborn\.1.*up"
all_of_the_app() { [[ $(of_the_app) == 4 ]]; } # two shells and their sleeps
expect_soon 10 all_of_the_app

expect_exit 0 ship stop
none_of_the_app() { [[ $(of_the_app || true) == 0 ]]; }
expect_soon 5 none_of_the_app
expect_exit 0 ship ps
expect_not_in "up"

expect_exit 0 ship start
expect_exit 0 ship ps
expect_match "stubborn\.1.*up"
expect_exit 0 ship destroy stubborn --confirm stubborn
expect_soon 5 nothing_left
[[ ! -e $SHIPIT_ROOT/stubborn ]] || fail "destroy left a folder"
