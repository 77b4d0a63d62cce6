# Whoever sends a build slowly, or builds it, has no lock meanwhile: others go back, set, and take turns
# with him; what he sends is nobody's leftover; it is deployed when it has come.
. "$(dirname "$0")/lib.sh"
needs curl git

hello_is_live
echo 2 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello" -m "Second version"

# An upload that stalls in the middle of a file. What it has sent is there when others are at work.
a_copy_of hello third
head -c 8000000 /dev/urandom >"$scratch/third/large"
tar -cf "$scratch/third.tar" -C "$scratch/third" .
size=$(stat -c %s "$scratch/third.tar")
mkfifo "$scratch/upload"
"$SHIPIT_BIN" deploy - -m "Third version" <"$scratch/upload" >"$scratch/deploy.log" 2>&1 &
deployer=$!
exec 3>"$scratch/upload"
head -c $((size / 2)) "$scratch/third.tar" >&3
is_staged() { [[ -n $(find "$SHIPIT_ROOT/hello" -path '*/.build-*/*' -print -quit) ]]; }
expect_soon 20 is_staged
expect_exit 0 ship rollback
expect_not_in "left by an interrupted command"
expect_answer "$url" "This is release v3."
expect_exit 0 ship config set NAME=Ada
expect_not_in "left by an interrupted command"
is_staged || fail "what was sent was taken for a leftover"
tail -c +$((size / 2 + 1)) "$scratch/third.tar" >&3
exec 3>&-
wait "$deployer"
expect_answer "$url" "Hello, Ada! This is release v5."
expect_no_leftovers

# A slug that stalls on its way from another host.
expect_exit 0 ship export v4 -o "$scratch/slug"
half=$(($(stat -c %s "$scratch/slug") / 2))
"$SHIPIT_BIN" import - <"$scratch/upload" >"$scratch/import.log" 2>&1 &
importer=$!
exec 3>"$scratch/upload"
head -c "$half" "$scratch/slug" >&3
is_coming() { [[ -n $(find "$SHIPIT_ROOT/hello" -name slug -size +0 -print -quit) ]]; }
expect_soon 20 is_coming
expect_exit 0 ship rollback
expect_not_in "left by an interrupted command"
expect_answer "$url" "This is release v6."
is_coming || fail "what was sent was taken for a leftover"
tail -c +$((half + 1)) "$scratch/slug" >&3
exec 3>&-
wait "$importer" || fail "$(cat "$scratch/import.log")"
expect_exit 0 ship info v7
expect_no_leftovers

# Where somebody is at work, whoever does not want to wait is told before he has sent anything.
hello_release_command 'touch ../../began; while [ -e ../../wait ]; do sleep 0.05; done'
app=$SHIPIT_ROOT/hello
touch "$app/wait"
"$SHIPIT_BIN" deploy "$scratch/hello" -m "Fourth version" >"$scratch/fourth.log" 2>&1 &
fourth=$!
expect_soon 20 test -e "$app/began"
exec 4<>"$scratch/upload"
expect_exit 5 ship deploy - <&4
expect_err "deploy"
expect_exit 5 ship import - <&4
exec 4>&-
rm "$app/wait"
wait "$fourth"

# Who is killed while he sends leaves what goes with the next command.
"$SHIPIT_BIN" deploy - <"$scratch/upload" >"$scratch/deploy.log" 2>&1 &
deployer=$!
exec 3>"$scratch/upload"
head -c $((size / 2)) "$scratch/third.tar" >&3
expect_soon 20 is_staged
kill -9 "$deployer"
wait "$deployer" 2>/dev/null || true
exec 3>&-
expect_exit 0 ship config set NAME=Grace
expect_in "left by an interrupted command"
expect_no_leftovers

# A build command that takes its time.
if [[ $(id -u) == 0 ]]; then
    expect_exit 0 ship set app.user=www-data
fi
a_copy_of hello pushed
cd "$scratch/pushed"
printf '\n[build]\ncommand = "touch %s; while [ -e %s ]; do sleep 0.05; done"\n' "$scratch/builds" "$scratch/wait" \
    >>shipit.toml
git init -q -b main .
git add -A
git -c user.name=Ada -c user.email=ada@example.com commit -qm "Pushed version"
chmod 777 "$scratch"
expect_exit 0 ship git-init hello
touch "$scratch/wait"
git push -q "$SHIPIT_ROOT/hello/repo.git" main >"$scratch/push.log" 2>&1 &
pusher=$!
expect_soon 20 test -e "$scratch/builds"
expect_exit 0 ship config set NAME=Ken
rm "$scratch/wait"
wait "$pusher" || fail "$(cat "$scratch/push.log")"
expect_answer "$url" "Hello, Ken! This is release v11."
