# As root with `[app] user` set: the process runs as that user, and can write neither its release
# nor anything that decides what runs next; what is shared it can write.
. "$(dirname "$0")/lib.sh"
needs curl setpriv
[[ $(id -u) == 0 ]] || skip "only root can give an app a user of its own"

user=www-data
id "$user" >/dev/null 2>&1 || skip "there is no user $user here"
reserve_port
url=http://127.0.0.1:$port/
a_copy_of tells_who_it_is app
chmod -R go-rwx "$scratch/app" # who made the build is not who runs it
printf '\n[app]\nshared = ["data"]\n' >>"$scratch/app/shipit.toml"

expect_exit 0 ship create app
expect_exit 0 ship set "app.port=$port" "app.user=$user"
expect_exit 0 ship config set "APP_FOLDER=$SHIPIT_ROOT/app"
expect_exit 0 ship deploy "$scratch/app"

expect_answer "$url" "uid $(id -u "$user") gid $(id -g "$user") groups [$(id -G "$user" | sed 's/ /, /g')]"
expect_answer "$url" "write a file of the release: Permission denied"
expect_answer "$url" "add a file to the release: Permission denied"
expect_answer "$url" "remove a file of the release: Permission denied"
expect_answer "$url" "change the mode of the release: Operation not permitted"
expect_answer "$url" "move current: Permission denied"
expect_answer "$url" "read the config vars: Permission denied"
expect_answer "$url" "read a manifest: Permission denied"
expect_answer "$url" "become root: Operation not permitted"

# Whatever the build said, no entry of the tree is the user's or anybody's to write.
writable=$(find "$SHIPIT_ROOT/app/current/" \( -user "$user" -o -perm /022 \) ! -type l -print)
expect_equal "$writable" ""
# The process keeps no way back.
expect_exit 0 ship ps --json
pid=$(json "$out" 'it[0]["pid"]')
expect_exit 0 cat "/proc/$pid/status"
expect_match "^NoNewPrivs:.1$"
expect_match "^CapEff:.0+$"
expect_match "^CapPrm:.0+$"

# `run` and the release command are the app's too.
expect_exit 0 ship run -- id -un
expect_out "$user"
expect_exit 0 ship run -- sh -c 'echo kept >data/file'
expect_equal "$(cat "$SHIPIT_ROOT/app/shared/data/file")" kept
