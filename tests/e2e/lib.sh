# What every scenario stands on; sourced first. See tests/README.md.
#
# Gives a scenario a root, a home and a port of its own, and on exit leaves nothing: no process, no
# file. What the scenario did is shown only by ctest, and the processes' logs only if it failed.
# shellcheck shell=bash
# shellcheck disable=SC2034  # what is set here is used by the scenarios

set -euo pipefail
shopt -s inherit_errexit

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scenario=$(basename "$0" .sh)
: "${SHIPIT_BIN:?the shipit to test, as an absolute path}"

# Settings of whoever runs the tests are none of the scenario's.
unset SHIPIT_APP SHIPIT_ROOT XDG_DATA_HOME XDG_RUNTIME_DIR NO_COLOR CLICOLOR_FORCE
export LC_ALL=C.UTF-8 TZ=UTC PYTHONDONTWRITEBYTECODE=1

# --- A folder, a root, a port ---

# On tmpfs where there is one with room: a test must not wait for a disk.
scratch_parent() {
    local free
    free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }') || free=0
    if [[ -n ${SHIPIT_TEST_TMP:-} ]]; then
        echo "$SHIPIT_TEST_TMP"
    elif [[ -w /dev/shm && ${free:-0} -gt 512000 ]]; then
        echo /dev/shm
    else
        echo "${TMPDIR:-/tmp}"
    fi
}

scratch=$(mktemp -d "$(scratch_parent)/shipit-e2e-XXXXXX")
chmod 755 "$scratch" # so that scenarios can let other users in
mkdir "$scratch/home" "$scratch/bin"
export SHIPIT_ROOT=$scratch/root HOME=$scratch/home
out=$scratch/out err=$scratch/err # what the last command of expect_exit wrote
reserved_ports=()

# reserve_one_of FIRST LAST: sets `port` to one from there that nothing listens on and no other
# scenario will be given.
reserve_one_of() {
    local folder
    folder=${SHIPIT_TEST_PORTS:-$(scratch_parent)/shipit-e2e-ports}
    mkdir -m 1777 "$folder" 2>/dev/null || [[ -d $folder ]]
    while true; do
        port=$(python3 -c '
import random, socket, sys
while True:
    port = random.randint(int(sys.argv[1]), int(sys.argv[2]))
    with socket.socket() as s:
        try:
            s.bind(("0.0.0.0", port))
        except OSError:
            continue
        print(port)
        break' "$@")
        if mkdir "$folder/$port" 2>/dev/null; then
            reserved_ports+=("$folder/$port")
            return
        fi
    done
}

# Below the range from which the kernel takes the ports of outgoing connections.
reserve_port() { reserve_one_of 20000 31999; }
# One that only root may bind; skips the rest where we are not root or the host has no such ports.
reserve_low_port() {
    [[ $(id -u) == 0 && $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start) -ge 1024 ]] || exit 0
    reserve_one_of 600 999
}

# --- Cleaning up ---

# Processes started for this scenario's folder (by their arguments, environment or working directory)
# that are no longer below the scenario's own shell.
leftovers() {
    /usr/bin/env -i PATH="$PATH" python3 - "$$" "$scratch" <<'END'
import os, sys

shell, folder = sys.argv[1], sys.argv[2].encode()
read = lambda pid, what: open(f"/proc/{pid}/{what}", "rb").read()
parents, mine = {}, set()
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        state, parents[pid] = read(pid, "stat").rpartition(b") ")[2].split()[:2]
        where = os.readlink(f"/proc/{pid}/cwd").encode()
        if state != b"Z" and folder in where + read(pid, "cmdline") + read(pid, "environ"):
            mine.add(pid)
    except OSError:
        pass  # gone, or not ours to look into


def below_shell(pid):
    while pid in parents and pid != shell:
        pid = parents[pid].decode()
    return pid == shell


print(*sorted((pid for pid in mine if not below_shell(pid)), key=int), sep="\n", end="")
END
}

show_evidence() {
    local file shown=0
    echo "--- $scenario failed (status $1); what its processes wrote:"
    for file in "$scratch"/*.log "$SHIPIT_ROOT"/*/log/* "$SHIPIT_ROOT"/*/releases/*.log \
        "$SHIPIT_ROOT"/*/run/*.log "$SHIPIT_ROOT"/*/events.jsonl; do
        [[ -f $file ]] && ((shown++ < 30)) && echo "--- $file" && tail -n 40 "$file"
    done
    echo "--- still running:"
    leftovers | xargs -r ps -o pid,ppid,stat,args -p 2>/dev/null || true
}

