# A release that says that it cannot be undone stands in the way back: rollback explains and takes
# --force, nothing goes back by itself, and what failed before it was live leaves its barrier behind.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
next_build() { echo "$1" >"$scratch/hello/build"; }
release_script() { echo "$1" >"$scratch/hello/release.sh"; }
live() { basename "$(readlink "$SHIPIT_ROOT/hello/current")"; }
hello_release_command "exit 0"
expect_exit 0 ship deploy "$scratch/hello" -m "Can be undone"
expect_err "to undo: shipit -a hello rollback v1"

# The release command says so: the release goes live all the same, and is on no trial.
release_script "echo 'dropping a column'; exit 10"
expect_exit 0 ship deploy "$scratch/hello" -m "Drops a column" --trial 10m
expect_err "v3 cannot be undone: its release command exited with 10"
expect_err "not on trial"
expect_not_in "to undo"
expect_answer "$url" "This is release v3."
expect_exit 0 ship releases
expect_match "v3 .*Drops a column .*irreversible"
expect_exit 0 ship info v3
expect_match "Irreversible: .*release command exited with 10"
expect_exit 0 ship info v2 --json
expect_equal "$(json "$out" 'it["eligible_for_rollback"], it["why"], it["irreversible"]')" \
    "(True, 'is from before v3, which cannot be undone: it takes --force', False)"

# There and no further, with a version or without.
release_script "exit 0"
next_build 4
expect_exit 0 ship deploy "$scratch/hello" -m "On the new data"
expect_exit 0 ship rollback
expect_out "Rolled back hello to v3 as v5"
expect_exit 0 ship info v5 # the command of v3's build says so each time that it runs
expect_match "Irreversible: .*release command exited with 10"
expect_exit 6 ship rollback
expect_err "v2 is from before v3, which cannot be undone: its release command exited with 10"
expect_err "rollback --force v2"
expect_exit 0 ship hold -m "until Monday"
expect_exit 6 ship rollback # what --force would let through is all told
expect_match "until Monday; and v2 is from before v3, which cannot be undone"
expect_exit 0 ship hold --clear
expect_exit 6 ship rollback v1
expect_answer "$url" "This is release v5."
expect_exit 0 ship rollback --force
expect_out "Rolled back hello to v2 as v6"
expect_answer "$url" "This is release v6."

# The build says so, and fails after it was live: somebody has to decide, and nobody else does.
cat >>"$scratch/hello/shipit.toml" <<'END'
irreversible = true
END
expect_exit 2 ship deploy "$scratch/hello" --trial 5m
expect_err "there is no way back from a trial"
sed -i 's/^watch = .*/watch = "20s"/' "$scratch/hello/shipit.toml"
sed -i 's|^    if path == "/pid":|    if path == "/die":\n        os._exit(1)\n&|' "$scratch/hello/server.py"
# Only v7 knows what that means, and only when it has been committed is it for nobody to take back.
ask_to_die() { grep -qs 'Z live$' "$SHIPIT_ROOT/hello/releases/v7.log" && page "${url}die"; }
wait_until 30 ask_to_die &
asker=$!
expect_exit 8 ship deploy "$scratch/hello" -m "Dies when it is live"
kill "$asker" || true
expect_err "it stays live, since v6 is from before v7, which cannot be undone: its build says"
expect_err "rollback --force v6"
expect_equal "$(live)" v7
expect_exit 0 ship rollback --force v6
expect_answer "$url" "This is release v6." # which is still warm: what runs is what ran
expect_equal "$(live)" v8

# It fails before it is live, but not before it has changed the data, with which v8 goes on.
release_script "exit 10"
sed -i -e '/^irreversible/d' -e 's/^watch = .*/watch = "1s"/' "$scratch/hello/shipit.toml"
sed -i 's/^web = .*/web = "false"/' "$scratch/hello/shipit.toml"
expect_exit 3 ship deploy "$scratch/hello"
expect_answer "$url" "This is release v6."
expect_exit 0 ship info v8
expect_match "Irreversible: .*v9 failed, but its release command exited with 10"
expect_exit 6 ship rollback v6
expect_exit 0 ship hold --clear
sed -i 's/^web = .*/web = "python3 server.py"/' "$scratch/hello/shipit.toml"
release_script "exit 0"
expect_exit 0 ship deploy "$scratch/hello" -m "Mended"
expect_exit 0 ship rollback
expect_out "Rolled back hello to v8 as v11"

# Killed, it may have changed the data as well.
echo "irreversible = true" >>"$scratch/hello/shipit.toml"
release_script "touch $scratch/begun; until [ -e $scratch/enough ]; do sleep 0.05; done"
"$SHIPIT_BIN" deploy "$scratch/hello" >"$scratch/killed.log" 2>&1 </dev/null &
killed=$!
expect_soon 30 test -e "$scratch/begun"
kill -KILL "$killed"
wait "$killed" || true
touch "$scratch/enough"
expect_exit 0 ship bless
expect_exit 0 ship info v11
expect_match "Irreversible: .*v12 failed, but its build says"
