# Pushes over OpenSSH, cut at any moment: the client is killed, ssh, sshd's child. Afterwards the old or
# the new release is live and whole, and the next push works, without sending again what has arrived.
# A deploy that has begun goes on, and the same push joins it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sshd.sh"
needs curl python3

new_key laptop
let_in laptop
start_sshd "$(shipit_is_found)"
reserve_port
url=http://127.0.0.1:$port/
a_copy_of hello
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port"

# ssh, but after $scratch/limit bytes from the client it waits for $scratch/go_on.
cat >"$scratch/bin/ssh" <<END
#!/usr/bin/env python3
import os, subprocess, sys, threading, time
limit = int(open("$scratch/limit").read())
ssh = subprocess.Popen(["$(command -v ssh)", "-F", "$ssh_config", *sys.argv[1:]], stdin=subprocess.PIPE, bufsize=0)
open("$scratch/ssh.pid", "w").write(str(ssh.pid))
def carry():
    passed = 0
    try:
        while data := os.read(0, min(65536, limit - passed) if passed < limit else 65536):
            passed += ssh.stdin.write(data)
            if passed == limit:
                open("$scratch/paused", "w").close()
                while not os.path.exists("$scratch/go_on"):
                    time.sleep(0.01)
        ssh.stdin.close()
    except BrokenPipeError:
        pass
threading.Thread(target=carry, daemon=True).start()
os._exit(ssh.wait() & 255)
END
chmod +x "$scratch/bin/ssh"
export SHIPIT_SSH=$scratch/bin/ssh
push_again() { SHIPIT_ROOT=$scratch/nowhere "$SHIPIT_BIN" push laptop:hello "$scratch/hello" --no-wait --json "$@"; }
push() { push_again --retries 0 "$@"; }
sent() { json "$out" 'it["traffic"]["sent"]'; }
releases() { ship releases --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }
echo 1000000000 >"$scratch/limit"
touch "$scratch/go_on"

# --- Three releases ---
for i in 1 2 3; do
    head -c 9000000 /dev/urandom >"$scratch/hello/big"
    expect_exit 0 push
    expect_answer "$url" "This is release v$i."
done

# --- Cut while it is on its way ---
sshd_child() { # of the connection of a session's shipit, which is below it; of one whose connection has gone, nothing
    local pid=$1
    while [[ -n $pid ]] && ((pid > 1)); do
        [[ $(ps -o comm= -p "$pid") != sshd* ]] || { echo "$pid" && return; }
        pid=$(ps -o ppid= -p "$pid" | tr -d ' ') || true # it has just ended
    done
}
receivers() { # of this scenario: others that run beside it receive for a 'hello', too
    local pid
    for pid in $(pgrep -f -x "(shipit|$scratch/bin/shipit) receive hello"); do
        ! grep -qsF "SHIPIT_ROOT=$SHIPIT_ROOT" "/proc/$pid/environ" || echo "$pid"
    done
}
no_receiver() { [[ -z $(receivers) ]]; }
connections() {
    local pid
    for pid in $(receivers); do sshd_child "$pid"; done
}
some_connection() { [[ -n $(connections) ]]; }
live=3
a_piece_arrived() { [[ -n $(find "$SHIPIT_ROOT/hello/push" -type f ! -name '.*' -size +4095k -newer "$scratch/hello/big") ]]; }
# cut WHO LIMIT: the push of a new build is cut when so many bytes have passed.
cut() {
    local client
    head -c 9000000 /dev/urandom >"$scratch/hello/big"
    echo "$2" >"$scratch/limit"
    rm -f "$scratch/paused" "$scratch/go_on"
    push >"$scratch/client.log" 2>&1 &
    client=$!
    expect_soon 20 test -e "$scratch/paused"
    # What has passed may still be on its way within sshd, which is killed, too.
    (($2 < 4300000)) || expect_soon 20 a_piece_arrived
    case $1 in
    client) kill -KILL "$(pgrep -P "$client" -x shipit || echo "$client")" ;;
    ssh) kill -KILL "$(cat "$scratch/ssh.pid")" ;;
    sshd)
        expect_soon 10 some_connection
        kill -KILL "$(connections | head -n 1)"
        ;;
    esac
    touch "$scratch/go_on"
    ! wait "$client" || fail "a push that was cut ended well"
    expect_soon 10 no_receiver
    expect_answer "$url" "This is release v$live."
    echo 1000000000 >"$scratch/limit"
}
# What has arrived is not sent again: pieces have 4 MiB.
next_works() {
    expect_exit 0 ship verify --trees # what is live is whole
    expect_exit 0 push
    (($(sent) < 9000000 + 20000 - $1)) || fail "$(sent) bytes were sent, though $1 had arrived"
    live=$((live + 1))
    expect_answer "$url" "This is release v$live."
}
for limit in 1 14 100 400 2000 100000 4000000 4300000 8000000 8500000; do
    cut client "$limit"
