# `ssh host shipit deploy -` is as good as being there: progress and result reach the caller, so does
# the exit status, and a connection that drops, wherever that is, deploys the whole build or nothing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sshd.sh"
needs curl python3 tar

new_key admin
let_in admin
start_sshd "$(shipit_is_found)"
hello_is_live
greet() { sed -i "s/return \"[^\"]*, \"/return \"$1, \"/" "$scratch/hello/server.py"; }
tarred() { tar c -C "$scratch/${1:-hello}" .; }
from_tar() { tarred "$1" | over_ssh admin shipit -a hello "${@:2}"; }

# --- A pipe, a file: what is told where, and with which status ---

greet "Good morning"
expect_exit 0 from_tar hello deploy - -m "'Through a pipe'"
expect_err "-----> packing"
expect_err "-----> switching to v2"
expect_out "Deployed v2 to hello: Through a pipe"
expect_answer "$url" "Good morning, World! This is release v2."
expect_exit 0 ship info v2 --json
expect_equal "$(json "$out" 'it["user"]')" "$login"
expect_in "127.0.0.1" # where it came from

tarred >"$scratch/build.tar"
from_file() { over_ssh admin shipit deploy - --json <"$scratch/build.tar"; }
expect_exit 0 from_file # the only app there is
expect_equal "$(json "$out" 'it["changed"]')" False

a_copy_of crashes_at_start
expect_exit 3 from_tar crashes_at_start deploy -
expect_err "  why:  "
# One that is well until it is live.
a_copy_of hello sick
may_fall_sick "$scratch/sick"
(wait_until 20 is_live v4 && touch "$SHIPIT_ROOT/hello/releases/v4/sick") &
expect_exit 4 from_tar sick deploy -
expect_answer "$url" "Good morning, World!"
expect_exit 6 from_tar sick deploy - # held, as the bytes that failed
expect_exit 2 from_tar hello deploy - --forse
expect_err "did you mean '--force'?"
expect_exit 2 over_ssh admin shipit deploi
expect_exit 1 over_ssh admin shipit -a nothing releases

# --- The connection drops ---

newest() { ship releases --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["version"])'; }
nothing_is_staged() { [[ -z $(compgen -G "$SHIPIT_ROOT/hello/.build-*") ]]; }
something_is_staged() { ! nothing_is_staged; }
before=$(newest)
# Nothing has been deployed, nothing is left, and nobody is in the way of the next one.
nothing_came_of_it() {
    expect_soon 10 nothing_is_staged
    expect_soon 10 no_upload_runs
    expect_equal "$(newest)" "$before"
    expect_answer "$url" "Good morning, World!"
    expect_exit 0 ship status --json
    expect_equal "$(json "$out" 'it["locked_by"]')" None
}
uploads() { pgrep -f -x "(shipit|$scratch/bin/shipit) -a hello deploy -.*" || true; }
no_upload_runs() { [[ -z $(uploads) ]]; }

# A stream that ends where another entry could begin looks like a whole one to many readers of tars.
head -c 3000000 /dev/urandom >"$scratch/hello/big"
greet "Good evening"
tarred >"$scratch/build.tar"
boundaries() {
    python3 - "$scratch/build.tar" <<'END'
import sys, tarfile
for member in tarfile.open(sys.argv[1]):
    print(member.offset, member.offset_data + 100 if member.size > 200 else "")
END
}
cut_at() { head -c "$1" "$scratch/build.tar" | over_ssh admin shipit -a hello deploy -; }
for offset in $(boundaries) "$(($(stat -c %s "$scratch/build.tar") / 512 * 512 - 10240))"; do
    expect_exit 1 cut_at "$offset"
    expect_match "cut off|no archive|empty"
done
nothing_came_of_it

# sshd_above PID: sshd's child for the connection by which that process came.
sshd_above() {
    local pid=$1
    while [[ $(cat "/proc/$pid/comm") != sshd ]]; do pid=$(ps -o ppid= -p "$pid" | tr -d ' '); done
    echo "$pid"
}
# kill_while_uploading client|server: half of the build is on its way when one end of the line goes.
mkfifo "$scratch/line"
kill_while_uploading() {
    local code=0 upload
    ssh -F "$ssh_config" admin shipit -a hello deploy - <"$scratch/line" >"$scratch/upload.log" 2>&1 &
    upload=$!
    exec 5>"$scratch/line"
    head -c 1000000 "$scratch/build.tar" >&5
    expect_soon 20 something_is_staged
    if [[ $1 == client ]]; then
        kill -KILL "$upload"
    else
        kill -KILL "$(sshd_above "$(uploads | head -n 1)")"
    fi
    exec 5>&-
    wait "$upload" || code=$?
    ((code != 0)) || fail "a cut upload ended well"
    nothing_came_of_it
}
kill_while_uploading client
kill_while_uploading server

# Once all of it is there, the deploy goes on to its end without anybody listening.
hello_release_command "touch $scratch/begun; until [ -e $scratch/go_on ]; do sleep 0.05; done"
tarred >"$scratch/build.tar"
ssh -F "$ssh_config" admin shipit -a hello deploy - <"$scratch/build.tar" >"$scratch/upload.log" 2>&1 &
upload=$!
expect_soon 20 test -e "$scratch/begun"
kill -KILL "$upload"
wait "$upload" || true
touch "$scratch/go_on"
expect_soon 20 answers "$url" "Good evening, World!"
expect_soon 20 no_upload_runs

# And the next one works as ever.
sed -i '/^\[release\]/,$d' "$scratch/hello/shipit.toml"
greet "Good night"
expect_exit 0 from_tar hello deploy -
expect_answer "$url" "Good night, World!"
