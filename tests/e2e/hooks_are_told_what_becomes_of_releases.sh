# The app's hooks are told what becomes of its releases: JSON on their stdin, the release's environment,
# as the app's user, within their time; no config var is in what they are told.
. "$(dirname "$0")/lib.sh"
needs curl

reserve_port
a_copy_of hello
mkdir -m 777 "$scratch/told"
cat >"$scratch/hello/hook.sh" <<END
cat >"$scratch/told/\$SHIPIT_EVENT.\$SHIPIT_RELEASE"
echo "\$(id -un) \$PWD \$SHIPIT_APP \$SHIPIT_PROCESS \$GREETING" >"$scratch/told/\$SHIPIT_EVENT.environment"
echo "told of \$SHIPIT_EVENT"
[[ ! -e $scratch/slow ]] || sleep 1000
END
cat >>"$scratch/hello/shipit.toml" <<'END'

[hooks]
deployed = "bash hook.sh"
failed = "bash hook.sh"
rolled_back = "bash hook.sh"
crashed = "bash hook.sh"
timeout = "30s"
END
user=$(id -un)
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port"
if [[ $user == root ]]; then
    expect_exit 0 ship deploy "$scratch/hello"
    expect_err "hooks.deployed is not run as root"
    [[ ! -e $scratch/told/deployed.v1 ]] || fail "a build's hook ran as root"
    user=nobody
    expect_exit 0 ship set "app.user=$user"
fi
expect_exit 0 ship config set --no-restart GREETING=s3cret
echo 1 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello" -m "Chatty"
live=$(ship status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["current"])')

# told EVENT RELEASE EXPRESSION: of the JSON that the hook was given.
told() { json "$scratch/told/$1.$2" "$3"; }
expect_equal "$(told deployed "$live" 'it["event"], it["app"], it["release"], it["description"], it["why"]')" \
    "('deployed', 'hello', '$live', 'Chatty', None)"
expect_equal "$(cat "$scratch/told/deployed.environment")" \
    "$user $(readlink -f "$SHIPIT_ROOT/hello/current") hello hook s3cret"
! grep -q s3cret "$scratch/told/deployed.$live" || fail "a config var was told"
expect_exit 0 ship output
expect_out "told of deployed"

failed=v$((${live#v} + 1))
sed 's/^web = .*/web = "false"/' -i "$scratch/hello/shipit.toml"
expect_exit 3 ship deploy "$scratch/hello"
expect_equal "$(told failed "$failed" 'it["previous"], "exited with status 1" in it["why"]')" "('$live', True)"

# A rollback, and a hook that takes too long, which is nobody's harm.
sed 's/^web = .*/web = "python3 server.py"/' -i "$scratch/hello/shipit.toml"
touch "$scratch/slow"
sed 's/^timeout = "30s"/timeout = "2s"/' -i "$scratch/hello/shipit.toml"
echo 2 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello"
expect_err "hooks.deployed took longer than 2s"
rm "$scratch/slow"
expect_exit 0 ship rollback
back=$(ship status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["current"])')
expect_equal "$(told rolled_back "$back" 'it["rollback_of"], it["release"]')" "('$live', '$back')"

# A process that keeps crashing, of a release that is good.
is_good() { ship info --json | python3 -c 'import json, sys; sys.exit(not json.load(sys.stdin)["good"])'; }
expect_soon 20 is_good
crash() {
    ship ps --json | python3 -c 'import json, sys; print(*[p["pid"] for p in json.load(sys.stdin) if p["state"] == "up"])' | xargs -r kill -KILL
    [[ -s $scratch/told/crashed.$back ]]
}
expect_soon 60 crash
expect_equal "$(told crashed "$back" 'it["process"], it["why"]')" "('web.1', 'web.1 keeps crashing')"
expect_exit 0 ship events # which was nobody's doing
expect_match "crashed $back by shipit: "
