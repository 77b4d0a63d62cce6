# A disk of 40 MB is full, or nearly so, from nothing left to enough of it: whatever a command gets to
# write, it is done or it says what there was no room for, the old release serves meanwhile, and with
# room again the same command succeeds.
. "$(dirname "$0")/disk.sh"
needs curl python3
disk_at_root ext4 40M -m 0
hello_is_live
expect_exit 0 ship pin v1
url=http://127.0.0.1:$port/
left() { df -Pk "$disk" | awk 'NR == 2 { print $4 }'; }
# fill_but KB: all but that.
fill_but() {
    cat /dev/zero >"$disk/filler" 2>/dev/null || true
    truncate -s "-${1}K" "$disk/filler"
}
live() { readlink "$SHIPIT_ROOT/hello/current"; }

# with_little KB COMMAND…
tried=0 refused=0
with_little() {
    local before code=0
    before=$(live)
    fill_but "$1"
    "$SHIPIT_BIN" "${@:2}" --json >"$out" 2>"$err" </dev/null || code=$?
    tried=$((tried + 1))
    json "$out" 'it' >/dev/null || fail "with $1 KB left, this is no JSON: $(cat "$out" "$err")"
    ship status >"$scratch/status" || fail "with $1 KB left, status fails: $(cat "$scratch/status")"
    expect_answer "$url" "This is release $(basename "$(live)")."
    if [[ $code != 0 ]]; then
        refused=$((refused + 1))
        expect_match "No space left on device|no room"
        expect_equal "$(live)" "$before" "with $1 KB left: $*"
        [[ $code == 1 || $code == 3 ]] || fail "with $1 KB left, ${*:2} gave $code: $(cat "$err")"
    fi
    rm "$disk/filler"
    expect_exit 0 ship "${@:2}"
    expect_no_leftovers
    expect_answer "$url" "This is release $(basename "$(live)")."
}
kb=(0 4 8 12 16 20 24 32 40 56 80)
for i in "${!kb[@]}"; do
    with_little "${kb[i]}" config set "NAME=Ada$i"
    head -c 20000 /dev/urandom >"$scratch/hello/film"
    with_little "${kb[i]}" deploy "$scratch/hello"
    with_little "${kb[i]}" rollback v1
    with_little "${kb[i]}" prune --keep 1
done
expect_exit 0 ship verify --trees
echo "a full disk: $tried commands, $refused of them refused, 0 violations"
((refused > 0)) || fail "the disk was hardly ever full"
