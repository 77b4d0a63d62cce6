# Started by private_host.sh in a mount namespace of its own: makes the host's root folder, starts its
# first process, the arguments, and ends it with all others when it is told to end itself. Not a scenario.
set -euo pipefail
root=$scratch/host

# A control group, in which the host's are.
mkdir -p "$scratch/cgroups" "$scratch/changes" "$scratch/work" "$root"
mount -t cgroup2 shipit-e2e "$scratch/cgroups"
group=$scratch/cgroups$(sed -n 's/^0:://p' /proc/self/cgroup)/shipit-e2e-$$
mkdir "$group"

# The namespaces' first process; what comes before is done with the folders of this host at hand.
first_process() {
    set -euo pipefail
    local folder kept=()
    IFS=: read -ra kept <<<"$HOST_FOLDERS"
    mount -t overlay -o "lowerdir=/,upperdir=$scratch/changes,workdir=$scratch/work" shipit-e2e "$root"
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys" 2>/dev/null || mount --bind /sys "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    cd "$root"
    # As long as all that is there is the overlay's: what is removed must be nothing of this host's.
    if [[ ! -e $scratch/host.made ]]; then
        # Apps of this host are none of the scenario's.
        rm -rf var/lib/shipit etc/cron.d/shipit usr/local/lib/shipit usr/local/lib/systemd
        "$host_prepared"
        touch "$scratch/host.made"
    fi
    # What is on other file systems than / is not in the overlay.
    for folder in "${kept[@]}"; do
        [[ $folder == /dev/* ]] && continue
        mkdir -p "$root$folder"
        mount --rbind "$folder" "$root$folder"
    done
    mkdir -p mnt
    pivot_root . mnt
    cd /
    umount --lazy /mnt
    touch "$scratch/host.ready"
    exec env -u SHIPIT_ROOT -u HOST_FOLDERS PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null
}
export -f first_process
export root

(
    echo "$BASHPID" >"$group/cgroup.procs"
    exec unshare --mount --cgroup --pid --fork --kill-child bash -c 'first_process "$@"' first "$@"
) &
unshared=$!
end() {
    trap '' TERM
    kill -KILL "$unshared" 2>/dev/null || true
    wait "$unshared" 2>/dev/null || true
    local i
    for ((i = 0; i < 200; i++)); do
        ! grep -qsx 'populated 1' "$group/cgroup.events" || { sleep 0.02 && continue; }
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
        sleep 0.02
    done
    exit 0
}
trap end TERM
until [[ -e $scratch/host.ready ]]; do
    kill -0 "$unshared" 2>/dev/null || end
    sleep 0.02
done
pgrep -P "$unshared" >"$scratch/host.pid" # as this host knows it
wait "$unshared" || true
end
