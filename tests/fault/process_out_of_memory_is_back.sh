# The kernel ends a web process that takes more memory than its control group may have: it is back, and
# it is said how it ended.
. "$(dirname "$0")/../e2e/lib.sh"
needs curl python3
[[ $(id -u) == 0 ]] || skip "only root can make a control group"
group=
for folder in /sys/fs/cgroup/memory /sys/fs/cgroup; do
    [[ -e $folder/memory.limit_in_bytes || " $(cat "$folder/cgroup.subtree_control" 2>/dev/null) " == *" memory "* ]] || continue
    group=$folder/shipit-test-$$
    break
done
if [[ -z $group ]] || ! mkdir "$group" 2>/dev/null; then
    skip "there is no control group for memory here"
fi
take_group_away() {
    local status=$? pid
    set +e
    while read -r pid; do echo "$pid" >"$folder/cgroup.procs"; done <"$group/cgroup.procs"
    rmdir "$group"
    (exit "$status") # as clean_up finds it
    clean_up
}
trap take_group_away EXIT
limit=$((64 << 20))
if [[ -e $group/memory.max ]]; then
    echo "$limit" >"$group/memory.max"
    echo 0 >"$group/memory.swap.max" 2>/dev/null || true
else
    echo "$limit" >"$group/memory.limit_in_bytes"
fi
a_copy_of hello
python3 - "$scratch/hello/server.py" <<'END'
import sys
text = open(sys.argv[1]).read()
text = text.replace('    if path == "/pid":', '    if path == "/eat":\n        global eaten\n'
                    '        eaten = bytearray(b"x" * (256 << 20))\n    if path == "/pid":')
open(sys.argv[1], "w").write(text)
END
reserve_port
url=http://127.0.0.1:$port/
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship deploy "$scratch/hello"
pid=$(page "${url}pid")
echo "$pid" >"$group/cgroup.procs"
page "${url}eat" >"$scratch/eaten" || true
is_another() { [[ $(page "${url}pid") =~ ^[0-9]+$ && $(page "${url}pid") != "$pid" ]]; }
expect_soon 10 is_another
expect_exit 0 ship ps --json
expect_match 'was killed by SIGKILL'
expect_answer "$url" "This is release v1."
