# A key that `shipit key add` lets in can deploy its app and read its releases, and nothing else, whatever
# its holder sends: as the command, as arguments, in the environment, as other requests to sshd. Each
# of these is refused, each is in the app's events.jsonl, and none has an effect.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sshd.sh"
needs curl python3 scp sftp

# Nothing is kept from clients by sshd: all variables come through. (What it takes to run a program,
# a file on this host, a client has not; an AcceptEnv like this one is dangerous all the same.)
start_sshd "AcceptEnv *"
hello_is_live
expect_exit 0 ship create shop
new_key ci
new_key other
new_key plain
expect_exit 0 ship key add hello "$ssh_folder/ci.pub" --file "$authorized_keys"
expect_out "Added SHA256:"
expect_exit 0 ship key add shop "$ssh_folder/other.pub" --file "$authorized_keys"
# Written by hand, and without a name.
echo "restrict,command=\"$SHIPIT_BIN receive hello --root=$SHIPIT_ROOT\" $(cat "$ssh_folder/plain.pub")" >>"$authorized_keys"

# --- What it can do ---

tarred() { tar c -C "$scratch/hello" .; }
deploy() { tarred | over_ssh ci shipit -a hello deploy - -m "'From CI'"; }
sed -i 's/return "Hello, "/return "Good morning, "/' "$scratch/hello/server.py"
expect_exit 0 deploy
expect_answer "$url" "Good morning, World! This is release v2."
expect_exit 0 over_ssh ci shipit releases --json
expect_equal "$(json "$out" 'it[0]["description"]')" "From CI"
expect_exit 0 over_ssh ci shipit info v2
expect_out "ci@example as $login"
expect_out "127.0.0.1"
expect_exit 0 over_ssh ci shipit rollback v1
expect_answer "$url" "Hello, World! This is release v3."
expect_exit 0 over_ssh ci shipit status
expect_out "hello"
# Stored by CI, taken live by it later, and followed.
sed -i 's/return "Good morning, "/return "Good day, "/' "$scratch/hello/server.py"
store() { tarred | over_ssh ci shipit -a hello deploy --no-activate -; }
expect_exit 0 store
expect_out "Stored v4 of hello, which is not live"
expect_answer "$url" "Hello, World! This is release v3."
expect_exit 0 over_ssh ci shipit activate v4 -m "'By CI'"
expect_answer "$url" "Good day, World! This is release v5."
expect_exit 0 over_ssh ci shipit output -f
expect_out "ended with exit status 0: v5 is live and good"
expect_exit 0 over_ssh ci shipit rollback v3
sed -i 's/return "Good day, "/return "Good morning, "/' "$scratch/hello/server.py"
expect_exit 6 deploy # held, since it was rolled back from; a machine does not overrule that
expect_exit 0 over_ssh other shipit releases
expect_not_in "From CI"

# --- What it cannot ---

state() { # all that an effect would show in
    ship releases -a hello --json
    ship config -a hello --reveal
    cat "$SHIPIT_ROOT/hello/app.toml" "$authorized_keys"
    ls -A "$SHIPIT_ROOT" "$SHIPIT_ROOT/shop" "$scratch" "$scratch/trap"
}
is_recorded() { [[ $(refusals) == "$count" ]]; }
refusals() { grep -cF '"result":"refused"' "$SHIPIT_ROOT/hello/events.jsonl" || true; }
mkdir "$scratch/trap"
trap=$scratch/trap/sprung # no hostile command may make this
touch "$scratch/list" "$scratch/shown"
expect_exit 0 ship config set -a hello SECRET=hunter2 --no-restart
before=$(state)
count=$(refusals)

# refused COMMAND…: it fails, the caller is told what a key may do, and the app's log has it.
tried=0
refused() {
    local code=0
    tried=$((tried + 1))
    echo "--- ${*@Q}"
    timeout 30 "$@" >"$out" 2>"$err" </dev/null || code=$?
    sed 's/^/    /' "$out" "$err"
    ((code != 0)) || fail "this was let through: $*"
    [[ ! -e $trap ]] || fail "this had an effect: $*"
    expect_not_in hunter2
    count=$((count + 1))
    wait_until 10 is_recorded || fail "not in events.jsonl: $*" # a client may go before it is
}
# Over one connection where that makes no difference: most of the time goes into making them.
ssh -F "$ssh_config" -N -M -S "$ssh_folder/line" ci &
line=$!
expect_soon 10 ssh -F "$ssh_config" -S "$ssh_folder/line" -O check ci
ssh_ci() { refused ssh -F "$ssh_config" -S "$ssh_folder/line" ci "$@"; }
ssh_alone() { refused ssh -F "$ssh_config" ci "$@"; }
told() { expect_equal "$(json <(tail -n 1 "$SHIPIT_ROOT/hello/events.jsonl") "it['$1']")" "$2"; }

