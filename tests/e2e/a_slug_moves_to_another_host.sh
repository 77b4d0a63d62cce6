# A release is exported on one host and imported on another, where it goes live and back. Half a file and
# one that was altered are refused, and leave nothing.
. "$(dirname "$0")/lib.sh"
needs curl

there=$scratch/there
on_the_other() { SHIPIT_ROOT=$there "$SHIPIT_BIN" -a hello "$@"; }
from_file() { on_the_other import - "${@:2}" <"$1"; }
stored() { find "$there/hello/releases" "$there/hello/trees" | sort; }
forget_the_other() { # clean_up goes by the status that it finds
    local status=$?
    set +e
    on_the_other destroy hello --confirm hello >/dev/null 2>&1
    return "$status"
}
trap 'forget_the_other; clean_up' EXIT

hello_is_live
expect_exit 0 ship config set --no-restart COLOUR=here
sed -i 's/This is release/This, exported, is release/' "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello" -m "Second version"
cd "$scratch"

# --- Out of here ---

expect_exit 0 ship export v2
expect_out "Exported v2 of hello to hello-v2.tar.zst"
expect_equal "$(stat -c %a hello-v2.tar.zst)" 600
expect_exit 0 ship --json export v2 -o again
sha256=$(json "$out" 'it["sha256"]') id=$(json "$out" 'it["slug"]')
expect_exit 0 cmp again hello-v2.tar.zst
expect_exit 0 cmp again "$SHIPIT_ROOT/hello/releases/$id.tar.zst"
expect_equal "$(sha256sum again | cut -d ' ' -f 1)" "$sha256"
ship export v2 -o - 2>"$err" | cmp - again || fail "standard output is another slug"
expect_exit 2 python3 -c '
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn([os.environ["SHIPIT_BIN"], "-a", "hello", "export", "v2", "-o", "-"])))'
expect_in "which is a terminal"
expect_exit 1 ship export v99
expect_in "there is no release v99"
expect_exit 2 ship export v2 -o /dev/full
expect_in "'/dev/full' is there, and no file"
expect_equal "$(find . -maxdepth 1 -name '.shipit-export-*')" ""

# --- What is not whole does not come in there ---

here_port=$port
reserve_port
SHIPIT_ROOT=$there expect_exit 0 ship create hello
expect_exit 0 on_the_other set "app.port=$port"
expect_exit 0 on_the_other deploy "$tests/apps/hello" -m "Theirs"
stored >"$scratch/before"
size=$(stat -c %s again)
for cut in 0 1 100 $((size / 2)) $((size - 1)); do
    head -c "$cut" again >half
    expect_exit 7 on_the_other import half
    expect_exit 7 from_file half
done
for at in 20 $((size / 3)) $((size - 200)) $((size - 5)); do
    cp again altered
    python3 -c '
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(int(sys.argv[2]))
    file.write(bytes([byte ^ 4]))' altered "$at"
    expect_exit 7 on_the_other import altered
done
expect_exit 7 on_the_other import again --sha256 "${sha256//[0-7]/8}"
expect_in "its SHA-256 is $sha256 instead of"
cp again 00000000000000000000000000000000.tar.zst # named by an id that is another's
expect_exit 7 on_the_other import 00000000000000000000000000000000.tar.zst
expect_in "$id instead of 00000000000000000000000000000000"
stored | diff "$scratch/before" - || fail "something was left"

# --- And what is, does ---

expect_exit 0 from_file again --sha256 "$sha256"
expect_out "Imported slug ${id:0:10} into hello as v2, which is not live"
expect_err "to take it live: shipit -a hello activate v2"
expect_exit 0 on_the_other releases
expect_match 'v2 +Import [0-9a-f]+ \(never live\)'
expect_exit 1 on_the_other rollback # which never goes to what was never live
expect_answer "http://127.0.0.1:$port/" "This is release v1."
expect_answer "http://127.0.0.1:$port/" "This is release v1."
expect_exit 0 cmp again "$there/hello/releases/$id.tar.zst"
expect_exit 0 on_the_other --json info v2
expect_equal "$(json "$out" 'it["current"], it["status"], it["config"]')" "(False, 'succeeded', [])"
expect_exit 0 on_the_other rollback v2
expect_answer "http://127.0.0.1:$port/" "This, exported, is release v3."
expect_exit 0 on_the_other --json info v1 # it was not gone back from
expect_equal "$(json "$out" 'it["bad"]')" False
expect_exit 0 on_the_other rollback v1
expect_answer "http://127.0.0.1:$port/" "This is release v4."
expect_exit 0 on_the_other import again
expect_out "as v5, which is not live"
expect_exit 0 on_the_other verify --trees
expect_answer "http://127.0.0.1:$here_port/" "This, exported, is release v"

# A slug that was damaged there gives its place to the whole one, also where that was packed otherwise, and all of
# its releases are as good as they were.
python3 -c '
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(100)
    byte = file.read(1)[0]
    file.seek(100)
    file.write(bytes([byte ^ 4]))' "$there/hello/releases/$id.tar.zst"
expect_exit 7 on_the_other verify
expect_exit 0 on_the_other import again
expect_out "as v6, which is not live"
expect_exit 0 cmp again "$there/hello/releases/$id.tar.zst"
expect_exit 0 on_the_other verify --trees
rm "$SHIPIT_ROOT/hello/releases/$id.tar.zst"
touch "$scratch/hello/server.py" # which is no part of the id, but of the archive
expect_exit 0 ship deploy --force "$scratch/hello"
expect_exit 0 ship export v3 -o otherwise
! cmp -s otherwise again || fail "it was packed as before"
expect_exit 0 ship verify
rm "$there/hello/releases/$id.tar.zst"
expect_exit 0 on_the_other import otherwise
expect_out "as v7, which is not live"
expect_exit 0 on_the_other verify
expect_answer "http://127.0.0.1:$here_port/" "This, exported, is release v3."

# What its build says of itself counts there, too.
printf '\n[release]\nirreversible = true\n' >>"$scratch/hello/shipit.toml"
expect_exit 0 ship deploy "$scratch/hello" -m "Drops a column"
expect_exit 0 ship export v4 -o dropping
expect_exit 0 on_the_other import dropping
expect_exit 0 on_the_other activate v8
expect_exit 0 on_the_other info
expect_match "Irreversible: .*its build says release.irreversible"
expect_exit 6 on_the_other rollback
