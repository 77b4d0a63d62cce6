# How many processes run is changed without a release, and stays through releases, rollbacks, a new
# supervisor and a stop; only what has to is started or stopped, and what fails changes nothing.
. "$(dirname "$0")/lib.sh"
needs curl

reserve_port
url=http://127.0.0.1:$port/
a_copy_of hello
cat >"$scratch/worker.sh" <<END
[[ ! -e $scratch/broken ]] || { echo "no queue to work on"; exit 7; }
exec sleep 1000
END
sed -i "s|^web = .*|&\nworker = \"bash $scratch/worker.sh\"|" "$scratch/hello/shipit.toml"
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port"
expect_exit 1 ship scale web=2
expect_err "nothing of 'hello' is deployed"
expect_exit 0 ship deploy "$scratch/hello"

# shown TYPE: "count up".
shown() { ship scale --json | python3 -c "import json, sys; print(*[(p['count'], p['up']) for p in json.load(sys.stdin)['processes'] if p['type'] == '$1'][0])"; }
pids() { ship ps --json | python3 -c "import json, sys; print(*[p['pid'] for p in json.load(sys.stdin) if p['type'] == '$1' and p['state'] == 'up'])"; }
app_toml=$SHIPIT_ROOT/hello/app.toml

expect_equal "$(shown web)/$(shown worker)" "1 1/1 1"
worker=$(pids worker)
expect_exit 0 ship scale web=3
expect_match "web +3"
CLICOLOR_FORCE=1 expect_exit 0 ship scale
expect_out $'\e['
CLICOLOR_FORCE=0 expect_exit 0 ship scale
expect_not_in $'\e['
expect_equal "$(pids worker)" "$worker" "a worker is no concern of web=3"
three_answer() {
    local i
    for ((i = 0; i < 40; i++)); do page "${url}pid"; done | sort -u | wc -l | grep -qx 3
}
expect_soon 10 three_answer
expect_equal "$(shown web)" "3 3"
expect_exit 0 ship releases --json
expect_equal "$(json "$out" 'len(it)')" 1 "it is no release"

web=$(pids web)
expect_exit 0 ship scale worker=3
expect_equal "$(shown worker)" "3 3"
expect_equal "$(pids web)" "$web" "and a web server is no concern of worker=3"
[[ $(pids worker) == "$worker "* ]] || fail "worker.1 was replaced"
expect_exit 0 ship scale worker=1
expect_equal "$(pids worker)" "$worker"
expect_equal "$(pids web)" "$web"
expect_exit 0 ship scale worker=1 web=3
expect_err "Nothing changed"

# What does not come up changes nothing.
touch "$scratch/broken"
before=$(cat "$app_toml")
expect_exit 3 ship scale worker=2 web=1
expect_err "worker.2 exited with status 7"
expect_err "v1 still serves"
expect_equal "$(cat "$app_toml")" "$before"
expect_equal "$(pids web)" "$web"
expect_equal "$(pids worker)" "$worker"
expect_exit 3 ship scale worker=2
expect_equal "$(pids worker)" "$worker"
expect_equal "$(shown web)/$(shown worker)" "3 3/1 1"
rm "$scratch/broken"

# What is wrong is told, and nothing is done.
expect_exit 2 ship scale wbe=2
expect_err "did you mean 'web'?"
expect_exit 2 ship scale clock=2
expect_err "its types: web, worker"
expect_exit 2 ship scale web=two
expect_exit 2 ship scale web=-1
expect_exit 2 ship scale web=1001
expect_err "from 0 to 1000"
for wrong in web web= =2; do
    expect_exit 2 ship scale "$wrong"
done
expect_exit 2 ship scale web=2 wbe=2
expect_equal "$(cat "$app_toml")" "$before"
expect_equal "$(pids web)" "$web"

# Set, not scaled, a restart takes it up; what a release keeps waits for a deploy.
expect_exit 0 ship set processes.web.count=4 retention.keep=9
expect_err "takes effect with: shipit -a hello restart"
expect_exit 0 ship set processes.web.count=3 health.timeout=9s
expect_err "takes effect with the next deploy, processes.web.count already with: shipit -a hello restart"
expect_exit 0 ship set health.timeout=
expect_equal "$(cat "$err")" "takes effect with the next deploy"
expect_exit 0 ship set retention.keep=
expect_equal "$(cat "$err")" ""

# A supervisor that is upgraded, one that is killed: the counts and the processes are the same.
supervisor() { pgrep -f "$SHIPIT_ROOT supervise hello"; }
kill -HUP "$(supervisor)"
was_renewed() { grep -q "goes on with" "$SHIPIT_ROOT/hello/log/supervisor.log"; }
expect_soon 20 was_renewed
expect_equal "$(pids web)/$(pids worker)" "$web/$worker"
kill_for_good "$(supervisor)"
expect_exit 0 ship start
expect_equal "$(pids web)/$(pids worker)" "$web/$worker"

# Releases come and go; the same build is live already, with whatever count.
expect_exit 0 ship deploy "$scratch/hello"
expect_in "Nothing changed"
echo again >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello"
expect_equal "$(shown web)" "3 3"
expect_exit 0 ship scale web=2 worker=0
expect_exit 0 ship rollback v1
expect_equal "$(shown web)/$(shown worker)" "2 2/0 0"

# None at all: refused is better than unanswered.
expect_exit 0 ship scale web=0
nobody_listens() { ! curl --silent --output /dev/null "$url"; }
expect_soon 10 nobody_listens
expect_equal "$(shown web)" "0 0"
expect_exit 0 ship status
expect_match "^state: +scaled to none$"
expect_exit 0 ship apps
expect_match "^hello +v3 +scaled to none$"
expect_exit 0 ship -a hello doctor
expect_match "^note +processes: scaled to none$"
expect_out "next: shipit -a hello scale web=1"
expect_not_in "none of them runs"
expect_exit 0 ship set processes.web.count=1
expect_exit 0 ship scale web=1 # which the settings say already
expect_not_in "Nothing changed"
expect_answer "$url" "This is release v3."
expect_equal "$(shown web)" "1 1"

# Nobody supervises it: then that is mended, also where nothing else is to be done.
kill_for_good "$(supervisor)" "$(pids web)"
expect_exit 0 ship scale web=1
expect_err "starting v3, which nobody supervises"
expect_soon 10 answers "$url" "This is release v3."

# Where it is stopped, it will start with as many.
expect_exit 0 ship stop
expect_exit 0 ship scale web=2
expect_err "takes effect with"
expect_equal "$(shown web)" "2 0"
expect_exit 0 ship start
expect_equal "$(shown web)" "2 2"
expect_exit 0 ship ps:scale
expect_match "web +2 +2"

# What the settings say already, and runs not yet.
expect_exit 0 ship set processes.web.count=3
expect_equal "$(shown web)" "3 2"
expect_exit 0 ship scale web=3
expect_not_in "Nothing changed"
expect_equal "$(shown web)" "3 3"
expect_exit 0 ship scale web=3
expect_in "Nothing changed"

# A supervisor that answers does not make an app up.
expect_exit 0 ship scale worker=1
touch "$scratch/broken"
kill -KILL "$(pids worker)"
is_partly_up() { ship apps | grep -qE "^hello +v3 +partly up$"; }
expect_soon 10 is_partly_up
