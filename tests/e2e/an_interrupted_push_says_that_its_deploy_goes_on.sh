# ^C or SIGTERM ends a push, and not the deploy that it has begun: whoever gave it is told so, and the same push
# again joins that deploy. With --json, the status that is told is that with which it ends.
. "$(dirname "$0")/lib.sh"
needs curl python3

hello_is_live
another_host_is_near
export XDG_CACHE_HOME=$scratch/cache
push() { SHIPIT_ROOT=$scratch/nowhere ship push host:hello "$scratch/hello" "$@"; }
hello_release_command "touch $scratch/begun; until [ -e $scratch/finish ]; do sleep 0.02; done"
advice="the deploy goes on there: the same command again joins it"

# interrupted SIGNAL STATUS OPTION…: a push that is, once its deploy has begun or is joined.
interrupted() {
    local client code=0
    : >"$err" # before its beginning is waited for
    SHIPIT_ROOT=$scratch/nowhere "$SHIPIT_BIN" push host:hello "$scratch/hello" "${@:3}" >"$out" 2>"$err" &
    client=$!
    expect_soon 20 grep -qF "release command:" "$err"
    kill "-$1" "$client"
    wait "$client" || code=$?
    sed 's/^/  out: /' "$out"
    sed 's/^/  err: /' "$err"
    expect_equal "$code" "$2"
}
interrupted INT 130
expect_err "  next: $advice"
interrupted TERM 143 --json
expect_err "joining"
expect_equal "$(json "$out" 'it["error"]["code"], it["error"]["next"]')" "(143, '$advice')"
touch "$scratch/finish"
expect_exit 0 push
expect_out "Deployed v2 to hello"

# Before anything is delivered there is nothing to tell of it.
mkfifo "$scratch/nobody"
SHIPIT_SSH="cat $scratch/nobody" "$SHIPIT_BIN" push host:hello "$scratch/hello" --json >"$out" 2>"$err" &
client=$!
exec 8>"$scratch/nobody" # it is asking by now
code=0
kill -INT "$client"
wait "$client" || code=$?
expect_equal "$code" 130
expect_equal "$(json "$out" 'it["error"]["code"]')" 130
expect_not_in "goes on"