# What a shell would do with a command.
ssh_ci "shipit releases; touch $trap"
told event receive
told app hello
told user "ci@example as $login"
told address 127.0.0.1
expect_err "this key may not run 'shipit releases; touch $trap'"
expect_err "  next: it may push to 'hello', and run: "
ssh_ci "shipit info \$(touch $trap)"
ssh_ci "shipit info \`touch $trap\`"
ssh_ci $'shipit releases\ntouch '"$trap"
ssh_ci "shipit releases >$trap"
ssh_ci "touch $trap"
ssh_ci # no command: a shell
# shipit's own options and commands.
ssh_ci "shipit --root=$scratch/trap releases"
ssh_ci "shipit -a shop releases"
ssh_ci "shipit releases -v"
ssh_ci "shipit deploy /etc"
ssh_ci "shipit deploy ../shop"
ssh_ci "shipit deploy - --force"
ssh_ci "shipit activate v4 --force"
ssh_ci "shipit activate v4 -a shop"
ssh_ci "shipit info --reveal"
ssh_ci "shipit config get SECRET"
ssh_ci "shipit config set SECRET=hunter2"
ssh_ci "shipit run -- touch $trap"
ssh_ci "shipit set app.user=root hooks.deployed='touch $trap'"
ssh_ci "shipit destroy hello --confirm hello"
ssh_ci "shipit logs --config $scratch/list"
# The forced command itself.
ssh_ci "shipit receive shop"
ssh_ci "shipit receive hello --key=boss@example"
ssh_ci "shipit key add hello ssh-ed25519 AAAA"
ssh_ci "git-upload-pack 'hello'"
ssh_ci "git-receive-pack '$SHIPIT_ROOT/shop/repo.git'"
# Overruling people, by a push: the same for a key whose line says no name.
export XDG_CACHE_HOME=$ssh_folder/cache
for name in ci plain; do
    refused "$SHIPIT_BIN" push --force --ssh "ssh -F $ssh_config" "$name:hello" "$scratch/hello"
    expect_err "this key may not run 'shipit receive hello --force': it may not use '--force' with 'push'"
done
told user "a key as $login"
# A client that asks for no command at all, and one that asks for the push without it: what it then
# sends wants it all the same.
cat >"$scratch/bin/ssh-without-command" <<END
#!/bin/sh
exec ssh -F "$ssh_config" -T "\$1"
END
cat >"$scratch/bin/ssh-without-force" <<END
#!/bin/sh
exec ssh -F "$ssh_config" "\$1" shipit receive hello
END
chmod +x "$scratch"/bin/ssh-without-*
refused "$SHIPIT_BIN" push --force --ssh "$scratch/bin/ssh-without-command" plain:hello "$scratch/hello"
expect_err "this push may not use '--force'"
refused "$SHIPIT_BIN" push --force --ssh "$scratch/bin/ssh-without-command" ci:hello "$scratch/hello"
expect_err "this key gives no shell"
for name in ci plain; do
    refused "$SHIPIT_BIN" push --force --ssh "$scratch/bin/ssh-without-force" "$name:hello" "$scratch/hello"
    expect_err "this push may not use '--force'"
done
# Odd bytes.
ssh_ci "$(printf 'shipit info v%05000d' 1)"
ssh_ci $'shipit info \xff\xfe'
ssh_ci $'shipit info \xe2\x80\xaev1\e]0;title\a'
! grep -qP '[\x00-\x08\x0b-\x1f]|\xe2\x80\xae' "$SHIPIT_ROOT/hello/events.jsonl" || fail "events.jsonl drives terminals"
# Variables.
send() { ssh_alone -o "SetEnv=$1" shipit releases; }
send "SHIPIT_ROOT=$scratch/trap"
send SHIPIT_APP=shop
send SHIPIT_KEY=boss@example
send LD_PRELOAD=/lib/libnothing.so
send "LD_LIBRARY_PATH=$scratch/trap"
send "BASH_ENV=$scratch/trap/env"
# Other programs of ssh's.
refused scp -q -F "$ssh_config" "$scratch/list" "ci:$trap"
refused scp -q -O -F "$ssh_config" "$scratch/list" "ci:$trap"
refused scp -q -O -F "$ssh_config" ci:/etc/passwd "$scratch/shown"
refused sftp -q -F "$ssh_config" -b "$scratch/list" ci
! grep -q root "$scratch/shown" || fail "/etc/passwd came out"

# A terminal, forwarding: sshd asks the key's line, and says no; what runs is refused besides.
ssh_alone -tt "echo >$trap"
expect_err "PTY allocation request failed"
reserve_port
forwarded=$port
ssh_alone -o LogLevel=INFO -R "$forwarded:127.0.0.1:$ssh_port"
expect_err "remote port forwarding failed"
ssh_alone -A "ssh-add -l"
ssh_alone -X "xauth list"

# -L and -D only listen on the client; each connection to it is asked for, and refused, one by one.
forward() {
    timeout 20 ssh -F "$ssh_config" -N "$@" ci 2>"$err" &
    local client=$!
    expect_soon 10 listens
    ! (exec 3<>"/dev/tcp/127.0.0.1/$forwarded" && printf %b "$greeting" >&3 && timeout 5 head -c 12 <&3) |
        grep SSH >"$out" || fail "sshd was reached through $*"
    kill "$client"
    wait "$client" || true
    grep -q "administratively prohibited\|open failed" "$err" || fail "nobody refused $*"
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$forwarded") 2>/dev/null; }
greeting='hello\n' forward -o LogLevel=INFO -L "$forwarded:127.0.0.1:$ssh_port"
printf -v address '\\x05\\x01\\x00\\x05\\x01\\x00\\x01\\x7f\\x00\\x00\\x01\\x%02x\\x%02x' $((ssh_port / 256)) $((ssh_port % 256))
greeting=$address forward -o LogLevel=INFO -D "$forwarded"
expect_exit 0 ssh -F "$ssh_config" -o "SetEnv=PATH=$scratch/trap" ci shipit releases # sshd's own PATH counts

((tried >= 20)) || fail "only $tried commands were tried"
expect_equal "$(state)" "$before" "something has changed"
! grep -qF hunter2 "$SHIPIT_ROOT/hello/events.jsonl" || fail "a secret is in events.jsonl"
expect_exit 0 ship events -a hello -n 3
expect_match '^20[0-9TZ:.-]+ receive by ci@example as '

# And a key that is taken back can do nothing at all.
kill "$line"
expect_exit 0 ship key remove hello ci@example --file "$authorized_keys"
expect_exit 255 over_ssh ci shipit releases
expect_exit 0 over_ssh other shipit releases
