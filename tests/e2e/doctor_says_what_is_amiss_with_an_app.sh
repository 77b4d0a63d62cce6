# `shipit -a APP doctor` tells what keeps an app from working, or soon will, and what to do; each is brought about
# here, told, and mended as advised.
. "$(dirname "$0")/lib.sh"
needs curl
advises() { grep -A1 -E -e "^(note|problem) +$1: " "$out" | grep -qE -e "^ +next: .*$2" || depth=1 fail "no advice on $1: $2"; }
doctor() { ship -a hello doctor; }
# told CODE VERDICT ABOUT REGEX [ADVICE]
told() {
    expect_exit "$1" doctor
    grep -qE -e "^$2 +$3: .*$4" "$out" || depth=1 fail "no $2 about $3: $4"
    [[ -z ${5:-} ]] || advises "$3" "$5"
}

expect_exit 1 doctor
expect_err "there is no app 'hello'"
hello_is_live
find "$SHIPIT_ROOT" -printf '%p %y %m %U %T@\n' | grep -v "/log/" | sort >"$scratch/before"
expect_exit 0 doctor
expect_match "^=== hello$"
for about in settings port "config vars" hand-over release records supervisor processes; do
    expect_match "^(ok|note) +$about: "
done
expect_out "processes: web.1 up"
expect_exit 0 ship doctor --all
expect_match "^ok +release: v1 is live"
expect_exit 0 env SHIPIT_APP=hello "$SHIPIT_BIN" doctor --json
expect_equal "$(json "$out" '[each["app"] for each in it if each["about"] == "release"]')" "['hello']"
# But for the root's own time: what was tried there is gone.
find "$SHIPIT_ROOT" -printf '%p %y %m %U %T@\n' | grep -v "/log/" | sort |
    diff <(grep -v "^$SHIPIT_ROOT d" "$scratch/before") <(grep -v "^$SHIPIT_ROOT d" -) || fail "something was changed"

# Settings.
expect_exit 0 ship set app.handover=restart
told 0 note hand-over "restart, since app.handover says so" "set app.handover=gated"
expect_exit 0 ship set app.handover=gated
expect_exit 0 ship set "app.user=no-such-user"
told 1 problem app.user "there is no user 'no-such-user' on this host" "adduser --system --group no-such-user"
expect_exit 0 ship set app.user=
cp "$SHIPIT_ROOT/hello/app.toml" "$scratch/app.toml"
echo "colour = 'red'" >>"$SHIPIT_ROOT/hello/app.toml"
told 1 problem settings "app.toml:[0-9]+.*colour"
expect_out "release: v1 is live"
cp "$scratch/app.toml" "$SHIPIT_ROOT/hello/app.toml"
expect_exit 0 ship hold -m "until Monday"
told 0 note hold "until Monday; deploys, rollbacks and config changes are refused" "hold --clear"
expect_exit 0 ship hold --clear
printf '\n[config]\nrequired = ["SECRET_KEY"]\n' >>"$SHIPIT_ROOT/hello/app.toml"
told 1 problem "config vars" "not set: SECRET_KEY" "config set SECRET_KEY"
expect_exit 0 ship config set --no-restart SECRET_KEY=1
told 0 ok "config vars" "1 set, none missing"

# Processes and their supervisor.
expect_exit 0 ship stop
told 0 note processes "stopped, by 'shipit stop'" "shipit -a hello start"
python3 -m http.server --bind 127.0.0.1 "$port" >/dev/null 2>&1 &
stranger=$!
expect_soon 10 curl -s -o "$scratch/page" "$url"
told 1 problem port "port $port is taken by process $stranger \(python3\)" "set app.port=N"
kill "$stranger"
wait "$stranger" || true
expect_exit 0 ship start
told 0 ok port "$port: free, or the app's"
expect_exit 0 ship create other
expect_exit 0 ship -a other set "app.port=$port"
expect_exit 1 ship -a other doctor
expect_match "^problem +port: port $port is in the settings of the app 'hello', too"
# A health.path that nobody is asked for.
a_copy_of hello nameless
sed -i 's/^web = /app = /; s/^watch = .*/watch = "100ms"/' "$scratch/nameless/shipit.toml"
expect_exit 0 ship -a other set app.port=
expect_exit 0 ship -a other deploy "$scratch/nameless"
unasked="health.path is not asked, and nothing is handed over: no process type is called 'web' (there is 'app')"
expect_err "shipit: warning: $unasked"
expect_exit 0 ship -a other doctor
expect_out "health: $unasked"
advises health "call the one that listens 'web'"
expect_exit 0 ship destroy other --confirm other

