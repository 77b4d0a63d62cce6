# The supervisor is killed under load, again and again: no request is lost, the app is not restarted,
# and the deploy after it, which starts the next supervisor, loses none either.
. "$(dirname "$0")/lib.sh"

deploy_plain_app

start_hammer
pid_of() { ship ps --json | python3 -c 'import json, sys; print(*[p["pid"] for p in json.load(sys.stdin) if p["state"] == "up"])'; }
is_gone() { ! kill -0 "$1"; }
for ((i = 1; i <= ${SHIPIT_LOAD_DEPLOYS:-6}; i++)); do
    before=$(pid_of)
    supervisor=$(supervisor)
    kill -KILL "$supervisor"
    expect_soon 5 is_gone "$supervisor"
    expect_exit 0 ship start # which starts a supervisor
    expect_equal "$(pid_of)" "$before" "the app was not restarted"
    echo "$i" >"$scratch/app/build"
    expect_exit 0 ship deploy "$scratch/app"
    expect_not_in "before its successor starts"
done
expect_none_failed
