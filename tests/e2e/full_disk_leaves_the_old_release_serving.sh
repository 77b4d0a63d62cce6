# A disk that is full is reported by name, whatever it stops; the old release serves, nothing of the
# failed attempt takes room, and with room again all goes on.
. "$(dirname "$0")/lib.sh"
needs curl
[[ $(id -u) == 0 ]] || skip "only root can make a small disk"
mkdir "$SHIPIT_ROOT"
mount -t tmpfs -o size=3m shipit-e2e "$SHIPIT_ROOT" 2>/dev/null || skip "nothing can be mounted here"
take_disk_away() {
    local status=$?
    set +e
    # The app first, which runs from there.
    timeout 20 "$SHIPIT_BIN" destroy hello --confirm hello >/dev/null 2>&1
    umount -l "$SHIPIT_ROOT"
    (exit "$status") # as clean_up finds it
    clean_up
}
trap take_disk_away EXIT

hello_is_live
free_space() { df -Pk "$SHIPIT_ROOT" | awk 'NR == 2 { print $4 }'; }
no_space() {
    expect_err "No space left on device"
    expect_err "next: make room"
}

# A build that is too large.
before=$(free_space)
a_copy_of hello large
head -c 8000000 /dev/urandom >"$scratch/large/film"
expect_exit 1 ship deploy "$scratch/large"
no_space
expect_answer "$url" "This is release v1."
(($(free_space) >= before - 100)) || fail "the failed deploy left something: $(free_space) of $before KB"

# Not a byte is left.
cat /dev/zero >"$SHIPIT_ROOT/filler" 2>/dev/null || true
expect_exit 1 ship config set NAME=Ada
no_space
expect_err "shipit -a hello prune --keep N"
sed -i "s/Hello/Good morning/" "$scratch/hello/server.py"
expect_exit 1 ship deploy "$scratch/hello"
no_space
expect_answer "$url" "Hello, World! This is release v1."
expect_exit 0 ship releases
expect_exit 0 ship status
expect_out "up"

# Room again.
rm "$SHIPIT_ROOT/filler"
expect_exit 0 ship config set NAME=Ada
expect_exit 0 ship deploy "$scratch/hello"
expect_answer "$url" "Good morning, Ada! This is release"
expect_exit 0 ship verify --trees

# A prune that has no tree to remove has no room for what it records, and does not advise itself.
expect_exit 0 ship stop # and so nothing else makes room meanwhile
python3 "$tests/e2e/many_releases.py" "$SHIPIT_ROOT/hello" 20
for release in "$SHIPIT_ROOT"/hello/releases/v{1..18}; do
    rm -r "$SHIPIT_ROOT/hello/trees/$(basename "$(readlink "$release")")"*
done
cat /dev/zero >"$SHIPIT_ROOT/filler" 2>/dev/null || true
expect_exit 1 ship prune --keep 1
no_space
expect_not_in "prune --keep"
rm "$SHIPIT_ROOT/filler"
expect_exit 0 ship prune --keep 1
expect_match "v18 expired"
expect_no_leftovers
