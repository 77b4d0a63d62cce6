# `./install.sh --demo`, from the point where the program is built: the story's outcomes, and no trace.
. "$(dirname "$0")/lib.sh"
needs curl

reserve_port
export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"
expect_exit 0 bash "$tests/demo.sh" "$SHIPIT_BIN" "$port"
expect_out '$ shipit deploy'
expect_out "(exit status 3)"
expect_out "Rollback to v1"
expect_out "Hello, Ada! This is release v1."
expect_out "Good morning, Grace! This is release v3."
expect_out "Hello, Ada! This is release v4."
expect_equal "$(ls -A "$TMPDIR")" ""
expect_soon 5 nothing_left

# ^C in the middle of it.
set -m # a process group of its own, as on a terminal
bash "$tests/demo.sh" "$SHIPIT_BIN" "$port" >"$scratch/interrupted.log" 2>&1 </dev/null &
demo=$!
set +m
expect_soon 60 grep -q "This is release v1" "$scratch/interrupted.log"
kill -INT -- "-$demo"
wait "$demo" && fail "the interrupted demo says that all went well"
expect_equal "$(ls -A "$TMPDIR")" ""
expect_soon 5 nothing_left
