# A host of the scenario's own, made of this one: its files, below an overlay that takes all changes, with
# mounts, processes and control groups of its own; the network is this host's. Sourced after lib.sh.
# Not a scenario.
# shellcheck shell=bash

[[ $(id -u) == 0 ]] || skip "only root can make a host within this one"
needs unshare nsenter pivot_root mount

host_log=$scratch/host.log
host_prepared=none

# prepare_host FUNCTION: it is called once, in the new host's root folder, to change its files.
prepare_host() { host_prepared=$1; }

# start_host COMMAND…: until stop_host; COMMAND is its first process. What was changed in it is there
# again when it is started again, but for /run.
start_host() {
    export -f "${host_prepared?}"
    export host_prepared scratch
    HOST_FOLDERS="$scratch:$(realpath "$tests/.."):$SHIPIT_BUILD:$(dirname "$SHIPIT_BIN")" \
        unshare --mount --propagation private bash "$tests/e2e/make_host.sh" "$@" >>"$host_log" 2>&1 &
    host=$!
    wait_until 20 test -s "$scratch/host.pid" || host_is_not_to_be_had
    first_process=$(cat "$scratch/host.pid")
}
none() { true; }
host_is_not_to_be_had() {
    cat "$host_log"
    stop_host
    skip "a host within this one cannot be made here"
}

# inside COMMAND…: runs it in that host, as its root.
inside() {
    nsenter --target "$first_process" --mount --cgroup --pid --root --wd=/ -- \
        env -C / -u SHIPIT_ROOT -u XDG_RUNTIME_DIR PATH="$host_path" HOME=/root "$@"
}
host_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# All of its processes end at once, as if its power went.
stop_host() {
    [[ -n ${host:-} ]] || return 0
    kill -TERM "$host" 2>/dev/null || true
    wait "$host" || true
    rm -f "$scratch/host.pid" "$scratch/host.ready"
    host=''
}

# The shipit that is installed there.
ship() { inside shipit "$@"; }
