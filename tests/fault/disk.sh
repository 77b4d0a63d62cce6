# Sourced by scenarios whose root is a disk of its own; see ../e2e/lib.sh for all else.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

# disk_at_root TYPE SIZE [OPTION…]: a file system of that size, made by `mkfs -t TYPE OPTION…`, with
# SHIPIT_ROOT on it. Skips the rest where there can be none.
disk=$scratch/disk
disk_at_root() {
    needs "mkfs.$1" mount
    [[ $(id -u) == 0 ]] || skip "only root can mount a file system"
    mkdir "$disk"
    truncate -s "$2" "$scratch/image"
    mkfs -t "$1" -q "${@:3}" "$scratch/image" >/dev/null
    mount_disk || skip "nothing can be mounted here"
    trap take_disk_away EXIT
    SHIPIT_ROOT=$disk/root
}
mount_disk() { mount -o loop,errors=remount-ro "$scratch/image" "$disk" 2>/dev/null; }
take_disk_away() {
    local status=$? app
    set +e
    rm -f "$disk/filler"
    mount -o remount,rw "$disk" 2>/dev/null
    for app in "$SHIPIT_ROOT"/*/; do # first, since it runs from there
        [[ -d $app ]] && app=$(basename "$app") &&
            timeout 20 "$SHIPIT_BIN" destroy "$app" --confirm "$app" >/dev/null 2>&1
    done
    [[ $status == 0 || $status == 77 ]] || cp -R "$SHIPIT_ROOT" "$scratch/root" # for show_evidence
    umount -l "$disk"
    SHIPIT_ROOT=$scratch/root
    (exit "$status") # as clean_up finds it
    clean_up
}
