# A check that hangs when the watch ends is waited for, and what goes on serving because the next deploy failed is
# watched anew.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
may_fall_sick "$scratch/hello"
sed -i 's/^watch = .*/watch = "6s"/' "$scratch/hello/shipit.toml"

# For ever, from the moment there is a file `hung`.
cp -R "$scratch/hello" "$scratch/hanging"
sed -i 's|^    if path == "/healthz":|    if path == "/healthz" and os.path.exists("hung"):\n        os.read(os.pipe()[0], 1)\n&|' \
    "$scratch/hanging/server.py"
{ wait_until 30 is_live v2 && touch "$app/releases/v2/hung"; } &
expect_exit 4 ship deploy "$scratch/hanging"
wait
expect_err "v2 went live and failed within its watch window"
expect_soon 20 answers "$url" "This is release v1."

expect_exit 0 ship deploy "$scratch/hello" --no-wait
expect_answer "$url" "This is release v4."
cp -R "$scratch/hello" "$scratch/broken"
sed -i 's/^web = .*/web = "false"/' "$scratch/broken/shipit.toml"
expect_exit 3 ship deploy "$scratch/broken"
touch "$app/releases/v4/sick"
expect_soon 20 is_live v6
expect_exit 0 ship releases
expect_match "v6 .*Automatic rollback to"
