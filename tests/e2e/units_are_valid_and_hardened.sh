# systemd itself finds nothing wrong with the units, and those for the host expose little.
. "$(dirname "$0")/lib.sh"
needs systemd-analyze

expect_exit 0 "$tests/../install.sh" --no-enable --prefix "$scratch/usr" --build "$SHIPIT_BUILD"
units=$scratch/usr/lib/systemd
export XDG_RUNTIME_DIR=$scratch # for the user's
for kind in system user; do
    # As instances, since only those are whole.
    mkdir "$scratch/$kind"
    for unit in "$units/$kind"/*; do
        name=$(basename "$unit")
        cp "$unit" "$scratch/$kind/${name/@./@blog.}"
    done
    option=--$kind
    [[ $kind == user ]] || option=--system
    expect_exit 0 systemd-analyze "$option" --man=no --recursive-errors=no verify "$scratch/$kind"/*
    [[ ! -s $out && ! -s $err ]] || fail "it complains: $(cat "$out" "$err")"
done

# exposes UNIT TENTHS: at most so much.
exposes() {
    expect_exit 0 systemd-analyze security --offline=true --threshold="$2" --no-pager "$scratch/system/$1.service"
    expect_match "Overall exposure level for $1.service: "
}
exposes shipit 29
exposes shipit-prune 29
# More than the 3 that is wished for: it becomes other users, opens low ports, takes sockets back from
# processes of any user, and leaves apps their /tmp, their /home and the network.
exposes shipit@blog 39
expect_exit 0 systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$units/system/shipit-prune.timer")"

# What the units and the table of cron name is there.
expect_equal "$(sed -n 's/^ExecStart=//p' "$units"/*/*.service | cut -d' ' -f1 | sort -u)" "$scratch/usr/bin/shipit"
expect_equal "$(grep -o "[^ ]*/bin/shipit " "$scratch/usr/lib/shipit/cron" | sort -u)" "$scratch/usr/bin/shipit "
