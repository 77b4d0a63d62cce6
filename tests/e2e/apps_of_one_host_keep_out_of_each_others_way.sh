# Several apps and several users on one host: what one app's processes, or another user, can see of an
# app is no more than that it is there.
. "$(dirname "$0")/lib.sh"
needs curl python3 setpriv
[[ $(id -u) == 0 ]] || skip "only root can give apps users of their own"
for user in www-data nobody; do
    id "$user" >/dev/null 2>&1 || skip "there is no user $user here"
done

# --- Two apps of root's, each with a user of its own ---
for app in blog shop; do
    reserve_port
    a_copy_of hello $app
    expect_exit 0 ship create $app
    expect_exit 0 ship set -a $app "app.port=$port" "app.user=$([[ $app == blog ]] && echo www-data || echo nobody)"
    expect_exit 0 ship config set -a $app "SECRET=of-$app" --no-restart
    printf '\n[app]\nshared = ["data"]\n' >>"$scratch/$app/shipit.toml"
    expect_exit 0 ship deploy -a $app "$scratch/$app"
    expect_answer "http://127.0.0.1:$port/" "This is release v"
done
expect_exit 0 ship run -a blog -- sh -c 'echo kept >data/private; chmod 640 data/private'

# cannot COMMAND…: shop's process may not do it.
cannot() {
    local code=0
    ship run -a shop -- "$@" >"$out" 2>"$err" </dev/null || code=$?
    ((code != 0)) || depth=1 fail "shop can: $*"
    ! grep -q "of-blog\|kept" "$out" "$err" || depth=1 fail "shop reads: $*"
}
blog=$SHIPIT_ROOT/blog
expect_exit 0 ship ps -a blog --json
pid=$(json "$out" 'it[0]["pid"]')
for path in app.toml config.toml releases/v1.toml releases/v1.log events.jsonl log/web.1.log shared/data/private; do
    [[ -e $blog/$path || $path == log/* ]] || fail "there is no $path"
    cannot cat "$blog/$path"
done
cannot ls "$blog/releases"
cannot ls "$blog/log"
cannot sh -c "cat $blog/releases/*.tar.zst"
cannot cat "/proc/$pid/environ"
cannot kill "$pid"
cannot touch "$blog/x" "$blog/shared/data/x" "$blog/current/x"
cannot python3 -c "
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect('$blog/run/control.sock')
s.sendall(b'{\"request\":\"status\"}\n')
sys.exit(0 if s.recv(100) else 1)"

# --- What a group in common would open is told ---
expect_exit 0 ship doctor -a blog
expect_out "its processes run as 'www-data'"
if [[ $(id -gn nobody) == nogroup ]]; then
    expect_exit 0 ship doctor -a shop
    expect_match "^note +app.user: the group of 'nobody' is 'nogroup', which is that of many users:"
    expect_match "next: addgroup --system GROUP; usermod --gid GROUP nobody; chgrp -R GROUP $SHIPIT_ROOT/shop/shared; then shipit -a shop restart"
fi
if [[ $(id -g nobody) == "$(id -g sync)" ]]; then
    expect_exit 0 ship create till
    expect_exit 0 ship set -a till app.user=sync
    expect_exit 0 ship doctor -a shop
    expect_match "^note +app.user: the group of 'nobody' is that of 'sync', too, as whom the app 'till' runs:"
    expect_exit 0 ship set -a till app.user=nobody # apps of one user are open to each other anyway
    expect_exit 0 ship doctor -a shop
    expect_not_in "the app 'till' runs"
    expect_exit 0 ship destroy till --confirm till
fi

# --- Another user: sees the root's apps by name, and none of what they hold ---
cp "$SHIPIT_BIN" "$scratch/bin/shipit"
chmod 755 "$scratch/bin" "$scratch/bin/shipit"
mkdir -m 777 "$scratch/theirs"
as_other() {
    setpriv --reuid=daemon --regid=daemon --clear-groups env HOME="$scratch/theirs" "$scratch/bin/shipit" "$@"
}
id daemon >/dev/null 2>&1 || exit 0
expect_exit 0 as_other apps
expect_match "^blog +v[0-9]+ "
expect_exit 0 as_other apps --json
expect_equal "$(json "$out" '[a["app"] for a in it]')" "['blog', 'shop']"
! as_other set -a blog >"$out" 2>"$err" </dev/null || fail "another user reads an app's settings"
expect_not_in www-data
expect_err "next: '$SHIPIT_ROOT' is another user's: run shipit as its owner or as root"
as_other status -a blog >"$out" 2>"$err" </dev/null && code=0 || code=$?
sed 's/^/  /' "$out" "$err"
expect_out "blog"
expect_match "Permission denied|not yours|another user"
for command in ps releases "config --reveal" "info" events "deploy $scratch/hello" rollback stop "config set A=b" \
    pin hold; do
    # shellcheck disable=SC2086  # words
    as_other $command -a blog >"$out" 2>"$err" </dev/null && fail "another user may: $command"
    expect_not_in of-blog
    expect_err "next: '$SHIPIT_ROOT' is another user's: run shipit as its owner or as root"
done
expect_exit 0 ship status -a blog
expect_out "up"

# --- And a root of that user's own is not root's ---
expect_exit 0 env -u SHIPIT_ROOT setpriv --reuid=daemon --regid=daemon --clear-groups \
    env HOME="$scratch/theirs" "$scratch/bin/shipit" create mine
expect_exit 0 ship apps
expect_not_in mine