supervisor() { pgrep -f "$SHIPIT_ROOT supervise hello"; }
no_supervisor() { ! supervisor; }
kill -STOP "$(supervisor)"
told 1 problem supervisor "process $(supervisor)\) and does not answer" "kill -KILL $(supervisor)"
kill -KILL "$(supervisor)"
expect_soon 10 no_supervisor
told 1 problem supervisor "processes of an earlier one go on" "shipit -a hello start"
expect_match "^ok +port: "
expect_answer "$url" "This is release v1."
expect_exit 0 ship start
told 0 ok supervisor "answers"

# What is on the disk.
mv "$SHIPIT_ROOT"/hello/releases/*.tar.zst "$scratch/slug.tar.zst"
told 1 problem release "the slug of v1, which is live, is gone" "deploy BUILD"
mv "$scratch/slug.tar.zst" "$SHIPIT_ROOT/hello/releases/$(basename "$(readlink "$SHIPIT_ROOT/hello/releases/v1")").tar.zst"
cp "$SHIPIT_ROOT/hello/releases/v1.toml" "$scratch/v1.toml"
echo "[" >>"$SHIPIT_ROOT/hello/releases/v1.toml"
told 1 problem records "v1" "shipit -a hello verify"
cp "$scratch/v1.toml" "$SHIPIT_ROOT/hello/releases/v1.toml"
told 0 ok records "can be read"

# A command that works, and one that was killed at work.
hello_release_command "echo \$\$ >$scratch/command.pid; exec sleep 1000"
"$SHIPIT_BIN" deploy "$scratch/hello" >/dev/null 2>&1 &
deployer=$!
expect_soon 20 test -s "$scratch/command.pid"
told 0 note lock "held by .* process $deployer"
kill -KILL "$deployer"
wait "$deployer" || true
kill -KILL "$(cat "$scratch/command.pid")"
told 0 note records "v2 was interrupted"

# A program that crashes again and again.
pid_now() { ship ps --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["pid"])'; }
sed -i '/^\[release\]/,$d' "$scratch/hello/shipit.toml"
crashes() {
    ship -a hello doctor --json >"$scratch/findings" || true
    json "$scratch/findings" '[each["what"] for each in it if each["about"] == "processes" and each["verdict"] == "problem"]' | grep web.1
}
kill_again() {
    local pid
    pid=$(pid_now)
    ((pid == 0)) || kill -KILL "$pid" # 0: it is to be started again
    crashes
}
expect_soon 20 kill_again
expect_equal "$(json "$scratch/findings" '["shipit -a hello logs -p web.1" in each["next"] for each in it if each["about"] == "processes" and each["verdict"] == "problem"]')" "[True]"

[[ $(id -u) == 0 && $(uname -m) =~ ^(x86_64|aarch64)$ ]] || exit 0

# A supervisor that was started where sockets cannot be handed over goes on without.
expect_exit 0 ship stop
kill -TERM "$(supervisor)"
expect_soon 10 no_supervisor
expect_exit 0 python3 "$tests/e2e/filtered.py" listener "$SHIPIT_BIN" -a hello start
told 0 note hand-over "the supervisor found when it was started that the kernel does not let shipit" "kill $(supervisor)"

# A user who cannot get to what is to be run.
expect_exit 0 ship set app.user=nobody
told 0 note app.user "'nobody', and web.1 still runs as 'root'" "restart"
chmod 700 "$SHIPIT_ROOT"
told 1 problem app.user "'nobody' may not enter '$SHIPIT_ROOT'" "chmod a\+x $SHIPIT_ROOT"
chmod 755 "$SHIPIT_ROOT"
# A port that only root may have.
reserve_low_port
expect_exit 0 ship set app.user= "app.port=$port"
without_right() { setpriv --bounding-set=-net_bind_service "$SHIPIT_BIN" -a hello doctor; }
expect_exit 1 without_right
expect_match "^problem +port: port $port is root's"
