# `logs -f` goes on from one release to the next and through rotations, and through supervisors; --release
# shows one release's alone.
. "$(dirname "$0")/lib.sh"

mkdir "$scratch/ticker"
# shellcheck disable=SC2016 # the app's shell expands it
printf '[health]\nwatch = "1s"\n\n[processes]\nticker = "echo tick of $SHIPIT_RELEASE; exec sleep 1000"\n' >"$scratch/ticker/shipit.toml"
expect_exit 0 ship create ticker
expect_exit 0 ship -a ticker deploy "$scratch/ticker"

"$SHIPIT_BIN" -a ticker logs -f >"$scratch/followed" &
follower=$!
has_followed() { grep -qF -e "$1" "$scratch/followed"; }
expect_soon 10 has_followed "v1 ticker.1 tick of v1"
echo 2 >"$scratch/ticker/build"
expect_exit 0 ship -a ticker deploy "$scratch/ticker"
expect_soon 10 has_followed "v2 ticker.1 tick of v2"

# Enough for several rotations, which the follower may not fall behind by.
# shellcheck disable=SC2016 # the app's shell expands it
printf '[health]\nwatch = "1s"\n\n[processes]\nticker = "seq -f \\"number %%.0f\\" 700000; echo tick of $SHIPIT_RELEASE; exec sleep 1000"\n' >"$scratch/ticker/shipit.toml"
expect_exit 0 ship -a ticker deploy "$scratch/ticker"
expect_soon 60 has_followed "v3 ticker.1 tick of v3"
[[ -e $SHIPIT_ROOT/ticker/log/app.log.2 ]] || fail "the log was not rotated"
numbers=$(grep -c ' number ' "$scratch/followed")
expect_equal "$numbers" 700000 "a number was lost or came twice"

expect_exit 0 ship -a ticker logs --release v2
expect_out "tick of v2"
expect_not_in "tick of v1"
expect_not_in "tick of v3"

kill_for_good "$(pgrep -f "$SHIPIT_ROOT supervise ticker")"
expect_exit 0 ship -a ticker restart
ticks() { grep -c "v3 ticker.1 tick of v3" "$scratch/followed"; }
has_ticked_twice() { [[ $(ticks) == 2 ]]; }
expect_soon 60 has_ticked_twice
kill "$follower"
