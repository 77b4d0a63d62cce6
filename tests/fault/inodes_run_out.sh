# A disk has room but takes no more files: that is said by name, the old release serves, and with files
# removed all goes on.
. "$(dirname "$0")/disk.sh"
needs curl python3
disk_at_root ext4 40M -N 400
hello_is_live
url=http://127.0.0.1:$port/
mkdir "$disk/filler.d"
more() { : >"$disk/filler.d/$1" 2>/dev/null; }
for ((i = 0; ; i++)); do more "$i" || break; done
rm "$disk/filler.d/0"
# One after the other is given back, so that each command gets a bit further than before.
for ((left = 0; left < 12; left++)); do
    code=0
    "$SHIPIT_BIN" config set "NAME=Ada$left" --json >"$out" 2>"$err" </dev/null || code=$?
    json "$out" 'it' >/dev/null || fail "this is no JSON: $(cat "$out" "$err")"
    [[ $code == 0 ]] || expect_match "No space left on device|can take"
    code=0
    head -c 2000 /dev/urandom >"$scratch/hello/film"
    "$SHIPIT_BIN" deploy "$scratch/hello" >"$out" 2>"$err" </dev/null || code=$?
    [[ $code == 0 ]] || expect_match "No space left on device|can take"
    expect_answer "$url" "This is release $(basename "$(readlink "$SHIPIT_ROOT/hello/current")")."
    rm -f "$disk/filler.d/$((left + 1))"
done
rm -r "$disk/filler.d"
expect_exit 0 ship config set NAME=Grace
expect_exit 0 ship deploy "$scratch/hello"
expect_answer "$url" "Hello, Grace! This is release"
expect_exit 0 ship verify --trees
expect_no_leftovers
