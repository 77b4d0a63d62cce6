# A deploy for which the disk has no room prunes first, as retention says; one that cannot fit is refused
# before anything of it is written.
. "$(dirname "$0")/lib.sh"
[[ $(id -u) == 0 ]] || skip "only root can make a small disk"
mkdir "$SHIPIT_ROOT"
mount -t tmpfs -o size=9m shipit-e2e "$SHIPIT_ROOT" 2>/dev/null || skip "nothing can be mounted here"
take_disk_away() {
    local status=$?
    set +e
    umount -l "$SHIPIT_ROOT"
    (exit "$status") # as clean_up finds it
    clean_up
}
trap take_disk_away EXIT
mkdir "$scratch/files"
# deploy_random CODE BYTES
deploy_random() {
    head -c "$2" /dev/urandom >"$scratch/files/film"
    expect_exit "$1" ship deploy "$scratch/files"
}
stored() { find "$SHIPIT_ROOT/files/releases" "$SHIPIT_ROOT/files/trees" -printf '%p %i %T@\n' | sort; }

expect_exit 0 ship create files
expect_exit 0 ship set retention.keep=1
for _ in {1..4}; do
    deploy_random 0 1000000
done
# A fifth takes 2 MB, and 1 MB is left.
deploy_random 0 1000000
expect_err "the disk is nearly full"
expect_err "v1 expired: beyond the 1 good releases that are kept"
expect_exit 0 ship info v1
expect_out "(release expired)"
expect_exit 0 ship events
expect_match 'prune v1 by .*: expired'
expect_exit 0 ship rollback
expect_exit 0 ship verify --trees

expect_exit 0 ship prune
before=$(stored)
deploy_random 1 8000000
expect_err "the build takes about"
expect_err "No space left on device"
expect_err "prune --keep N"
expect_equal "$(stored)" "$before" "the refused deploy wrote something"
