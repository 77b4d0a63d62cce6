# With 16 descriptors, or hardly any memory, a command does what it is for or says what it lacks; the
# old release serves, and nothing is left half done.
. "$(dirname "$0")/../e2e/lib.sh"
needs curl python3 prlimit
hello_is_live
expect_exit 0 ship pin v1
url=http://127.0.0.1:$port/
live() { basename "$(readlink "$SHIPIT_ROOT/hello/current")"; }

# limited LIMIT REASON COMMAND…: succeeds, or fails for that reason.
limited() {
    local code=0 before
    before=$(live)
    prlimit "$1" -- "$SHIPIT_BIN" "${@:3}" --json >"$out" 2>"$err" </dev/null || code=$?
    sed "s/^/  $1: /" "$err"
    json "$out" 'it' >/dev/null || fail "$1: this is no JSON: $(cat "$out" "$err")"
    expect_answer "$url" "This is release $(live)."
    [[ $code != 0 ]] || return 0
    [[ $code == 1 || $code == 3 ]] || fail "$1: ${*:3} gave $code: $(cat "$err")"
    expect_match "$2"
    expect_equal "$(live)" "$before"
}
i=0
for descriptors in 4 5 6 7 8 9 10 12 14 16; do
    echo "$descriptors" >"$scratch/hello/build"
    prlimit "--nofile=$descriptors" -- "$SHIPIT_BIN" version >"$scratch/version" 2>&1 || continue # not to begin with
    limited "--nofile=$descriptors" "Too many open files" deploy "$scratch/hello"
    limited "--nofile=$descriptors" "Too many open files" config set "NAME=Ada$((++i))"
    limited "--nofile=$descriptors" "Too many open files" rollback v1
    limited "--nofile=$descriptors" "Too many open files" prune --keep 2
done
if ! is_sanitized; then # which need terabytes
    for mb in 16 24 32 40 48 64 96 128; do
        echo "$mb MB" >"$scratch/hello/build"
        prlimit --as=$((mb << 20)) -- "$SHIPIT_BIN" version >"$scratch/version" 2>&1 || continue # no room to begin in
        limited "--as=$((mb << 20))" "memory" deploy "$scratch/hello"
        limited "--as=$((mb << 20))" "memory" config set "NAME=Ada$((++i))"
    done
fi
expect_exit 0 ship deploy "$scratch/hello"
expect_exit 0 ship config set NAME=Grace
expect_answer "$url" "Hello, Grace! This is release"
expect_exit 0 ship verify --trees
expect_no_leftovers

# A supervisor with 16 descriptors itself: the app is served, or it is said why not.
expect_exit 0 ship stop
supervisor=$(pgrep -f "$SHIPIT_ROOT supervise hello")
kill -KILL "$supervisor"
is_gone() { ! kill -0 "$supervisor"; }
expect_soon 5 is_gone
code=0
prlimit --nofile=16 -- "$SHIPIT_BIN" start >"$out" 2>"$err" || code=$?
cat "$err"
if [[ $code == 0 ]]; then
    expect_soon 10 answers "$url" "This is release"
else
    expect_match "Too many open files"
fi
expect_exit 0 ship stop
