# What goes is shown before and recorded after; what cannot be deleted is a warning and status 1, and all
# else goes; `--all` prunes each app whatever becomes of the others, and is silent when there is nothing.
. "$(dirname "$0")/lib.sh"
needs flock
mkdir "$scratch/files"
# deploy_versions APP COUNT
deploy_versions() {
    local i
    expect_exit 0 ship create "$1"
    for ((i = 1; i <= $2; i++)); do
        echo "$1 $i" >"$scratch/files/file"
        expect_exit 0 ship -a "$1" deploy "$scratch/files"
    done
}
slugs() { find "$SHIPIT_ROOT/$1/releases" -name '*.tar.zst' | wc -l; }
slug_of() { json <(ship -a "$1" info "$2" --json) 'it["slug"]["id"]'; }
everything() { find "$SHIPIT_ROOT/one" -printf '%P %i %s %t\n' | sort; }
deploy_versions one 6
deploy_versions two 6
export SHIPIT_APP=one

# A rehearsal changes nothing.
: >"$SHIPIT_ROOT/one/releases/.new-leftover"
cut_off=$SHIPIT_ROOT/one/push/0123456789abcdef0123456789abcdef-0123
mkdir -p "$cut_off"
touch -d '8 days ago' "$cut_off"
everything >"$scratch/before"
expect_exit 0 ship prune --keep 2 --dry-run
expect_out "one v1 would expire: beyond the 2 good releases that are kept"
expect_out "one v4 would expire"
expect_not_in "v5 would"
expect_err "would free"
everything >"$scratch/after"
diff <(grep -vE '^(lock|\.in-order) ' "$scratch/before") <(grep -vE '^(lock|\.in-order) ' "$scratch/after") || fail "the rehearsal changed something"

# One slug cannot be deleted: a folder has its name.
stubborn=$SHIPIT_ROOT/one/releases/$(slug_of one v2).tar.zst
mv "$stubborn" "$scratch/kept"
mkdir -p "$stubborn/full"
expect_exit 1 ship prune --keep 2
expect_err "warning: cannot remove '$stubborn'"
expect_out "one v1 expired: beyond the 2 good releases that are kept"
expect_equal "$(find "$SHIPIT_ROOT/one/releases" -name '*.tar.zst' -type f | wc -l)" 2
expect_exit 0 ship releases
expect_out "(release expired)"
expect_exit 0 ship events -n 4
expect_match 'prune v1 by .*: expired: beyond the 2 good releases that are kept'
# With the hindrance gone, the next one finishes.
rm -r "$stubborn"
mv "$scratch/kept" "$stubborn"
expect_exit 0 ship prune --keep 2
[[ ! -e $cut_off ]] || fail "what came of a push that was cut off a week ago is still there"
expect_equal "$(slugs one)" 2

# By size: what is protected stays, however little is asked for.
unset SHIPIT_APP
expect_exit 0 ship -a two pin v2 keepsake
expect_exit 0 ship -a two prune --max-size 1
expect_out "two v1 expired: slugs may take 1 B in all"
expect_equal "$(slugs two)" 3 # live, the one before, the pinned one

# By age: the one that was live back then stays.
deploy_versions three 5
for i in 1 2 3; do
    sed -i -E "s/^(created_at|live_at|good_at) = \"20.(.)/\1 = \"199\2/" "$SHIPIT_ROOT/three/releases/v$i.toml"
done
expect_exit 0 ship -a three prune --older-than 30d
expect_out "three v2 expired: older than 30d"
expect_not_in "v3 expired"
expect_equal "$(slugs three)" 3

