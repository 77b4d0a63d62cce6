# The kernel has made the disk read-only, as it does after an error: commands say so by name, what only
# looks still does, the app goes on and its processes are restarted; afterwards all goes on.
. "$(dirname "$0")/disk.sh"
needs curl python3
disk_at_root ext4 40M
hello_is_live
url=http://127.0.0.1:$port/
is_another() { [[ $(page "${url}pid") != "$1" ]]; }
device=$(basename "$(findmnt -no SOURCE "$disk")")
{ echo 1 >"/sys/fs/ext4/$device/trigger_fs_error"; } 2>"$err" || skip "no error of ext4 can be feigned here"

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

# A host that is booted, its disk mended.
for pid in $(pgrep -f "$SHIPIT_ROOT supervise hello") $(page "${url}pid"); do kill -KILL "$pid"; done
is_free() { umount "$disk"; }
expect_soon 10 is_free
mount_disk
expect_exit 0 ship start
expect_soon 10 answers "$url" "This is release v1."
expect_exit 0 ship config set NAME=Ada
expect_answer "$url" "Hello, Ada! This is release v2."
expect_no_leftovers
