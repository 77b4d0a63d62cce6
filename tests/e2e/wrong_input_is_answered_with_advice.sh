# Wrong input is answered with what is wrong, where, and what to do, and changes nothing.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
find "$SHIPIT_ROOT/hello/releases" | sort >"$scratch/before"

# --- The command line ---
expect_exit 2 ship rolback
expect_err "'rolback'"
expect_err "did you mean 'rollback'?"
expect_golden unknown_command
expect_exit 2 ship deploy --mesage x "$scratch/hello"
expect_err "--mesage"
expect_exit 2 ship status -w
expect_not_in "did you mean"
expect_exit 2 ship config list
expect_err "next: 'shipit config' shows what there is; see also 'shipit help config'"
expect_exit 2 ship config sett A=1
expect_err "did you mean 'config set'?"
expect_exit 2 ship create ../escape
expect_golden app_name_with_slash
expect_exit 2 ship create a/b
expect_err "a/b"
expect_exit 2 ship -a a/b releases
expect_exit 2 "$SHIPIT_BIN" --root
expect_err "'--root' needs a value"
expect_exit 1 ship restart wbe
expect_err "did you mean 'web'?"
[[ ! -e $scratch/escape && ! -e $SHIPIT_ROOT/a ]] || fail "a folder was made for a bad name"
expect_exit 1 ship -a helo releases
expect_err "helo"
expect_exit 1 ship create hello
expect_exit 2 ship destroy hello
expect_err "--confirm"
expect_exit 2 ship destroy hello --confirm helo
# Every app, or one of them? (What is not typed names none: SHIPIT_APP, the folder.)
for words in start stop prune verify doctor; do
    expect_exit 2 ship -a hello "$words" --all
    expect_err "'--all' means every app of this host, and '-a hello' is of one"
    expect_err "next: leave out '--all'"
done
expect_exit 2 ship verify v1 --all
expect_err "'v1' is of one"

# None, asked for by their number, is no news.
for words in "releases -n 0" "logs -n 0" "events -n 0"; do
    # shellcheck disable=SC2086
    expect_exit 0 ship $words
    [[ ! -s $err ]] || fail "'$words' says something"
done

# A result that could not be written is no matter of how many releases there are.
expect_exit 1 bash -c "'$SHIPIT_BIN' apps >/dev/full"
expect_err "cannot write the result to standard output: No space left on device"
expect_not_in "prune"

# What is taken, and cannot work as things are.
expect_exit 0 ship create neighbour
expect_exit 0 ship -a neighbour set "app.port=$port" app.user=nosuchuser
expect_err "warning: app 'hello' has port $port too: only one of them can listen on it"
expect_err "warning: there is no user 'nosuchuser' on this host; until then nothing of the app is started"
expect_out "app.user=nosuchuser"
expect_exit 0 ship destroy neighbour --confirm neighbour

# A build by another name: it may be meant.
mkdir "$scratch/by_name"
echo 'name = "other"' >"$scratch/by_name/shipit.toml"
expect_exit 0 ship create named
expect_exit 0 ship -a named deploy "$scratch/by_name"
expect_err "warning: the build says that it is 'other', and is for 'named' now"
sed -i 's/other/named/' "$scratch/by_name/shipit.toml"
expect_exit 0 ship -a named deploy "$scratch/by_name"
expect_not_in "the build says"
expect_exit 0 ship destroy named --confirm named
expect_answer "$url" "This is release v1."
SHIPIT_APP=hello expect_exit 0 ship verify --all
# Two forms of one output.
expect_exit 2 ship info --shell --json
expect_exit 2 ship config export --shell --json
expect_in "'--shell' and '--json'"
# A value that is no number, time or size, or out of its range: what would be one.
refused_value() { # refused_value OPTION=EXAMPLE COMMAND…
    expect_exit 2 ship "${@:2}"
    expect_match "'${1%=*}' (takes|must be) .*(, not |$)"
    expect_match "next: write it like $1$"
}
for words in "releases -n x" "releases -n 1.5" "events -n 99999999999" "report --num=-1"; do
    # shellcheck disable=SC2086  # several words
    refused_value --num=10 $words
done
expect_err "takes a whole number from 0 to 4294967295, not '-1'"
refused_value --lines=10 logs -n -1
refused_value --retries=10 push --retries x nowhere.invalid:hello "$scratch/hello"
for option in wait trial; do
    refused_value --$option=1h push nowhere.invalid:hello "$scratch/hello" --$option=400d
    expect_err "'--$option' takes up to 366d for a push, not 400d"
