# An app of files alone has its reload command run after each switch, also one that had processes once, and
# whose supervisor is still there.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
mkdir "$scratch/site"
echo "Good morning" >"$scratch/site/index.html"
expect_exit 0 ship set "app.reload=echo reloaded \$SHIPIT_RELEASE >>$scratch/reloads"
expect_exit 0 ship deploy "$scratch/site"
expect_equal "$(cat "$scratch/reloads")" "reloaded v2"
echo "Good evening" >"$scratch/site/index.html"
expect_exit 0 ship deploy "$scratch/site"
expect_exit 0 ship rollback
expect_equal "$(tail -n 1 "$scratch/reloads")" "reloaded v4"
expect_exit 0 ship rollback v1
expect_equal "$(wc -l <"$scratch/reloads")" 3 "what has processes is not reloaded"
expect_answer "http://127.0.0.1:$port/" "This is release v5."
