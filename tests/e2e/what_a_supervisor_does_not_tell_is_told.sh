# The supervisor hangs, or was killed while its processes serve: `status` and `ps` say so and what to do,
# nothing waits for it without end, and what is advised works.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
export SHIPIT_APP=hello
url=http://127.0.0.1:$port/
supervisor() { pgrep -f "$SHIPIT_ROOT supervise hello"; }
no_supervisor() { ! supervisor; }
web=$(page "${url}pid")

# --- One that hangs ---

hanging=$(supervisor)
kill -STOP "$hanging"
way_out="kill -KILL $hanging (the app's processes go on); then shipit -a hello start"
expect_exit 1 timeout 40 "$SHIPIT_BIN" status
expect_match "^state: +supervisor hangs$"
expect_match "^release: +v1 First version, live since"
expect_match "^problem: +the supervisor did not answer within 10.* \(process $hanging\)$"
expect_out "$way_out"
expect_match "^20[^ ]+Z +deploy +v1 +First version; by "
expect_exit 1 timeout 40 "$SHIPIT_BIN" status --json
expect_equal "$(json "$out" 'it["state"], it["current"], it["supervised"], len(it["lately"])')" "('supervisor hangs', 'v1', False, 1)"
expect_equal "$(json "$out" '"did not answer" in it["complaint"]')" True
for command in ps start stop "restart web.1"; do
    # shellcheck disable=SC2086
    expect_exit 1 timeout 60 "$SHIPIT_BIN" $command
    expect_err "did not answer within"
    expect_err "next: $way_out"
done
expect_exit 1 ship status
expect_match "^state: +supervisor hangs$" # and not "stopped"
expect_exit 0 timeout 40 "$SHIPIT_BIN" apps
expect_match "^hello +v1 +supervisor hangs$"
expect_answer "$url" "This is release v1."

# --- One that was killed ---

kill -KILL "$hanging"
expect_soon 10 no_supervisor
expect_exit 0 ship ps
expect_not_in "No processes"
expect_match "no supervisor any more: processes of an earlier one go on \(.*$web"
expect_err "next: shipit -a hello start"
expect_exit 0 ship --quiet ps --json
expect_equal "$(json "$out" it)" "[]"
expect_exit 0 ship status
expect_match "^state: +not supervised$"
expect_match "^problem: +there is no supervisor any more: processes of an earlier one go on \(.*$web"
expect_match "^next: +shipit -a hello start$"
expect_exit 0 ship apps --json
expect_equal "$(json "$out" '[a["state"] for a in it]')" "['not supervised']"
expect_exit 0 ship status --json
expect_equal "$(json "$out" "it['supervised'], $web in it['unsupervised']")" "(False, True)"
expect_exit 0 ship start
expect_exit 0 ship status
expect_match "^state: +up$"
expect_match "^web\.1 +up +v1 "
expect_equal "$(page "${url}pid")" "$web"

# --- One that waits for a process ---

cat >"$scratch/hello/worker.py" <<'END'
import signal, time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("deaf", "w").close()
while True:
    time.sleep(1)
END
sed -i '/^\[processes\]/a worker = {command = "python3 worker.py", stop_timeout = "10s"}' "$scratch/hello/shipit.toml"
expect_exit 0 ship deploy "$scratch/hello"
expect_soon 10 test -e "$SHIPIT_ROOT/hello/current/deaf"
is_stopping() { ship ps | grep -E "^worker\.1 +stopping "; }
"$SHIPIT_BIN" restart worker.1 2>"$err" &
restart=$!
expect_soon 10 is_stopping
kill -INT $restart
code=0
wait $restart || code=$?
expect_equal $code 130
is_stopping || fail "the restart was waited for"
