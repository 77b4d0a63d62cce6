# After a power cut nothing runs, whatever `current` says: deploying again what is live, as cron does,
# makes no release, and starts it.
. "$(dirname "$0")/lib.sh"
needs curl pgrep

hello_is_live
web=$(page "$url/pid")
kill -KILL "$(pgrep -f -- "--root $SHIPIT_ROOT supervise hello")"
kill -KILL "$web"
expect_exit 0 ship status
expect_out "not supervised"

expect_exit 0 ship deploy "$scratch/hello"
expect_out "Nothing changed"
expect_err "starting v1"
expect_soon 10 answers "$url" "This is release v1."
expect_exit 0 ship status
expect_match "state: +up"
