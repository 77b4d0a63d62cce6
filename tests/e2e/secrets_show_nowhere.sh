# Config vars, set from a pipe, a file and an editor, are in config.toml and the manifests, 0600, and in
# the environment of the app's processes, and nowhere else: whatever command is run, in whatever form,
# whatever fails or is killed meanwhile, and whoever looks at argument lists just then.
. "$(dirname "$0")/lib.sh"
needs curl zstd

# Two secrets of letters and digits, which nothing has to escape. Pieces are looked for, so that one that
# was cut off is found, too. The pieces are in a file, since our own argument lists hold none of them.
new_secret() { head -c 12 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
piped=piped$(new_secret) filed=filed$(new_secret)
pieces=$scratch/bin/pieces
printf '%s\n' "${piped:0:12}" "${piped: -12}" "${filed:0:12}" "${filed: -12}" >"$pieces"
chmod 644 "$pieces"
touch "$scratch/started"

expect_no_secret() {
    ! grep -qF -f "$pieces" "$out" "$err" || depth=${1:-1} fail "a value was shown"
}
# run CODE COMMAND…: as expect_exit, and shows no value, neither so nor as JSON.
run() {
    depth=2 expect_exit "$1" ship "${@:2}"
    expect_no_secret 2
}
# with STDIN-FILE CODE COMMAND…
with() {
    from_file() { ship "${@:2}" <"$1"; }
    depth=2 expect_exit "$2" from_file "$1" "${@:3}"
    expect_no_secret 2
}

# Looks at all argument lists: called by all that shipit starts, and so while it is at work.
cat >"$scratch/bin/look" <<END
#!/bin/bash
echo "\$1" >>"$scratch/bin/looks"
for file in \$(grep -slF -f "$pieces" /proc/[0-9]*/cmdline); do
    echo "\$1: \$(tr '\0' ' ' <"\$file")" >>"$scratch/bin/seen"
done
exit 0
END
# What a hook is told on stdin and by its arguments.
cat >"$scratch/bin/hook" <<END
#!/bin/bash
{ printf '%s\n' "\$@"; cat; } >>"$scratch/bin/told"
"$scratch/bin/look" "hook \$SHIPIT_EVENT"
[[ \$PIPED == p* ]] || echo "no PIPED in the hook's environment" >>"$scratch/bin/seen"
END
cat >"$scratch/bin/editor" <<END
#!/bin/bash
echo EDITED="\$(cat "$scratch/bin/filed")" >>"\$1"
"$scratch/bin/look" editor
END
chmod 755 "$scratch/bin"/*
touch "$scratch/bin/seen" "$scratch/bin/looks" "$scratch/bin/told"
chmod 666 "$scratch/bin/seen" "$scratch/bin/looks" "$scratch/bin/told"
printf '%s\n' "$piped" >"$scratch/bin/piped"
printf '%s\n' "$filed" >"$scratch/bin/filed"
printf 'IMPORTED=%s\n' "$filed" >"$scratch/bin/env"
chmod 600 "$scratch/bin"/{piped,filed,env}

reserve_port
a_copy_of hello
hello_release_command "\"$scratch/bin/look\" release
if [[ -e \"$scratch/bin/hold\" ]]; then touch \"$scratch/bin/held\"; fi
while [[ -e \"$scratch/bin/hold\" ]]; do sleep 0.02; done
[[ ! -e \"$scratch/bin/refuse\" ]] || exit 1"
chmod 777 "$scratch/bin"
commands=()
while read -r command; do commands+=("$command"); done < <(ship --help | sed -nE 's/^  ([a-z][a-z-]*( [a-z][a-z-]*)?)  +[^ ].*$/\1/p')

# --- Everything once, as JSON ---

story=()
both() { # both CODE COMMAND…: as JSON first, then as people see it
    story+=("${*:2}")
    run "$1" --json "${@:2}"
    [[ ${once:-} ]] || run "$1" -v "${@:2}"
}
only() { once=1 both "$@"; }
another_build() { printf '%s' "$1" >"$scratch/hello/build"; }

only 0 create hello
export SHIPIT_APP=hello
only 0 create other
only 0 destroy other --confirm other
both 0 apps
only 0 set "app.port=$port" health.watch=200ms
for event in deployed failed rolled_back crashed; do run 0 set "hooks.$event=$scratch/bin/hook"; done
[[ $(id -u) != 0 ]] || run 0 set app.user=nobody
with "$scratch/bin/piped" 0 config set PIPED
story+=("config set" "config edit" "config import" "config export" "config get")
run 0 config set "FILED@$scratch/bin/filed" OTHER=1
another_build 1
only 0 deploy "$scratch/hello" -m First
with "$scratch/bin/env" 0 --json config import -
EDITOR=$scratch/bin/editor run 0 config edit
only 0 config unset EDITED
both 0 config
both 0 releases
both 0 info
both 0 info v1
both 0 why
both 0 why v2
both 0 output
both 0 diff v1 v3
both 0 events
only 0 report -o "$scratch/report.html"
run 0 report -o -
! grep -qF -f "$pieces" "$scratch/report.html" || fail "a value is in the report"
both 0 releases --graph
both 0 status
both 0 ps
both 0 logs -n 1000
both 0 scale web=2
only 0 restart
only 0 stop
only 0 start
only 0 run -- true
both 0 pin v1 first
only 0 unpin v1
both 0 mark-bad v1
both 0 bless v1
both 0 hold -m "not now"
both 6 config set OTHER=2
both 0 hold
both 0 hold --clear
both 0 rollback --check
only 0 prune --dry-run
both 0 verify --trees
once=1 both 0 doctor
only 0 git-init hello
only 0 export v2 -o "$scratch/exported.oci" --format oci
only 0 export v2 -o "$scratch/exported"
only 0 import "$scratch/exported"
another_build stored
only 0 deploy --no-activate "$scratch/hello"
only 0 activate "$(ship releases --json -n 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["version"])')"
both 0 output -f
! grep -rqF -f "$pieces" "$scratch"/exported* || fail "a value was exported"
only 2 push
only 1 receive hello
only 2 key add hello nothing
only 0 key list hello
only 1 key remove hello someone
only 0 completion bash
both 0 init --dry-run "$scratch/hello"
both 0 help
both 0 version
for command in "${commands[@]}"; do
    printf '%s\n' "${story[@]}" | grep -e "^$command\b" >/dev/null ||
        fail "'$command' is not tried here: add it to the story"
done

# While it all runs, only the app's processes have it in their environment.
if [[ $(id -u) == 0 ]]; then
    while read -r file; do
        # What has ended since has none: the release before is being retired just now.
        { tr '\0' '\n' <"$file" >"$scratch/bin/environ"; } 2>/dev/null || continue
        [[ ! -s $scratch/bin/environ ]] || grep -q '^SHIPIT_PROCESS=web' "$scratch/bin/environ" ||
            fail "in the environment of $(tr '\0' ' ' <"${file%environ}cmdline")"
    done < <(grep -slF -f "$pieces" /proc/[0-9]*/environ || true)
    rm -f "$scratch/bin/environ"