done
expect_exit 2 ship push nowhere.invalid:hello "$scratch/hello" -m "$(printf %05000d 1)"
expect_err "'--message' takes up to 4096 bytes, not 5000"
expect_err "  next: "
refused_value --keep=10 prune --keep 0
expect_err "'--keep' must be from 1 to 1000000, not 0"
refused_value --older-than=30d prune --older-than soon
refused_value --max-size=5G prune --max-size much
refused_value --wait=5m deploy --wait=x "$scratch/hello"
refused_value --trial=10m deploy --trial 0s "$scratch/hello"
refused_value --watch=5 status --watch=x

# --- Builds ---
expect_exit 1 ship deploy "$scratch/missing"
expect_golden missing_build
mkdir "$scratch/empty"
expect_exit 1 ship deploy "$scratch/empty"
expect_err "empty"
expect_golden empty_build
echo "this is no archive" >"$scratch/text.tar.gz"
expect_exit 1 ship deploy "$scratch/text.tar.gz"
expect_err "text.tar.gz"
expect_exit 7 ship import "$scratch/text.tar.gz"
expect_err "slug '$scratch/text.tar.gz' is damaged"

# --- Settings: file, line, column, and what was probably meant ---
cp -R "$scratch/hello" "$scratch/typo"
sed -i 's/^timeout/timout/' "$scratch/typo/shipit.toml"
expect_exit 2 ship deploy "$scratch/typo"
expect_err "shipit.toml:6:1:"
expect_err "'health.timout'"
expect_err "timeout"
expect_golden unknown_key
sed -i 's/^timout.*/timeout = 30/' "$scratch/typo/shipit.toml"
expect_exit 2 ship deploy "$scratch/typo"
expect_err "shipit.toml:6:"
expect_golden wrong_type
# Whoever stands in that folder means its app, and never the only other one.
echo 'name = "shop"' | cat - "$scratch/typo/shipit.toml" >"$scratch/named" && mv "$scratch/named" "$scratch/typo/shipit.toml"
expect_exit 1 env -C "$scratch/typo" "$SHIPIT_BIN" stop
expect_err "there is no app 'shop'"
echo "[processes" >"$scratch/typo/shipit.toml"
expect_exit 2 ship deploy "$scratch/typo"
expect_err "shipit.toml:1:"
expect_exit 2 env -C "$scratch/typo" "$SHIPIT_BIN" stop
expect_err "next: mend it, or say which app is meant: -a APP"
expect_exit 0 env -C "$scratch/typo" "$SHIPIT_BIN" -a hello status
expect_exit 2 ship stop --all=false
expect_err "'--all' takes no value"
expect_exit 2 ship set app.prot=1
expect_err "app.port"
expect_exit 2 ship set app.port=70000
expect_exit 0 ship set app.user=somebody # who may be made later
expect_exit 2 ship deploy "$scratch/hello"
expect_err "there is no user 'somebody'"
expect_exit 0 ship set app.user=

# --- Releases ---
expect_exit 1 ship info v99
expect_golden unknown_release
expect_exit 1 ship logs --release v99
expect_err "the nearest is v1, the newest"
expect_exit 1 ship rollback v99
expect_err "the nearest is v1, the newest"
expect_exit 0 ship rollback v1 # which is live: nothing to do
expect_in "already"
expect_not_in "v0"
expect_exit 1 ship rollback
expect_err "there is no release before v1"
expect_exit 1 ship rollback --undo
expect_err "next: to take any release live: shipit -a hello rollback vN"
expect_exit 2 ship rollback latest
expect_err "latest"
expect_exit 0 ship pin v1 before-the-move
expect_exit 2 ship rollback befor-the-move
expect_err "did you mean 'before-the-move'?"
expect_exit 0 ship unpin v1
expect_exit 0 ship config set --no-restart DATABASE_URL=db
expect_exit 1 ship config get DATABSE_URL
expect_err "did you mean 'DATABASE_URL'?"
expect_exit 1 ship config unset DATABSE_URL
expect_err "did you mean 'DATABASE_URL'?"
expect_exit 0 ship config unset --no-restart DATABASE_URL

find "$SHIPIT_ROOT/hello/releases" | sort | diff -u "$scratch/before" - || fail "something was changed"
expect_answer "$url" "This is release v1."

# --- A port that somebody else listens on ---
taken=$port
reserve_port
python3 -m http.server --bind 127.0.0.1 --directory "$scratch/empty" "$port" >/dev/null 2>&1 &
expect_soon 10 page "http://127.0.0.1:$port/"
expect_exit 0 ship set "app.port=$port"
sed -i "s/Hello/Good morning/" "$scratch/hello/server.py"
expect_exit 3 ship deploy "$scratch/hello"
expect_err "port $port"
expect_answer "http://127.0.0.1:$taken/" "This is release v1."

# --- The same as JSON ---
expect_exit 1 ship --json info v99
expect_equal "$(json "$out" 'it["error"]["outcome"]')" failed
