# A deploy of an app that was stopped starts the new release, and nothing of the one before; if it fails, the
# app is stopped as it was, also where there was no supervisor any more.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
a_copy_of hello sick
sed -i 's/return 200, "ok, and/return 503, "sick, and/' "$scratch/sick/server.py"
nobody_listens() { ! curl --silent --output /dev/null "$url"; }
is_stopped() {
    nobody_listens || depth=1 fail "something listens"
    expect_exit 0 ship status --json
    expect_equal "$(json "$out" 'it["state"]')" stopped
    expect_equal "$(readlink "$SHIPIT_ROOT/hello/current")" "releases/v1"
}
supervisor() { pgrep -f "$SHIPIT_ROOT supervise hello"; }

expect_exit 0 ship stop
is_stopped
expect_exit 3 ship deploy "$scratch/sick"
expect_err "'hello' was stopped before, and still is"
is_stopped

# Held, it is so until it goes live by force, not until somebody tries.
expect_exit 0 ship hold v2 -m "it is sick"
kill -KILL "$(supervisor)"
expect_exit 3 ship deploy "$scratch/sick" --force
is_stopped
expect_exit 0 ship logs --release v1
expect_equal "$(grep -c "listening on port" "$out")" 1 "v1 was started again"
expect_exit 6 ship deploy "$scratch/sick"

# What is well goes live, and the app is not stopped any more.
echo again >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello"
expect_answer "$url" "This is release v4."
expect_exit 0 ship status --json
expect_equal "$(json "$out" 'it["state"]')" up

# So it is with one that is files only, and has nobody who starts it.
mkdir "$scratch/pages"
echo one >"$scratch/pages/page"
expect_exit 0 ship create pages
expect_exit 0 ship -a pages deploy "$scratch/pages"
expect_exit 0 ship -a pages stop
expect_exit 0 ship -a pages deploy "$scratch/pages"
expect_out "Deployed v2"
expect_exit 0 ship -a pages status --json
expect_equal "$(json "$out" 'it["state"]')" "files only"
expect_exit 0 ship -a pages deploy "$scratch/pages"
expect_out "Nothing changed"
