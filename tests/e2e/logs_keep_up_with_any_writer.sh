# Programs that write as fast as they can, lines, one line without an end, or bytes that are no text: the
# supervisor's memory stays bounded, the log's size too, others are heard, and no last line is lost.
. "$(dirname "$0")/lib.sh"

mkdir "$scratch/app"
cat >"$scratch/app/shipit.toml" <<'END'
[processes]
lines = "yes a line of the fast one"
zeros = "cat /dev/zero"
noise = "cat /dev/urandom"
quiet = "while :; do echo I am heard; sleep 0.2; done"
END
expect_exit 0 ship create loud
expect_exit 0 ship deploy "$scratch/app"
supervisor=$(pgrep -f "$SHIPIT_ROOT supervise loud")
logs=$SHIPIT_ROOT/loud/log

says() {
    ship -a loud logs -p "$1" -n 10 >"$scratch/said"
    grep -aqF -e "$2" "$scratch/said"
}
expect_soon 60 says quiet "I am heard"
expect_soon 60 says lines "a line of the fast one"
# Until every file has been written over once.
newest() { ls -i "$logs/app.log.4" 2>/dev/null; }
expect_soon 60 newest
first=$(newest)
has_rotated() { [[ $(newest) != "$first" ]]; }
expect_soon 60 has_rotated
peak=$(sed -nE 's/^VmHWM:\s+([0-9]+) kB/\1/p' "/proc/$supervisor/status")
echo "the supervisor's peak: $peak KiB"
((peak < 32768)) || is_sanitized || fail "the supervisor took $peak KiB"
expect_exit 0 ship -a loud ps
expect_match "lines\.1.*up"
expect_exit 0 ship -a loud stop
size=$(du -sk "$logs" | cut -f1)
((size < 5 * 10240 + 4096)) || fail "the logs take $size KiB"

# 28 MB without a newline, and then the end: the last of it is there.
cat >"$scratch/app/shipit.toml" <<'END'
[processes]
last = "sleep 6; head -c 28000000 /dev/zero | tr '\\0' x; printf 'the very last words'; exit 3"
[health]
watch = "0s"
END
expect_exit 0 ship create ending
expect_exit 0 ship -a ending deploy "$scratch/app"
has_ended() {
    ship -a ending logs -p last -n 3 >"$scratch/said"
    grep -aqF "exited with status 3" "$scratch/said"
}
expect_soon 60 has_ended
grep -aqF "the very last words" "$scratch/said" || fail "the last line was lost"
