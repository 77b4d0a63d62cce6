# Two deploys at once: the second says who holds the lock and since when, and exits 5; with --wait
# it waits its turn.
. "$(dirname "$0")/lib.sh"
needs curl flock

hello_is_live
hello_release_command "
touch $scratch/begun
until [ -e $scratch/go_on ]; do sleep 0.05; done"

ship deploy "$scratch/hello" -m "Slow" >"$scratch/slow.log" 2>&1 </dev/null &
slow=$!
expect_soon 30 test -e "$scratch/begun"

year=$(date -u +%Y-)
expect_exit 5 ship deploy "$scratch/hello" -m "Impatient"
expect_in "$(id -un)"
expect_in "deploy"
expect_in "since $year"
expect_err "'hello' is locked by "
expect_exit 5 ship config set "COLOUR=red"
expect_exit 5 ship rollback
expect_exit 5 ship deploy "$scratch/hello" --wait=1s

# Looking needs no lock.
expect_exit 0 ship releases
expect_in "v2"
expect_answer "http://127.0.0.1:$port/" "This is release v1."

a_copy_of hello another
sed -i "s/Hello/Good morning/" "$scratch/another/server.py"
ship deploy "$scratch/another" -m "Patient" --wait=60s >"$scratch/patient.log" 2>&1 </dev/null &
patient=$!
expect_soon 30 grep -q "wait" "$scratch/patient.log"
touch "$scratch/go_on"
wait "$slow" || fail "the slow deploy failed: $(cat "$scratch/slow.log")"
wait "$patient" || fail "the patient deploy failed: $(cat "$scratch/patient.log")"

expect_exit 0 ship releases
expect_match "v2 .*Slow"
expect_match "v3 .*Patient"
expect_not_in "Impatient"
expect_answer "http://127.0.0.1:$port/" "This is release v3."

# How long a change took says nothing of how long it had to wait.
exec 9>>"$SHIPIT_ROOT/hello/lock"
flock 9
ship --json config set COLOUR=red --no-wait --wait=60s >"$scratch/waited" 2>"$scratch/waiting.log" </dev/null 9>&- &
waiting=$!
expect_soon 30 grep -q "waiting for" "$scratch/waiting.log"
expect_exit 5 ship deploy "$scratch/hello" --wait=3s
free_at=${EPOCHREALTIME/./}
flock -u 9
wait "$waiting" || fail "the change failed: $(cat "$scratch/waiting.log")"
took=$(((${EPOCHREALTIME/./} - free_at) / 1000))
(($(json "$scratch/waited" 'it["took_ms"]') <= took)) ||
    fail "it counts its waiting: $(cat "$scratch/waited"), in $took ms"
