# After a life with everything in it, each file and folder under the root is whose it should be, with the
# mode that it should have, whatever umask the commands were run with; and what no line tells of is not there.
. "$(dirname "$0")/lib.sh"
needs curl
[[ $(id -u) == 0 ]] || skip "only root can give an app a user of its own"
user=www-data
id "$user" >/dev/null 2>&1 || skip "there is no user $user here"

# --- A life ---
umask 000
reserve_port
a_copy_of hello
printf '\n[app]\nshared = ["data", "var/log"]\n' >>"$scratch/hello/shipit.toml"
hello_release_command 'echo migrated; echo row >>data/table'
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port" "app.user=$user" "hooks.deployed=/bin/true"
expect_exit 0 ship config set SECRET=hunter2
expect_exit 0 ship deploy "$scratch/hello" -m First
umask 077
expect_exit 0 ship config set NAME=Ada
echo 2 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello" -m Second
umask 022
expect_exit 0 ship pin v1 first
expect_exit 0 ship hold -m "not now"
expect_exit 0 ship hold --clear
sed -i 's/def greeting/def greting/' "$scratch/hello/server.py"
expect_exit 0 ship set health.timeout=500ms
expect_exit 3 ship deploy "$scratch/hello" -m Broken
expect_exit 0 ship set health.timeout=
expect_exit 0 ship rollback
expect_exit 0 ship scale web=2
expect_exit 0 ship stop
expect_exit 0 ship start
expect_exit 0 ship git-init hello
expect_exit 0 ship prune --keep 1
expect_exit 0 ship verify --trees
expect_answer "http://127.0.0.1:$port/" "This is release v"

# --- What everything is: PATTERN OWNER:GROUP MODE; the first pattern that a path matches counts ---
# (v: a release's number, i: a slug's id, both put in for what is there; app: the app's user or group)
cat >"$scratch/table" <<'END_OF_TABLE'
. root:root 711,755
./hello root:root 711,755
./hello/app.toml root:root 600
./hello/config.toml root:root 600
./hello/lock root:root 600
./hello/events.jsonl root:root 640
./hello/stat-cache root:root 600
./hello/.in-order root:root 600
./hello/current root:root link
./hello/releases root:root 700,711
./hello/releases/v.toml root:root 600
./hello/releases/v.log root:root 600
./hello/releases/v.evidence root:root 600
./hello/releases/.last root:root 600
./hello/releases/v root:root link
./hello/releases/i.tar.zst root:root 600
./hello/trees root:root 711,755
./hello/trees/i.stamp root:root 600
./hello/trees/i root:app 750
./hello/trees/i/data root:root link
./hello/trees/i/var root:root 755
./hello/trees/i/var/log root:root link
./hello/trees/i/* root:app 640,644
./hello/shared root:root 711,755
./hello/shared/var app:app 750
./hello/shared/data app:app 700,750
./hello/shared/var/log app:app 700,750
./hello/shared/data/* app:app 600,644,640
./hello/log root:root 750
./hello/log/* root:root 640
./hello/marks root:root 750
./hello/marks/*/* root:root 640
./hello/marks/* root:root 750
./hello/run root:root 700,711
./hello/run/control.sock root:root 600
./hello/run/*.fifo app:root 600
./hello/run/* root:root 600
./hello/repo.git root:root 700
./hello/repo.git/* root:root any
END_OF_TABLE

cat >"$scratch/walk.py" <<'END_OF_WALK'
import fnmatch, grp, os, pwd, re, stat, sys

root, table, user = sys.argv[1:]
lines = [line.split() for line in open(table)]
app = pwd.getpwnam(user)
names = {0: "root", app.pw_uid: "app"}, {0: "root", app.pw_gid: "app"}
bad, used = 0, set()
for folder, folders, files in os.walk(root):
    for name in [*folders, *files, *(["."] if folder == root else [])]:
        path = os.path.normpath(os.path.join(folder, name))
        status = os.lstat(path)
        shown = "./" + os.path.relpath(path, root) if path != root else "."
        plain = re.sub(r"/[0-9a-f]{32}\b", "/i", re.sub(r"/v[0-9]+\b", "/v", shown))
        is_link = stat.S_ISLNK(status.st_mode)
        mode = "link" if is_link else f"{stat.S_IMODE(status.st_mode):o}"
        whose = f"{names[0].get(status.st_uid, status.st_uid)}:{names[1].get(status.st_gid, status.st_gid)}"
        for pattern, owner, modes in lines:
            if fnmatch.fnmatchcase(plain, pattern):
                used.add(pattern)
                if owner != whose or modes != "any" and mode not in modes.split(","):
                    print(f"{shown} is {whose} {mode}, not {owner} {modes}")
                    bad = 1
                break
        else:
            print(f"{shown} ({whose} {mode}) is in no line of the table")
            bad = 1
for pattern, *_ in lines:
    if pattern not in used:
        print(f"nothing is {pattern}")
        bad = 1
sys.exit(bad)
END_OF_WALK
# Not all at once: the supervisor makes files that are there for a moment, also while this looks.
all_is_as_it_should_be() { python3 "$scratch/walk.py" "$SHIPIT_ROOT" "$scratch/table" "$user" &>"$scratch/walked"; }
wait_until 5 all_is_as_it_should_be || fail "$(cat "$scratch/walked")"
