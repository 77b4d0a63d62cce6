# The kernel has made the disk read-only, as it does after an error: commands say so by name, what only
# looks still does, the app goes on and its processes are restarted; afterwards all goes on.
. "$(dirname "$0")/disk.sh"
needs curl python3
disk_at_root ext4 40M
hello_is_live
url=http://127.0.0.1:$port/
pid_of() { ship ps --json >"$scratch/ps" && json "$scratch/ps" 'it[0]["pid"]'; }
is_another() { [[ $(page "${url}pid") != "$1" ]]; }
mount -o remount,ro "$disk" 2>"$err" || skip "the disk cannot be made read-only while it is in use: $(cat "$err")"

for command in "config set NAME=Ada" "deploy $scratch/hello" "set health.timeout=9s" "pin v1" "prune" "rollback v1"; do
    code=0
    # shellcheck disable=SC2086
    ship $command --json >"$out" 2>"$err" </dev/null || code=$?
    [[ $code == 1 ]] || fail "$command gave $code: $(cat "$err")"
    json "$out" 'it["error"]["why"]' >/dev/null || fail "this is no JSON: $(cat "$out")"
    expect_err "Read-only file system"
done
for command in releases status ps info config events "output v1" verify; do
    # shellcheck disable=SC2086
    expect_exit 0 ship $command
done
expect_answer "$url" "This is release v1."
pid=$(page "${url}pid")
kill -KILL "$pid"
expect_soon 10 is_another "$pid"
expect_soon 10 answers "$url" "This is release v1."

mount -o remount,rw "$disk"
expect_exit 0 ship config set NAME=Ada
expect_answer "$url" "Hello, Ada! This is release v2."
