# The supervisor is upgraded in place under load, again and again: no request is lost, it is the same
# process with the same children, its own absence is short, and deploys after it lose nothing either.
. "$(dirname "$0")/lib.sh"

installed=$scratch/bin/shipit
upgrade() { install -m 755 "$SHIPIT_BUILD/cmd/shipit" "$installed"; }
upgrade
SHIPIT_BIN=$installed
deploy_plain_app
supervisor=$(supervisor)

start_hammer
renewals() { grep -c "goes on with" "$SHIPIT_ROOT/load/log/supervisor.log"; }
are_renewals() { [[ $(renewals) == "$1" ]]; }
for ((i = 1; i <= ${SHIPIT_LOAD_DEPLOYS:-6}; i++)); do
    upgrade
    kill -HUP "$supervisor"
    expect_soon 40 are_renewals $((2 * i - 1))
    upgrade
    echo "$i" >"$scratch/app/build"
    expect_exit 0 ship deploy "$scratch/app" # which finds it outdated
    expect_equal "$(renewals)" $((2 * i))
    expect_equal "$(supervisor)" "$supervisor"
done
expect_none_failed
gaps=$(sed -nE 's/.*goes on with .* after ([0-9.]+) ms$/\1/p' "$SHIPIT_ROOT/load/log/supervisor.log" | sort -n | xargs)
echo "absences in ms: $gaps"
# Nearly all of it is the time that a program of our size takes to start here.
start=$(python3 -c 'import subprocess, sys, time
times = []
for _ in range(9):
    begin = time.monotonic()
    subprocess.run([sys.argv[1], "version"], stdout=subprocess.DEVNULL, check=True)
    times.append(1000 * (time.monotonic() - begin))
print(round(sorted(times)[4], 1))' "$installed")
median=$(awk '{ print $(int((NF + 1) / 2)) }' <<<"$gaps")
echo "a start of shipit: $start ms"
awk -v gap="$median" -v start="$start" 'BEGIN { exit !(gap <= 10 + 2 * start) }' ||
    fail "the supervisor was away for $median ms"