fi

# --- What goes wrong ---

with "$scratch/bin/piped" 2 config set 1BAD
{ # what is typed is not to be in the log of this test
    run 2 config set "1BAD=$piped"
    run 2 config set "$piped-"
    run 2 config set NAME "$piped"
    run 2 config get "NAME=$piped"
    run 2 config unset "NAME=$piped"
    run 2 set "PIPED=$piped"
    run 2 "PIPED=$piped"
    run 2 --json config set "PORT=$piped"
} >/dev/null
{ cat "$scratch/bin/piped" && printf '\0'; } >"$scratch/bin/nul"
{ cat "$scratch/bin/piped" && printf '\377'; } >"$scratch/bin/latin"
{ cat "$scratch/bin/piped" && head -c 140000 /dev/zero | tr '\0' x; } >"$scratch/bin/long"
printf 'A="%s\n' "$piped" >"$scratch/bin/open"
for file in nul latin long; do with "$scratch/bin/$file" 2 config set PIPED; done
for file in nul latin open; do with "$scratch/bin/$file" 2 --json config import -; done
rm "$scratch/bin"/{nul,latin,long,open}

# A release that is not healthy, one whose release command fails, one that is rolled back and then held,
# a process that crashes.
another_build 2
touch "$scratch/bin/refuse"
run 3 -v deploy "$scratch/hello"
rm "$scratch/bin/refuse"
sed -i 's/def greeting/def greting/' "$scratch/hello/server.py"
run 0 set health.timeout=500ms
run 3 --json deploy "$scratch/hello"
run 0 set health.timeout=
failed=$(ship releases --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["version"])')
both 0 why "$failed"
both 0 output "$failed"
sed -i 's/def greting/def greeting/' "$scratch/hello/server.py"
run 0 deploy "$scratch/hello"
only 0 rollback
run 6 deploy "$scratch/hello"
ship ps --json >"$scratch/processes"
kill -KILL "$(json "$scratch/processes" 'it[0]["pid"]')"
is_back() { ship ps --json | python3 -c 'import json, sys; sys.exit(not all(p["state"] == "up" for p in json.load(sys.stdin)))'; }
expect_soon 10 is_back
run 0 hook --process=web.1 crashed "$(json "$scratch/processes" 'it[0]["release"]')" # as the supervisor does
both 0 ps
both 0 events

