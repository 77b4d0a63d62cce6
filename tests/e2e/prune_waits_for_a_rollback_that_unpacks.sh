# A prune that comes while a rollback is in the midst of its unpacking waits for it, and neither spoils what the
# other does. One that is killed there leaves half a tree, which the next command removes.
. "$(dirname "$0")/lib.sh"
app=$SHIPIT_ROOT/files
export SHIPIT_APP=files
# Small files, so many that to unpack them takes a while.
mkdir "$scratch/files"
for i in {1..40}; do
    mkdir "$scratch/files/$i"
    head -c 400000 /dev/urandom | split -b 2000 -a 3 - "$scratch/files/$i/part."
done
expect_exit 0 ship create files
for i in 1 2 3; do
    echo "$i" >"$scratch/files/build"
    expect_exit 0 ship deploy "$scratch/files" -m "Build $i"
done

unfinished() { compgen -G "$app/trees/.new-*"; }
is_stopped() { [[ $(sed 's/.*) //' "/proc/$rollback/stat") == T* ]]; }
# stop_in_its_unpacking COMMAND…: runs shipit until half of a tree is there, and stops the process, which is to be
# slower than who looks for that.
stop_in_its_unpacking() {
    rm -rf "$app/trees/$(basename "$(readlink "$app/releases/v2")")"*
    nice -n 19 "$SHIPIT_BIN" "$@" >"$scratch/rollback.log" 2>&1 &
    rollback=$!
    until unfinished >/dev/null; do
        kill -0 "$rollback" || fail "it was not seen to unpack"
    done
    kill -STOP "$rollback"
    expect_soon 5 is_stopped
    unfinished >/dev/null || fail "it had unpacked already"
}

stop_in_its_unpacking rollback v2
expect_exit 5 ship prune --keep 1
expect_err "'files' is locked by"
expect_err "rollback"
ship prune --keep 1 --wait >"$scratch/prune.log" 2>&1 &
pruner=$!
expect_soon 10 grep "waiting for .*rollback" "$scratch/prune.log"
unfinished >/dev/null || fail "what is being unpacked was removed"
kill -CONT "$rollback"
wait "$rollback" || fail "the rollback failed: $(cat "$scratch/rollback.log")"
wait "$pruner" || fail "the prune failed: $(cat "$scratch/prune.log")"
expect_equal "$(readlink "$app/current")" releases/v4
expect_equal "$(cat "$app/current/build")" 2
expect_exit 0 ship verify --trees
expect_exit 0 ship events
expect_match "prune v2 by .*: expired" # what is live has its slug; v1 is the way back, v3 the way forward
! unfinished || fail "something was left"

# In order now, which the next command sees, but not after one that was killed.
[[ -s $app/.in-order ]] || fail "the prune has not left word that all is in order"
echo 5 >"$scratch/files/build"
expect_exit 0 ship deploy "$scratch/files"
stop_in_its_unpacking rollback v4
kill -KILL "$rollback"
wait "$rollback" 2>/dev/null || true
unfinished >/dev/null || fail "there is nothing to tidy up"
[[ ! -s $app/.in-order ]] || fail "who was killed has left word that all is in order"
expect_exit 0 ship rollback --check
expect_err "tidied up: removed '$app/trees/.new-"
expect_err "tidied up: v6 was interrupted: recorded as failed"
! unfinished || fail "something was left"
expect_exit 0 ship rollback
expect_not_in "tidied up"
expect_equal "$(cat "$app/current/build")" 2
expect_exit 0 ship verify --trees
