#!/usr/bin/env bash
# The story that `./install.sh --demo` tells: deploy, break, go back. `tests/demo.sh SHIPIT [PORT]` runs it
# with a shipit that is built already, in a folder of its own, and leaves nothing behind.
set -euo pipefail

shipit=$(realpath "${1:?the shipit to show}")
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/shipit-demo-XXXXXX")
bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' plain=$'\e[0m'
fi

clean_up() {
    local status=$?
    trap '' EXIT INT TERM HUP
    timeout 30 shipit destroy hello --confirm hello >"$folder/destroyed" 2>&1 || {
        # Only if shipit itself is broken: nothing may be left running whatever happens.
        grep -lsF -e "$folder/" /proc/[0-9]*/environ | cut -d/ -f3 | grep -vx -e "$$" -e "$BASHPID" |
            xargs -r kill -KILL 2>/dev/null || true
    }
    cd /
    rm -rf "$folder"
    [[ $status == 0 ]] || echo "The demo ended early (status $status)." >&2
    echo "Cleaned up: the app is stopped, $folder is gone."
    exit "$status"
}

unset SHIPIT_APP
export SHIPIT_ROOT=$folder/root HOME=$folder PYTHONDONTWRITEBYTECODE=1
mkdir "$folder/bin"
ln -s "$shipit" "$folder/bin/shipit"
export PATH=$folder/bin:$PATH
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }

# type COMMAND [STATUS]: shows what a person would type, and what it says.
type() {
    local status=0
    printf '%s$ %s%s\n' "$bold" "$1" "$plain"
    eval "$1" 2>&1 </dev/null || status=$?
    [[ $status == 0 ]] || echo "(exit status $status)"
    [[ $status == "${2:-0}" ]] || {
        echo "That should have been exit status ${2:-0}." >&2
        exit 1
    }
}

free_port() {
    python3 -c '
import socket
for port in range(8000, 9000):
    with socket.socket() as s:
        if s.connect_ex(("127.0.0.1", port)) != 0:
            print(port)
            break'
}

port=${2:-$(free_port)}
url=http://127.0.0.1:$port
cp -R "$here/apps/hello" "$folder/hello"
cd "$folder"

say "A small web app, a port for it, and a setting of its own."
type "cat hello/shipit.toml"
type "shipit create hello"
type "shipit set app.port=$port"
type "shipit config set NAME=Ada"
type "shipit deploy hello -m 'First version'"
type "curl -s $url/"

say "A change with a slip of the keyboard in it is refused: the first version goes on serving."
type "sed -i 's/def greeting/def greting/' hello/server.py"
type "shipit deploy hello -m 'Greet politely'" 3
type "curl -s $url/"

say "Done right, and for another name: v3 takes over."
type "sed -i -e 's/def greting/def greeting/' -e 's/Hello/Good morning/' hello/server.py"
type "shipit config set --no-restart NAME=Grace"
type "shipit deploy hello -m 'Greet politely'"
type "curl -s $url/"
type "shipit releases"
type "shipit info v3"

say "Second thoughts: back to what was good before, with the config vars it had."
type "shipit rollback"
type "curl -s $url/"
type "shipit releases"

say "Third thoughts: any release can be taken live again."
type "shipit rollback v3"
type "curl -s $url/"

say "A process that dies is started again."
type "kill -KILL \$(curl -s $url/pid)"
for _ in {1..100}; do
    curl -s "$url/" >/dev/null && break
    sleep 0.05
done
type "curl -s $url/"
type "shipit ps"

say "That was it."