# Damaged files are told of without what is in them.
config=$SHIPIT_ROOT/hello/config.toml manifest=$SHIPIT_ROOT/hello/releases/v1.toml
for file in "$config" "$manifest"; do
    cp -p "$file" "$scratch/bin/whole"
    sed -i 's/^\(PIPED = .*\)"$/\1/' "$file"
    ! cmp -s "$file" "$scratch/bin/whole" || fail "$file was not damaged"
    if [[ $file == "$config" ]]; then
        both 2 config
        run 2 config set OTHER=3
    else
        both 7 info v1
        both 7 verify
        both 0 releases
    fi
    cp -p "$scratch/bin/whole" "$file"
    rm "$scratch/bin/whole"
done

# A deploy that crashes, and a supervisor that is killed: no core dump, and nothing in what they leave.
mkdir "$scratch/cores"
cd "$scratch/cores"
ulimit -S -c "$(ulimit -H -c)"
touch "$scratch/bin/hold"
another_build 3
"$SHIPIT_BIN" deploy "$scratch/hello" >"$out" 2>"$err" </dev/null &
expect_soon 30 test -e "$scratch/bin/held"
grep -q '^Max core file size *[01] ' "/proc/$!/limits" || fail "shipit may leave a core dump"
kill -ABRT $!
wait $! || true
rm "$scratch/bin/hold"
expect_no_secret
[[ -z $(ls "$scratch/cores") ]] || fail "there is a core dump: $(ls "$scratch/cores")"
supervisor=$(sed -nE 's/.* process ([0-9]+) supervises$/\1/p' "$SHIPIT_ROOT/hello/log/supervisor.log" | tail -n 1)
grep -q '^Max core file size *[01] ' "/proc/$supervisor/limits" || fail "the supervisor may leave a core dump"
if ! is_sanitized; then # which sets a limit of its own
    expect_equal "$(ship run -- sh -c 'ulimit -S -c')" "$(ulimit -S -c)" "the limit of the app's processes"
fi
kill_for_good "$supervisor"
another_build 4
only 0 deploy "$scratch/hello"

# --- What is left ---

expect_holder() { # expect_holder FILE: it may hold values
    [[ $1 == */config.toml || $1 == */releases/v*.toml ]] || depth=1 fail "a value is in $1"
    depth=1 expect_equal "$(stat -c %a "$1")" 600 "$1"
}
holders=0
while read -r file; do
    expect_holder "$file"
    holders=$((holders + 1))
done < <(grep -rlF -f "$pieces" "$SHIPIT_ROOT" || true)
((holders > 5)) || fail "only $holders files hold the values?"
for slug in "$SHIPIT_ROOT"/hello/releases/*.tar.zst; do
    ! zstd -dcq "$slug" | grep -F -f "$pieces" >/dev/null || fail "a value is in $slug"
done
find /tmp /var/tmp /dev/shm /run -xdev -newer "$scratch/started" -not -path "$scratch/*" -type f -size -20M \
    -exec grep -lF -f "$pieces" {} + >"$scratch/elsewhere" 2>/dev/null || true
[[ ! -s $scratch/elsewhere ]] || fail "a value is in $(cat "$scratch/elsewhere")"
! grep -qF -f "$pieces" "$scratch/bin/told" || fail "a hook was told a value"
for place in release editor "hook deployed" "hook failed" "hook rolled_back" "hook crashed"; do
    grep -qx "$place" "$scratch/bin/looks" || fail "nobody looked from the $place"
done
[[ ! -s $scratch/bin/seen ]] || fail "$(cat "$scratch/bin/seen")"
