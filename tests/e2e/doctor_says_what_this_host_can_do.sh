# `shipit doctor` tells whether a host has what shipit needs, what follows where it has not, and what to do;
# things are really taken away here. It changes nothing.
. "$(dirname "$0")/lib.sh"
everything() { find "$scratch" -mindepth 1 -path "$scratch/root*" -o -path "$scratch/home*" -printf '%p %y %m\n' | sort; }
groups_of_doctor() { find /sys/fs/cgroup -maxdepth 6 -name 'shipit*.doctor-*' 2>/dev/null || true; }
advises() { grep -A1 -E -e "^(note|problem) +$1: " "$out" | grep -qE -e "^ +next: .*$2" || depth=1 fail "no advice on $1: $2"; }

# A host that shipit was never used on.
everything >"$scratch/before"
expect_exit 0 ship doctor
expect_match "^ok +root: '$SHIPIT_ROOT' is not there yet; 'shipit create APP' makes it"
expect_match "^(ok +hand-over: gated: |note +hand-over: restart: )"
expect_match "^(ok|note) +control groups: "
expect_match "^(ok|note) +file system: "
expect_match "^ok +locks and links: "
expect_match "^(ok|note) +disk: .* left$"
expect_match "^ok +clock: 20"
expect_match "^problems: 0, notes: [0-9]+$"
everything | diff "$scratch/before" - || fail "something was changed"
no_group_is_left() { [[ -z $(groups_of_doctor) ]]; }
expect_soon 10 no_group_is_left # nor one of another scenario's, which goes by itself

expect_exit 0 ship doctor --json
expect_equal "$(json "$out" '{each["verdict"] for each in it} <= {"ok", "note"}')" True
expect_equal "$(json "$out" '[each["what"] != "" and each["app"] for each in it if each["about"] == "root"]')" "[None]"
expect_equal "$(json "$out" 'all((each["next"] is None) for each in it if each["verdict"] == "ok")')" True
expect_exit 0 ship --color always doctor
expect_out $'\x1b[32mok\x1b[0m       root: '
expect_exit 2 ship doctor everything

# Filters of containers and sandboxes, each in the way of something else.
if [[ $(uname -m) =~ ^(x86_64|aarch64)$ ]]; then
    under() { python3 "$tests/e2e/filtered.py" "$1" "$SHIPIT_BIN" doctor; }
    while read -r filter why; do
        expect_exit 0 under "$filter"
        expect_match "^note +hand-over: restart: .*$why.*; so the old release stops before the new one starts"
        advises hand-over "outside of what is in the way"
    done <<'END'
listener another program's seccomp filter is in the way
seccomp forbids seccomp
pidfd_getfd forbids pidfd_getfd
steering SO_ATTACH_REUSEPORT_CBPF: Operation not permitted
END
fi

# A root that cannot be one.
echo >"$SHIPIT_ROOT"
expect_exit 1 ship doctor
expect_match "^problem +root: '$SHIPIT_ROOT' is no folder"
advises root "choose another root"
rm "$SHIPIT_ROOT"
mkdir -m 777 "$SHIPIT_ROOT"
chmod 777 "$SHIPIT_ROOT"
expect_exit 1 ship doctor
expect_match "^problem +root: everyone on this host may write to '$SHIPIT_ROOT' \(mode 0777\)"
advises root "chmod o-w $SHIPIT_ROOT"
chmod 755 "$SHIPIT_ROOT"

# A release that was made in the future, or a clock that is behind.
mkdir "$scratch/files"
echo 1 >"$scratch/files/page"
expect_exit 0 ship create pages
expect_exit 0 ship deploy "$scratch/files"
expect_exit 0 ship doctor
expect_match "^(ok|note) +disk: .* left; v1 of 'pages' takes .* and 1 file"
sed -i -E 's/^created_at = "?[0-9]{4}/created_at = 2999/; s/^(created_at = )2999(.*)"$/\1"2999\2"/' "$SHIPIT_ROOT/pages/releases/v1.toml"
expect_exit 1 ship doctor
expect_match "^problem +clock: it is 20.* by this host's clock, but v1 of 'pages' was made at 2999-"
advises clock "timedatectl"
expect_err "to look at them, too: shipit doctor --all"
expect_exit 0 ship destroy pages --confirm pages

[[ $(id -u) == 0 ]] || exit 0

# An ordinary user, who may not write to root's folders but has a home.
cp "$SHIPIT_BIN" "$scratch/bin/shipit"
chmod -R a+rX "$scratch/bin"
mkdir "$scratch/nobody"
chown nobody: "$scratch/nobody"
as_nobody() {
    setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all --bounding-set=-all \
        env HOME="$scratch/nobody" "$@"
}
expect_exit 1 as_nobody "$scratch/bin/shipit" doctor
expect_match "^note +user: nobody, not root: all apps run as nobody"
expect_match "^problem +root: nobody may not write to '$SHIPIT_ROOT', which belongs to root \(mode 0755\)"
advises root "run shipit as its owner or as root"
expect_exit 0 as_nobody env -u SHIPIT_ROOT "$scratch/bin/shipit" doctor
expect_match "^(ok|note) +root: '$scratch/nobody/.local/share/shipit' is not there yet"
expect_match "^note +control groups: .*searched for and killed one by one"
advises "control groups" "Delegate=yes"
# Root, but without all of root's rights.
weak() { setpriv --bounding-set=-setuid,-net_bind_service "$SHIPIT_BIN" doctor; }
expect_exit 1 weak
expect_match "^problem +user: root, but without the right to become other users"

# Disks: full, in memory, read-only.
mount -t tmpfs -o size=3m shipit-e2e "$SHIPIT_ROOT" 2>/dev/null || exit 0
take_disk_away() {
    local status=$?
    set +e
    umount -l "$SHIPIT_ROOT"
    (exit "$status") # as clean_up finds it
    clean_up
}
trap take_disk_away EXIT
chmod 755 "$SHIPIT_ROOT"
expect_exit 0 ship doctor
expect_match "^note +file system: tmpfs, in memory: all apps are gone when the host is started again"
advises "file system" "choose a root on a disk"
expect_match "^note +disk: .* a few deploys"
cat /dev/zero >"$SHIPIT_ROOT/filler" 2>/dev/null || true
expect_exit 1 ship doctor
expect_match "^problem +disk: 0 B .* left: too little for a deploy"
advises disk "shipit prune --all"
rm "$SHIPIT_ROOT/filler"
mount -o remount,ro,noexec "$SHIPIT_ROOT"
expect_exit 1 ship doctor
expect_match "^problem +root: '$SHIPIT_ROOT' is on a read-only file system"
advises root "mount it writable"
expect_match "^note +file system: '$SHIPIT_ROOT' is mounted with 'noexec'"
