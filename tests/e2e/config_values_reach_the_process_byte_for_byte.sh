# Config values with spaces, quotes, newlines and $ reach the process byte for byte, and appear in no
# log, no error, no argument list and no file that others can read.
. "$(dirname "$0")/lib.sh"
needs curl

reserve_port
url=http://127.0.0.1:$port
sentinel="sentinel-$RANDOM$RANDOM$RANDOM"
a_copy_of hello
# The page /hex/NAME answers with the bytes of that variable, in hex.
sed -i 's|    if path == "/pid":|    if path.startswith("/hex/"):\n        return 200, os.environb.get(path[5:].encode(), b"").hex()\n&|' \
    "$scratch/hello/server.py"

# Watches every argument list on the machine until the end, since a secret there is gone in a moment.
# The pattern is in a file: our own argument lists must not contain it.
printf '%s' "$sentinel" >"$scratch/bin/sentinel"
watch_arguments() {
    while true; do
        grep -slF -f "$scratch/bin/sentinel" /proc/[0-9]*/cmdline >>"$scratch/seen.log" || true
        sleep 0.01
    done
}
expect_no_secret() {
    ! grep -qF -f "$scratch/bin/sentinel" "$out" "$err" || depth=1 fail "a value was shown"
}
bytes_of() { od -An -v -tx1 | tr -d ' \n'; }
watch_arguments &

declare -A values=(
    [SPACES]="  $sentinel with  spaces  "
    [QUOTES]="$sentinel 'single' \"double\" \`back\` \\ \\n"
    [LINES]="$sentinel"$'\nsecond line\n\tthird\n'
    [DOLLARS]="$sentinel \$HOME \${PATH} \$(id) \$\$ %s %% #not-a-comment"
    [UNICODE]="$sentinel é 😀 ‮ [x]=1"
    [EMPTY]=""
    [EQUALS]="=$sentinel==a=b="
)
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port"
for name in "${!values[@]}"; do
    # From stdin, since a value on a command line could be read by anybody (ps).
    # The last newline is the pipe's, not the value's.
    printf '%s\n' "${values[$name]}" >"$scratch/bin/value"
    set_from_stdin() { ship config set "$name" <"$scratch/bin/value"; }
    expect_exit 0 set_from_stdin
done
expect_exit 0 ship deploy "$scratch/hello"

for name in "${!values[@]}"; do
    expect_equal "$(page "$url/hex/$name")" \
        "$(printf '%s' "${values[$name]}" | bytes_of)" "$name"
    ship config get "$name" >"$scratch/bin/got"
    printf '%s\n' "${values[$name]}" | cmp - "$scratch/bin/got" || fail "config get $name differs"
done

# A change while it runs, a command of the app's, a deploy that fails: places where values leak.
printf '%s, changed' "$sentinel" >"$scratch/bin/value"
set_from_stdin() { ship config set SPACES <"$scratch/bin/value"; }
expect_exit 0 set_from_stdin
expect_equal "$(page "$url/hex/SPACES")" "$(bytes_of <"$scratch/bin/value")"
# shellcheck disable=SC2016  # for the app's shell to expand
expect_exit 0 ship run -- sh -c 'test -n "$SPACES"'
expect_exit 0 ship config
expect_no_secret
expect_exit 0 ship info v1
expect_no_secret
expect_exit 0 ship info v1 --json
expect_no_secret
expect_exit 0 ship releases --json
expect_no_secret
expect_exit 2 ship config set "1BAD=typed-by-somebody"
expect_not_in "typed-by-somebody"
for slip in "config" "config get" "config unset" "config --reveal"; do
    # shellcheck disable=SC2086  # words of one command
    expect_exit 2 ship $slip "KEY=typed-by-somebody"
    expect_not_in "typed-by-somebody"
done
set_nul() { printf '%s\0x' "$sentinel" | ship config set NUL; }
expect_exit 2 set_nul
expect_no_secret
sed -i 's/def greeting/def greting/' "$scratch/hello/server.py"
expect_exit 3 ship -v deploy "$scratch/hello"
expect_no_secret
expect_exit 0 ship rollback
expect_no_secret
expect_exit 0 ship logs -n 1000
expect_no_secret
expect_exit 0 ship config --reveal
grep -qF -f "$scratch/bin/sentinel" "$out" || fail "--reveal reveals nothing"

# What is on disk: config.toml and the manifests hold values and are their owner's alone.
grep -rlF -f "$scratch/bin/sentinel" "$SHIPIT_ROOT" >"$scratch/bin/holders" || true
[[ -s $scratch/bin/holders ]] || fail "no file holds the values?"
while read -r holder; do
    [[ $holder == */config.toml || $holder == */releases/v*.toml ]] || fail "a value is in $holder"
    expect_equal "$(stat -c %a "$holder")" 600 "$holder"
done <"$scratch/bin/holders"
seen=$(grep -c . "$scratch/seen.log" || true)
((seen == 0)) || fail "a value was in an argument list ($seen times)"