# All of them, as cron does it: one that is damaged stops no other.
deploy_versions four 4
deploy_versions five 4
expect_exit 0 ship -a five set retention.keep=1
rm "$SHIPIT_ROOT/four/current"
mkdir "$SHIPIT_ROOT/four/current"
expect_exit 7 ship prune --all
expect_err "'four' was not pruned"
expect_out "five v1 expired"
expect_equal "$(slugs five)" 2
expect_equal "$(slugs four)" 4
# Nor does it hide others.
expect_exit 7 ship apps
expect_match '^four +- +damaged$'
expect_match '^one +v6 '
expect_match '^two +v6 '
expect_err "'four' cannot be read: '$SHIPIT_ROOT/four/current'"
expect_exit 7 ship apps --json
expect_equal "$(json "$out" '[(each["app"], each["current"], each["state"]) for each in it if each["state"] == "damaged"]')" "[('four', None, 'damaged')]"
expect_equal "$(json "$out" 'len(it)')" 5
mv "$SHIPIT_ROOT/two/releases/.last" "$scratch/.last"
mkdir "$SHIPIT_ROOT/two/releases/.last" # so it cannot be looked into at all
expect_exit 7 ship verify --all
expect_out "four: current: "
expect_err "three: 3 slugs"
expect_err "'two' was not verified: cannot read '"
rmdir "$SHIPIT_ROOT/two/releases/.last"
mv "$scratch/.last" "$SHIPIT_ROOT/two/releases"
rmdir "$SHIPIT_ROOT/four/current"
ln -s releases/v4 "$SHIPIT_ROOT/four/current"
expect_exit 0 ship prune --all
expect_equal "$(cat "$out" "$err")" "" "there was nothing to say"
expect_exit 2 ship prune --all --older-than soon
expect_exit 0 ship prune --all --dry-run --json
expect_equal "$(json "$out" 'sorted(each["app"] for each in it)')" "['five', 'four', 'one', 'three', 'two']"

expect_equal "$(json "$out" '{(each["dry_run"], each["freed"]) for each in it}')" "{(True, 0)}"

# What the build says counts, too, and this host wins.
seq 9999 >"$scratch/files/numbers"
printf '[retention]\nkeep = 1\n' >"$scratch/files/shipit.toml"
deploy_versions six 3
expect_exit 0 ship -a six prune --dry-run
expect_out "six v1 would expire: beyond the 1 good release"
expect_exit 0 ship -a six set retention.keep=3
expect_exit 0 ship -a six prune --dry-run
expect_err "Nothing to prune in six"
expect_exit 0 ship -a six prune --keep 1 --dry-run --json
would_free=$(json "$out" 'it["freed"]')
((would_free > 0)) || fail "nothing would be freed"
expect_exit 0 ship -a six set retention.keep=
rm -rf "$SHIPIT_ROOT"/six/trees/* # the slug says it, too
expect_exit 0 ship -a six prune --json
expect_equal "$(json "$out" '[it["dry_run"], it["freed"], it["expired"][0]["release"]]')" "[False, $would_free, 'v1']"

# What has expired cannot be kept any more, not even if the same build is there again.
expect_exit 1 ship -a six pin v1 old
expect_err "v1 cannot be kept: it has no slug any more"
echo "six 1" >"$scratch/files/file"
expect_exit 0 ship -a six mark-bad v1
expect_exit 0 ship -a six set slug.level=19 # the archive becomes another one than v1's was
expect_exit 6 ship -a six deploy "$scratch/files" # which stores it
expect_exit 0 ship -a six deploy --force "$scratch/files"
expect_not_in "packing the build anew"
expect_exit 1 ship -a six pin v1 old
expect_err "v1 cannot be kept: it has no slug any more"
expect_err "next: v4 is the same build, and has its slug: shipit -a six pin v4"
expect_exit 0 ship -a six pin v4 old

# What a command runs from stays while it does, and so does its release.
deploy_versions held 6
mkfifo "$scratch/go_on"
# shellcheck disable=SC2016  # it is the command's own $1
"$SHIPIT_BIN" -a held run --release v1 -- bash -c 'touch "$1/runs"; read -r <"$1/go_on"; cat file' - "$scratch" >"$scratch/ran" &
run=$!
expect_soon 10 test -e "$scratch/runs"
expect_exit 0 ship -a held prune --keep 4 --dry-run
expect_out "held v2 would expire"
expect_not_in "v1 would"
expect_exit 0 ship -a held prune --keep 4
expect_out "held v2 expired"
echo >"$scratch/go_on"
wait $run || fail "the command was left without its files"
expect_equal "$(cat "$scratch/ran")" "held 1"
expect_exit 0 ship -a held prune --keep 4
expect_out "held v1 expired"

# An app can open its release, and lock it: that keeps it from nothing, and no command from running.
tree=$SHIPIT_ROOT/held/trees/$(slug_of held v3)
exec 8<"$tree"
flock 8
expect_exit 0 timeout 20 "$SHIPIT_BIN" -a held run --release v3 -- cat file
expect_out "held 3"
expect_exit 0 ship -a held prune --keep 3
expect_out "held v3 expired"
[[ ! -e $tree ]] || fail "the tree of v3 is still there"
exec 8<&-
