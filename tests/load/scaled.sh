# A server that does its work in one thread is scaled under load, again and again: no request is lost,
# and with four processes on two cores it answers at least 1.6 times as many as with one. Not every
# machine has that to give, with the client on the same cores: so, or as many as Node's own cluster
# module, which shares one socket among four workers that know of each other.
. "$(dirname "$0")/lib.sh"
needs node
(($(nproc) >= 2)) || skip "there is one core only"

reserve_port
mkdir "$scratch/app"
# A fixed amount of work, since what takes a fixed time would be done by any number at once.
cat >"$scratch/app/server.js" <<END
const { pbkdf2Sync } = require('crypto');
require('http').createServer((request, response) => {
  pbkdf2Sync('shipit', 'salt', 1500, 64, 'sha512');
  response.end('release ' + process.env.SHIPIT_RELEASE + '\n');
}).listen(process.env.PORT);
END
cat >"$scratch/cluster.js" <<END
const cluster = require('cluster');
if (cluster.isPrimary) for (let i = 0; i < 4; i++) cluster.fork();
else require('$scratch/app/server.js');
END
cat >"$scratch/app/shipit.toml" <<END
[processes]
web = "node server.js"
[health]
path = "/"
watch = "0s"
END
expect_exit 0 ship create load
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship deploy "$scratch/app"

# rate PORT: answers a second to eight clients at once: the best of three times, since others may use the cores.
rate() {
    for _ in 1 2 3; do
        timeout --preserve-status -s TERM 2 "$SHIPIT_BUILD/tests/load/hammer" "$1" 8 >"$scratch/rate"
        json "$scratch/rate" 'it["requests"] // 2'
    done | sort -n | tail -1
}
only_up() { [[ $(ship ps --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))') == "$1" ]]; }

public=$port
reserve_port
peer=$port port=$public
# cluster_rate: of the same server under Node's cluster module.
cluster_rate() {
    local cluster
    SHIPIT_RELEASE=v0 PORT=$peer node "$scratch/cluster.js" &
    cluster=$!
    expect_soon 20 answers "http://127.0.0.1:$peer/" release
    rate "$peer"
    kill "$cluster"
    wait "$cluster" || true
}

one=$(rate "$port")
start_hammer
expect_exit 0 ship scale web=4
expect_soon 60 only_up 4
expect_none_failed
four=$(rate "$port")
expect_exit 0 ship scale web=1
expect_soon 60 only_up 1
cluster=$(cluster_rate)
echo "answers a second: $one by one process, $four by four, $cluster by Node's cluster of four"

start_hammer
for ((i = 1; i <= ${SHIPIT_LOAD_DEPLOYS:-3}; i++)); do
    for count in 2 1 4; do
        expect_exit 0 ship scale "web=$count"
        expect_soon 60 only_up "$count"
    done
done
expect_none_failed
((10 * four >= 16 * one || 100 * four >= 95 * cluster)) ||
    fail "four processes answer $four requests a second, one $one, Node's cluster of four $cluster"
