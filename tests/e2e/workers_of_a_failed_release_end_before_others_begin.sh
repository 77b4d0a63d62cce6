# A release fails within its watch: its workers, which may not run beside another release's, end before those of
# the release that takes its place begin, however long they take and whatever its web still has to answer; and
# those begin also where the command that goes back has to wait.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
may_fall_sick "$scratch/hello"
sed -i 's|^    if path == "/":|    if path == "/slow":\n        open("asked", "w").close()\n        while not os.path.exists("enough"):\n            time.sleep(0.02)\n        return 200, "slow"\n&|; s/^import sys$/&\nimport time/' \
    "$scratch/hello/server.py"
sed -i 's|^web = .*|&\nworker = "bash worker.sh"|' "$scratch/hello/shipit.toml"
# Goes on for a second or two when it is to end.
cat >"$scratch/hello/worker.sh" <<'END'
trap 'end=$((SECONDS + 2))' TERM
until ((SECONDS >= ${end:-SECONDS + 1})); do
    echo tick
    sleep 0.02
done
END
# turns: whose worker wrote, one after the other.
turns() { sed -n 's/.* \(v[0-9]*\) worker\.1 tick$/\1/p' "$app/log/app.log" | uniq | xargs; }
expect_turns() { [[ $(turns) =~ ^$1$ ]] || depth=1 fail "the workers ran like this: $(turns)"; }
works() { [[ $(turns) == *" $1" ]]; }

expect_exit 0 ship deploy "$scratch/hello" --no-wait -m "The first with a worker"
expect_exit 0 ship bless v2
works_alone() { [[ $(turns) == "$1" ]]; }
expect_soon 20 works_alone v2

echo again >"$scratch/hello/build"
"$SHIPIT_BIN" deploy "$scratch/hello" >"$scratch/deploy.log" 2>&1 &
deploy=$!
expect_soon 20 is_live v3
curl --silent --max-time 60 "${url}slow" >"$scratch/slow.page" &
slow=$!
expect_soon 20 test -e "$app/releases/v3/asked"
expect_soon 20 works v3
touch "$app/releases/v3/sick"
code=0
wait "$deploy" || code=$?
expect_equal "$code" 4
expect_equal "$(readlink "$app/current")" releases/v4
expect_soon 20 works v4
touch "$app/releases/v3/enough"
wait "$slow" || fail "what v3 was asked was not answered"
expect_equal "$(cat "$scratch/slow.page")" slow
expect_turns 'v2 v3 (v2 )?v4'

# Somebody else has the lock, and goes on having it.
expect_exit 0 ship bless v4
echo "and again" >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello" --no-wait
expect_soon 20 works v5
exec 3>>"$app/lock"
flock 3
touch "$app/releases/v5/sick"
expect_soon 20 works v4
exec 3>&-
expect_soon 20 works v6
expect_turns 'v2 v3 (v2 )?v4 v5 v4 v6'
