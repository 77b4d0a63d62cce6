# power_cut.sh FILE_SYSTEM ARGUMENT…: a command loses its power at each call that commits something. What
# it had said to be done is done, and `current` leads to something whole. The arguments are those of
# faults.py.
if [[ $(id -u) == 0 && -z ${SHIPIT_UNSHARED-} ]]; then # so that we may be told of other boots
    export SHIPIT_UNSHARED=1
    exec unshare --mount --propagation private bash "$0" "$@"
fi
. "$(dirname "$0")/disk.sh"
needs python3 zstd
mount_disk() { mount -o loop "$scratch/image" "$disk" 2>/dev/null; }
disk_at_root "$1" 400M
can_shut_down() {
    PYTHONPATH=$tests/fault python3 -c 'import sys, power_trial; power_trial.cut_power(sys.argv[1], True)' \
        "$disk" 2>"$err"
}
can_shut_down || skip "$1 cannot be shut down here: $(tail -n 1 "$err")"
umount "$disk"
mount_disk
cp /proc/sys/kernel/random/boot_id "$scratch/boot_id"
mount --bind "$scratch/boot_id" /proc/sys/kernel/random/boot_id 2>"$err" ||
    skip "no boot can be feigned here: $(cat "$err")"
python3 "$tests/fault/faults.py" --cut --scratch "$scratch" --port 1 "${@:2}"