done
next_works 8388608
for who in ssh sshd; do
    for limit in 14 4500000; do
        cut "$who" "$limit"
    done
    next_works 4194304
done
expect_equal "$(releases)" "$live"

# --- Cut when all has arrived: the deploy goes on, and the same push is told how it ended ---
hello_release_command "touch $scratch/begun; until [ -e $scratch/finish ]; do sleep 0.02; done"
push -m "Joined" >"$scratch/client.log" 2>&1 &
client=$!
expect_soon 20 test -e "$scratch/begun"
kill -KILL "$(connections | head -n 1)"
! wait "$client" || fail "a push without its connection ended well"
grep -qF "the deploy goes on there: the same command again joins it" "$scratch/client.log" ||
    fail "it does not say that the deploy goes on: $(cat "$scratch/client.log")"
finish() { expect_soon 10 grep -qF "joining" "$scratch/again.log" && touch "$scratch/finish"; }
push -m "Joined" >"$out" 2>"$scratch/again.log" &
client=$!
finish
wait "$client" || fail "the push that joined failed: $(cat "$scratch/again.log")"
live=$((live + 1))
expect_equal "$(json "$out" 'it["release"], it["description"]')" "('v$live', 'Joined')"
expect_answer "$url" "This is release v$live."
expect_equal "$(releases)" "$live"

# --- And when it has ended meanwhile: the same ---
rm "$scratch/begun" "$scratch/finish"
echo "# once more" >>"$scratch/hello/server.py"
push -m "Ended" >"$scratch/client.log" 2>&1 &
client=$!
expect_soon 20 test -e "$scratch/begun"
kill -KILL "$(pgrep -P "$client" -x shipit || echo "$client")"
! wait "$client" || fail "a push that was killed ended well"
touch "$scratch/finish"
live=$((live + 1))
expect_soon 20 answers "$url" "This is release v$live."
expect_soon 10 no_receiver
expect_exit 0 push -m "Ended"
expect_err "joining"
expect_equal "$(json "$out" 'it["release"], it["description"]')" "('v$live', 'Ended')"
expect_exit 0 push -m "Ended"
expect_equal "$(json "$out" 'it["changed"]')" False
expect_equal "$(releases)" "$live"

# --- Without being told again: a lost connection is made anew, and the push goes on ---
head -c 9000000 /dev/urandom >"$scratch/hello/big"
echo 4500000 >"$scratch/limit"
rm -f "$scratch/paused" "$scratch/go_on"
push_again -m "Kept on" >"$out" 2>"$scratch/again.log" &
client=$!
expect_soon 20 test -e "$scratch/paused"
expect_soon 20 a_piece_arrived
kill -KILL "$(connections | head -n 1)"
touch "$scratch/go_on"
wait "$client" || fail "it did not go on: $(cat "$scratch/again.log")"
grep -qF "connecting again in 1s (1 of 5)" "$scratch/again.log" || fail "it does not say so: $(cat "$scratch/again.log")"
live=$((live + 1))
expect_equal "$(json "$out" 'it["release"], it["description"]')" "('v$live', 'Kept on')"
(($(sent) < 9000000 + 4500000)) || fail "$(sent) bytes were sent: what had arrived again, too"
echo 1000000000 >"$scratch/limit"

# --- And a deploy that has begun is joined, whatever has become of the build since ---
rm -f "$scratch/begun" "$scratch/finish"
echo "# and again" >>"$scratch/hello/server.py"
push_again -m "Joined at once" >"$out" 2>"$scratch/again.log" &
client=$!
expect_soon 20 test -e "$scratch/begun"
echo "# for the next push" >>"$scratch/hello/server.py"
kill -KILL "$(connections | head -n 1)"
finish
wait "$client" || fail "it did not join: $(cat "$scratch/again.log")"
live=$((live + 1))
expect_equal "$(json "$out" 'it["release"], it["description"]')" "('v$live', 'Joined at once')"
expect_equal "$(releases)" "$live"
[[ $(cat "$SHIPIT_ROOT/hello/current/server.py") != *"for the next push"* ]] || fail "it was packed anew"

# --- ssh, if nobody says how it is called, notices a connection that is gone without a word ---
printf '#!/bin/sh\necho "$*" >"%s"\nexit 255\n' "$scratch/called" >"$scratch/bin/ssh"
(unset SHIPIT_SSH && PATH=$scratch/bin:$PATH expect_exit 1 push)
expect_equal "$(cat "$scratch/called")" \
    "-o ServerAliveInterval=15 -o ServerAliveCountMax=4 laptop shipit receive hello"
expect_err "see whether this works: ssh laptop shipit version"

# --- A host that never answers is not asked again ---
SHIPIT_SSH=false expect_exit 1 push_again
expect_err "see whether this works: false laptop shipit version"
[[ $(cat "$err") != *"connecting again"* ]] || fail "it tried again: $(cat "$err")"