clean_up() {
    local status=$? app pids
    trap '' EXIT INT TERM HUP
    set +e
    [[ $status == 0 || $status == 77 ]] || show_evidence "$status" >&2
    for app in "$SHIPIT_ROOT"/*/; do
        [[ -d $app ]] && app=$(basename "$app") &&
            timeout 20 "$SHIPIT_BIN" destroy "$app" --confirm "$app" --wait=15s >"$scratch/destroy.log" 2>&1
    done
    # What a destroyed app leaves running is a fault of shipit's, if nothing else went wrong.
    if [[ $status == 0 ]] && ! wait_until 5 nothing_left; then
        echo "$scenario: these processes outlived their app:" >&2
        leftovers | xargs -r ps -o pid,ppid,stat,args -p >&2
        cat "$scratch/destroy.log" >&2
        status=1
    fi
    # Gently first: nginx, killed, leaves its workers, which nothing shows to be ours.
    jobs -p | xargs -r kill -TERM 2>/dev/null
    wait_until 3 no_job_runs
    pids="$(leftovers) $(jobs -p)"
    xargs -r kill -KILL <<<"$pids" 2>/dev/null
    [[ ${#reserved_ports[@]} == 0 ]] || rmdir "${reserved_ports[@]}"
    if [[ -n ${SHIPIT_KEEP:-} ]]; then
        echo "kept: $scratch" >&2
    else
        chmod -R u+rwX "$scratch" 2>/dev/null
        rm -rf "$scratch"
    fi
    exit "$status"
}
no_job_runs() { [[ -z $(jobs -rp) ]]; }
nothing_left() { [[ -z $(leftovers) ]]; }
trap clean_up EXIT
trap 'exit 124' INT TERM HUP # ctest's time limit

# --- Saying what is expected ---

fail() {
    echo "$scenario: line ${BASH_LINENO[${depth:-0}]}: $*" >&2
    exit 1
}
skip() {
    echo "skipped: $*"
    exit 77
}
needs() {
    local program
    for program; do
        command -v "$program" >/dev/null || skip "there is no $program here"
    done
}

# Whether shipit was built with sanitizers, which take memory of their own.
is_sanitized() { [[ -n ${ASAN_OPTIONS:-} ]] || grep --quiet --text --fixed-strings __asan_init "$SHIPIT_BIN"; }
# To look for leaks takes a command as long as all else that it does, and what one that ends leaves is nobody's loss. In
# what lives for long the unit tests look for them.
! is_sanitized || export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

# Runs shipit, its output going wherever the caller's goes.
ship() { "$SHIPIT_BIN" "$@"; }

# expect_exit CODE COMMAND…: runs it; what it wrote is in the files $out and $err.
expect_exit() {
    local expected=$1 code=0
    shift
    printf '$'
    printf ' %q' "$@"
    echo
    "$@" >"$out" 2>"$err" </dev/null || code=$?
    sed 's/^/  out: /' "$out"
    sed 's/^/  err: /' "$err"
    [[ $code == "$expected" ]] || depth=1 fail "exit status $code instead of $expected: ${*:1:4}"
}

# Whether the last expect_exit's command wrote TEXT, to either stream or to a given one.
# (No pipes into grep -q: it ends early, and pipefail would take that for a failure.)
expect_in() { grep -qF -e "$1" "$out" "$err" || depth=1 fail "nothing says: $1"; }
expect_out() { grep -qF -e "$1" "$out" || depth=1 fail "not on stdout: $1"; }
expect_err() { grep -qF -e "$1" "$err" || depth=1 fail "not on stderr: $1"; }
expect_not_in() { ! grep -qF -e "$1" "$out" "$err" || depth=1 fail "something says: $1"; }
# expect_match REGEX: extended regular expression, within one line of either stream.
expect_match() { grep -qE -e "$1" "$out" "$err" || depth=1 fail "no line matches: $1"; }

expect_equal() { [[ $1 == "$2" ]] || depth=1 fail "'$1' is not '$2'${3:+: $3}"; }

# expect_golden NAME: stderr of the last command is tests/e2e/expected/NAME, with this run's folder,
# port and other passing facts taken out. SHIPIT_ACCEPT=1 rewrites the file.
expect_golden() {
    local golden=$tests/e2e/expected/$1 shown=$scratch/shown
    sed -E -e "s|$scratch|SCRATCH|g" -e "s|\b$port\b|PORT|g" "$err" >"$shown"
    [[ -z ${SHIPIT_ACCEPT:-} ]] || cp "$shown" "$golden"
    diff -u "$golden" "$shown" || depth=1 fail "stderr is not what expected/$1 says"
}

# Nothing half done is left below the root (release/layout's is_leftover).
files_left() { find "$SHIPIT_ROOT" -name '.new-*' -o -name '.build-*' -o -name '.trash-*'; }
no_file_is_left() { [[ -z $(files_left) ]]; }
# A supervisor at work makes such files for as long as it writes.
expect_no_leftovers() {
    wait_until 5 no_file_is_left || depth=1 fail "this is left: $(files_left)"
}

# --- Asking and waiting ---

page() { curl --silent --show-error --fail --max-time 5 "$1" 2>&1; }
# answers URL TEXT: whether the page there contains TEXT now.
answers() { [[ $(page "$1") == *"$2"* ]]; }
expect_answer() {
    answers "$1" "$2" || depth=1 fail "$1 does not say '$2' but: $(page "$1" || true)"
}

# wait_until SECONDS COMMAND…: until it succeeds; fails if it does not in time.
wait_until() {
    local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
    shift
    until "$@" >/dev/null 2>&1; do
        ((${EPOCHREALTIME/./} < end)) || return 1
        sleep 0.02
    done
}
expect_soon() {
    wait_until "$@" || depth=1 fail "within $1 s this did not become true: ${*:2}"
}

# kill_for_good PID…: sends SIGKILL, and waits until they are gone: what comes next meets none of them.
kill_for_good() {
    kill -KILL "$@"
    wait_until 10 are_gone "$@" || depth=1 fail "these are still there after SIGKILL: $*"
}
are_gone() { ! kill -0 "$@"; }

# json FILE EXPRESSION: what a Python expression about the document `it` gives.
json() { python3 -c 'import json, sys; it = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"; }

# run_nginx SERVERS [USER]: with these server blocks and nothing of this host's, until the end.
run_nginx() {
    mkdir "$scratch/nginx"
    cat >"$scratch/nginx/nginx.conf" <<END
daemon off;
${2:+user $2;}
pid $scratch/nginx/pid;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $scratch/nginx/body;
    proxy_temp_path $scratch/nginx/proxy;
    fastcgi_temp_path $scratch/nginx/fastcgi;
    uwsgi_temp_path $scratch/nginx/uwsgi;
    scgi_temp_path $scratch/nginx/scgi;
    $1
}
END
    nginx -p "$scratch/nginx" -e "$scratch/nginx.log" -c "$scratch/nginx/nginx.conf" &
}

# start_hammer [WHERE [CLIENTS [PAUSE_US [keep] [post]]]]: requests, until expect_none_failed, each GET
# on a new connection unless it says otherwise; WHERE is a port or a Unix socket.
hammers=()
start_hammer() {
    "$SHIPIT_BUILD/tests/load/hammer" "${1:-$port}" "${2:-4}" "${3:-200}" "${@:4}" >"$scratch/hammered.${#hammers[@]}" 2>&1 &
    hammers+=($!)
}
# expect_none_failed [AT_LEAST]: ends all of them; each had so many answers, and nothing else.
expect_none_failed() {
    local i result
    kill -TERM "${hammers[@]}"
    for i in "${!hammers[@]}"; do
        result=$scratch/hammered.$i
        wait "${hammers[i]}" || true
        cat "$result"
        expect_equal "$(json "$result" 'it["failed"]')" 0 "$(json "$result" 'it["failures"]')"
        (($(json "$result" 'it["requests"]') >= ${1:-100})) || depth=1 fail "hardly anything was asked"
    done
    hammers=()
}

# --- Another host ---

# The other host is this one: what stands for ssh runs the command that it is given. Whoever pushes has no root of
# their own, and says so by SHIPIT_ROOT=$scratch/nowhere.
another_host_is_near() {
    cat >"$scratch/bin/near" <<END
#!/bin/sh
# near HOST COMMAND…
shift
export PATH="$scratch/bin:\$PATH" SHIPIT_ROOT="$SHIPIT_ROOT"
exec "\$@"
END
    chmod +x "$scratch/bin/near"
    ln -s "$SHIPIT_BIN" "$scratch/bin/shipit"
    export SHIPIT_SSH=$scratch/bin/near
}

# --- Things to deploy ---

# a_copy_of APP [NAME]: tests/apps/APP as $scratch/NAME, ours to change.
a_copy_of() {
    cp -R "$tests/apps/$1" "$scratch/${2:-$1}"
    chmod -R u+rwX,go+rX "$scratch/${2:-$1}"
}

# An app named hello on a port of its own, deployed as v1 from $scratch/hello; answers at $url, and its
# files are in $app.
hello_is_live() {
    reserve_port
    url=http://127.0.0.1:$port/ app=$SHIPIT_ROOT/hello
    a_copy_of hello
    expect_exit 0 ship create hello
    expect_exit 0 ship set "app.port=$port"
    expect_exit 0 ship deploy "$scratch/hello" -m "First version"
    expect_answer "$url" "This is release v1."
}

# is_live RELEASE: of hello.
is_live() { [[ $(readlink "$SHIPIT_ROOT/hello/current") == "releases/$1" ]]; }

# may_fall_sick BUILD: a copy of hello whose health check fails from the moment there is a file `sick` in its
# folder; watched for long enough that it may do so when it is live.
may_fall_sick() {
    sed -i 's|^    if path == "/healthz":|    if path == "/healthz" and os.path.exists("sick"):\n        return 503, "sick"\n&|' \
        "$1/server.py"
    sed -i 's/^watch = .*/watch = "20s"/' "$1/shipit.toml"
}

# release_command SCRIPT: $scratch/hello gets a release command that runs this bash script.
hello_release_command() {
    printf '%s\n' "$1" >"$scratch/hello/release.sh"
    printf '\n[release]\ncommand = "bash release.sh"\n' >>"$scratch/hello/shipit.toml"
}
port=none
