# Whoever runs shipit, and with whatever: an app's processes, release commands and one-offs have no
# descriptor, signal mask, capability, group, umask or variable of theirs.
. "$(dirname "$0")/lib.sh"
needs curl python3 setpriv
[[ $(id -u) == 0 ]] || skip "only root has what must not be handed on"
user=www-data
id "$user" >/dev/null 2>&1 || skip "there is no user $user here"

# A caller with everything that could be left over: open files, ignored and blocked signals, capabilities
# that survive execve(2), groups, a umask, limits, and what sudo and systemd put into an environment.
cat >"$scratch/bin/caller" <<'END_OF_CALLER'
import os, signal, sys

os.dup2(os.open("/etc/shadow", os.O_RDONLY), 9)
os.dup2(os.open("/", os.O_RDONLY), 17)
for number in (9, 17):
    os.set_inheritable(number, True)
for name in ("SIGCHLD", "SIGPIPE", "SIGTERM", "SIGHUP", "SIGUSR1"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR2, signal.SIGALRM})
os.umask(0)
os.environ.update(SECRET_OF_CALLER="hunter2", LD_LIBRARY_PATH="/nowhere", PYTHONPATH="/nowhere", BASH_ENV="/nowhere",
                  SUDO_USER="somebody", SUDO_COMMAND="hunter2", SSH_AUTH_SOCK="/nowhere", NOTIFY_SOCKET="/nowhere",
                  LISTEN_FDS="2", CREDENTIALS_DIRECTORY="/nowhere")
os.execvp("setpriv", ["setpriv", "--groups=0,4,6", "--inh-caps=+chown,+dac_override,+net_admin,+setuid", "--ambient-caps=+chown,+dac_override,+net_admin,+setuid", *sys.argv[1:]])
END_OF_CALLER
called() { python3 "$scratch/bin/caller" "$SHIPIT_BIN" "$@"; }

# inherits: says of itself what it has that it should not; nothing, if all is well.
cat >"$scratch/inherits.py" <<'END_OF_INHERITS'
import os, pwd, re, sys

status = dict(re.findall(r"(\w+):\s*(.*)", open("/proc/self/status").read()))
user = pwd.getpwnam(sys.argv[1])
wanted = {"SigBlk": "0" * 16, "SigIgn": None, "CapInh": "0" * 16, "CapPrm": "0" * 16, "CapEff": "0" * 16, "CapAmb": "0" * 16,
          "NoNewPrivs": "1", "Uid": "\t".join([str(user.pw_uid)] * 4), "Gid": "\t".join([str(user.pw_gid)] * 4)}
for name, value in wanted.items():
    if value is not None and status[name] != value:
        print(f"{name} is {status[name]}, not {value}")
ignored = int(status["SigIgn"], 16) & ~(1 << 12 | 1 << 24)  # Python's own: SIGPIPE, SIGXFSZ
if ignored:
    print(f"signals are ignored: {ignored:x}")
if set(status["Groups"].split()) - set(map(str, os.getgrouplist(user.pw_name, user.pw_gid))):
    print(f"the groups are {status['Groups']}")
if (umask := os.umask(0o22)) != 0o22:
    print(f"the umask is {umask:o}")
for number in os.listdir("/proc/self/fd"):
    try:
        target = os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        continue  # of the listing itself
    if int(number) > 2:
        print(f"descriptor {number} is {target}")
known = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_CTYPE", "PORT", "OWN", "PWD", "SHLVL", "_", "OLDPWD"}
for name in os.environ:
    if name not in known and not name.startswith("SHIPIT_"):
        print(f"{name} is in the environment")
END_OF_INHERITS

reserve_port
a_copy_of hello
cp "$scratch/inherits.py" "$scratch/hello/inherits.py"
cat >"$scratch/hello/shipit.toml" <<END_OF_SETTINGS
[processes]
web = "python3 inherits.py $user >data/web 2>&1; exec python3 server.py"
[release]
command = "python3 inherits.py $user >data/release 2>&1"
[health]
path = "/"
watch = "0s"
[app]
shared = ["data"]
END_OF_SETTINGS
expect_exit 0 called create hello
expect_exit 0 called set "app.port=$port" "app.user=$user"
expect_exit 0 called config set OWN=1
expect_exit 0 called deploy "$scratch/hello"
expect_answer "http://127.0.0.1:$port/" "This is release v1."
expect_equal "$(cat "$SHIPIT_ROOT/hello/shared/data/release")" "" "the release command has"
expect_equal "$(cat "$SHIPIT_ROOT/hello/shared/data/web")" "" "web.1 has"
expect_exit 0 called run -- python3 inherits.py "$user"
expect_equal "$(cat "$out")" "" "a one-off has"

# A process that is started again after a crash has no more than the first.
pid=$(ship ps --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["pid"])')
rm "$SHIPIT_ROOT/hello/shared/data/web"
kill -KILL "$pid"
expect_soon 10 answers "http://127.0.0.1:$port/" "This is release v1."
expect_equal "$(cat "$SHIPIT_ROOT/hello/shared/data/web")" "" "web.1, restarted, has"

# Who did it is told by what sudo says of it; that does not drive a terminal.
expect_exit 0 ship events --json
expect_out somebody
expect_not_in hunter2

# Set-user-ID, it would do root's work with the environment of anybody: it refuses to begin.
folder=$(mktemp -d /var/tmp/shipit-e2e-XXXXXX)
chmod 755 "$folder"
cp "$SHIPIT_BIN" "$folder/shipit"
chmod 6755 "$folder/shipit"
as_nobody() { setpriv --reuid="$user" --regid="$user" --clear-groups "$@"; }
if [[ $(as_nobody "$folder/shipit" version 2>&1) == "shipit "* ]]; then
    cp /usr/bin/id "$folder/id"
    chmod 4755 "$folder/id"
    [[ $(as_nobody "$folder/id" -u) != 0 ]] || { rm -r "$folder"; fail "shipit runs set-user-ID"; }
    echo "not tried here: set-user-ID has no effect in /var/tmp"
else
    expect_exit 1 as_nobody "$folder/shipit" apps
    expect_err "set-user-ID"
    expect_err "chmod"
fi
rm -r "$folder"
