# install.sh over what is installed: at each moment there is a whole shipit. Where the new one has no room, or the
# installer is interrupted or killed, the old one stays, and nothing half done is left that another run or --uninstall
# does not remove.
. "$(dirname "$0")/lib.sh"
export DESTDIR=$scratch/dest
installer=$tests/../install.sh
installed=$DESTDIR/opt/ship
mkdir -p "$DESTDIR/opt" "$scratch/stubs"
install_shipit() { "$installer" --prefix /opt/ship --build "$SHIPIT_BUILD"; }
uninstall() { "$installer" --prefix /opt/ship --uninstall; }
files() { find "$DESTDIR/opt" -printf '%P %s %m\n' | sort; }

# Somebody calls it all the while.
expect_exit 0 install_shipit
files >"$scratch/files"
{
    while [[ ! -e $scratch/enough ]]; do
        "$installed/bin/shipit" version >"$scratch/version" 2>&1 || { echo "failed" >>"$scratch/failures"; }
        echo >>"$scratch/calls"
    done
} &
caller=$!
expect_exit 0 install_shipit
expect_exit 0 install_shipit
touch "$scratch/enough"
wait "$caller"
[[ ! -e $scratch/failures ]] || fail "$(wc -l <"$scratch/failures") of $(wc -l <"$scratch/calls") calls failed meanwhile"

# Stopped when all of the new is written, and nothing of it is in its place.
echo "an old one" >"$installed/bin/shipit"
for signal in TERM HUP KILL; do
    cat >"$scratch/stubs/sync" <<STUB
#!/bin/sh
case \$* in *bin/shipit.new*) kill -$signal \$PPID ;; esac
exec /usr/bin/sync "\$@"
STUB
    chmod 755 "$scratch/stubs/sync"
    code=0
    PATH=$scratch/stubs:$PATH install_shipit >"$scratch/interrupted.log" 2>&1 || code=$?
    [[ $code != 0 ]] || fail "it was not stopped"
    expect_equal "$(cat "$installed/bin/shipit")" "an old one"
    [[ $signal == KILL ]] || expect_equal "$(find "$DESTDIR/opt" -name '*.new*')" ""
done
[[ -e $installed/bin/shipit.new ]] || fail "it was killed at another time"
expect_exit 0 install_shipit
expect_exit 0 diff -u "$scratch/files" <(files)
PATH=$scratch/stubs:$PATH install_shipit >"$scratch/interrupted.log" 2>&1 || true
expect_exit 0 uninstall
expect_equal "$(files | wc -l)" 1 "$(files)"

# An --uninstall that was killed is finished by the next.
expect_exit 0 install_shipit
cat >"$scratch/stubs/rm" <<STUB
#!/bin/sh
case \$* in *lib/systemd/system/*) kill -KILL \$PPID ;; esac
exec /usr/bin/rm "\$@"
STUB
chmod 755 "$scratch/stubs/rm"
PATH=$scratch/stubs:$PATH uninstall >"$scratch/interrupted.log" 2>&1 || true
rm "$scratch/stubs/rm"
[[ ! -e $installed/bin/shipit && -d $installed/lib/systemd/system ]] || fail "it was killed at another time"
expect_exit 0 uninstall
expect_equal "$(files | wc -l)" 1 "$(files)"

# Two at once, and an --uninstall: they take turns, and the last one counts.
expect_exit 0 install_shipit
cat >"$scratch/stubs/sync" <<STUB
#!/bin/sh
case \$* in *bin/shipit.new*) echo >>$scratch/at_work; until [ -e $scratch/go ]; do sleep 0.02; done ;; esac
exec /usr/bin/sync "\$@"
STUB
PATH=$scratch/stubs:$PATH install_shipit >"$scratch/first.log" 2>&1 &
first=$!
expect_soon 20 test -e "$scratch/at_work"
waits() { grep -q "^Waiting for another install.sh" "$scratch/$1.log"; }
uninstall >"$scratch/second.log" 2>&1 &
second=$!
expect_soon 20 waits second
install_shipit >"$scratch/third.log" 2>&1 &
third=$!
expect_soon 20 waits third
expect_equal "$(wc -l <"$scratch/at_work")" 1
touch "$scratch/go"
for process in "$first" "$second" "$third"; do wait "$process" || fail "$(cat "$scratch"/{first,second,third}.log)"; done
# Which of the two that waited came last is chance.
if [[ -e $installed/bin/shipit ]]; then
    expect_exit 0 diff -u "$scratch/files" <(files)
    expect_exit 0 uninstall
fi
expect_equal "$(files | wc -l)" 1 "$(files)"

# Whatever its umask, root installs for everybody.
(umask 077 && expect_exit 0 install_shipit) || exit 1
expect_equal "$(find "$installed" -type d ! -perm 755)" ""
expect_equal "$(stat -c %a "$installed/bin/shipit" "$installed/share/man/man1/shipit.1" | xargs)" "755 644"
size=$(du -sk "$installed" | cut -f1)
expect_exit 0 uninstall

[[ $(id -u) == 0 ]] || { echo "the rest is skipped: only root can make a small disk" && exit 0; }
mount -t tmpfs -o "size=$((size * 3))k" shipit-e2e "$DESTDIR/opt" 2>/dev/null ||
    { echo "the rest is skipped: nothing can be mounted here" && exit 0; }
take_disk_away() {
    local status=$?
    umount -l "$DESTDIR/opt"
    (exit "$status") # as clean_up finds it
    clean_up
}
trap take_disk_away EXIT
expect_exit 0 install_shipit
files >"$scratch/files"
fill() { cat /dev/zero >"$DESTDIR/opt/filler" 2>/dev/null || true; }
for room in 0 1000; do # for nothing, and for a part of the program
    fill
    truncate --size="-${room}K" "$DESTDIR/opt/filler"
    expect_exit 1 install_shipit
    expect_err "No space left on device"
    expect_err "what was installed in $installed is as it was"
    expect_err "next: make room there"
    expect_exit 0 "$installed/bin/shipit" version
    rm "$DESTDIR/opt/filler"
    expect_exit 0 diff -u <(grep -v manifest "$scratch/files") <(files | grep -v manifest)
done
expect_exit 0 install_shipit
expect_exit 0 diff -u "$scratch/files" <(files)
