# A worker that listens on PORT, as the web does, is told that the address is in use, and the deploy
# says why and what to do; on a port of its own it is nobody's business.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
public=$port
url=http://127.0.0.1:$public/
sed -i "s/This is release/This is {os.environ['SHIPIT_PROCESS']}, release/" "$scratch/hello/server.py"
sed -i '/^web = /a worker = "python3 server.py"' "$scratch/hello/shipit.toml"

why="it cannot have 127.0.0.1:$public, which is for web: give worker a port of its own, as by PORT=NUMBER"
sed -i 's/^watch = .*/watch = "20s"/' "$scratch/hello/shipit.toml" # the worker's end decides, whenever it comes
# 3, or 4 where the web was healthy before the worker had begun.
status=0
ship deploy "$scratch/hello" -m "Both on one port" >"$out" 2>"$err" || status=$?
[[ $status == 3 || $status == 4 ]] || fail "it ended with $status"
expect_in "worker.1 exited with status 1"
expect_in "$why before its command"
expect_answer "$url" "This is release v"
expect_exit 0 ship logs
expect_out "-- $why"

reserve_port
sed -i -e "s/^worker = .*/worker = \"PORT=$port python3 server.py\"/" -e 's/^watch = .*/watch = "1s"/' \
    "$scratch/hello/shipit.toml"
expect_exit 0 ship deploy "$scratch/hello" -m "Each on its own"
for ((i = 0; i < 20; i++)); do
    expect_answer "$url" "This is web.1, release v"
done
expect_soon 20 answers "http://127.0.0.1:$port/" "This is worker.1, release v"
