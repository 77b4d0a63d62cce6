"""The environment and the host, 121 to 138."""

import os
import subprocess

from box import IS_SLOW
from cli import without
from table import elsewhere, in_mounts, row, ship

row(121, "HOME unset, relative, not there", *[ship("releases", 0, variables={"HOME": home}) for home in (None, "here", "/nowhere", "")],
    ship("releases", 0, variables={"HOME": None, "XDG_DATA_HOME": ""}))
row(122, "PATH empty, unset, relative", *[ship("deploy --dry-run .", (0, 1), variables={"PATH": path}) for path in ("", None, ".", "/nowhere")],
    ship("releases", 0, variables={"PATH": ""}))


def run_folders(box):
    """A relative one is ignored; one too long for a socket's address works all the same."""
    for value in ("relative", "x" * 200, "/nowhere", f"/{'y' * 200}", ""):
        box.attempt(["status"], (0,), modes=("plain",), variables={"XDG_RUNTIME_DIR": value, "XDG_DATA_HOME": value, "XDG_CONFIG_HOME": value})
    box.expect(not (box.inputs / "relative").exists(), "a relative folder was used")


row(123, "XDG_* that are relative, or longer than a socket's address", run_folders, elsewhere("unit: the socket is private, and works under a name longer than an address takes"))


def umask(mask):
    def run(box):
        without(f'umask {mask}; "$0" create app{mask}; "$0" -a app{mask} config set A=hunter2-x && "$0" deploy ../build', (0,))(box)
        for path in [box.root / f"app{mask}", *(box.root / f"app{mask}").rglob("*"), *(box.app / "releases").rglob("*")]:
            box.expect(path.is_symlink() or path.stat().st_mode & 0o022 == 0, f"{path} can be written by others")
    return run


row(124, "umask 000 and 777", umask("000"), umask("777"))
row(125, "limits: 8 descriptors, 1 MB of a file, 64 MB of memory, one process",
    *[without(f'prlimit {limit} -- "$0" deploy ../build >out; code=$?; exit $code', (0, 1, 3)) for limit in ("--nofile=8", "--fsize=1000000", "--nproc=1", "--core=0")],
    *[without(f'prlimit {limit} -- "$0" status >out', (0, 1)) for limit in ("--nofile=8", "--fsize=0", "--nproc=1")],
    elsewhere("fault: little_of_everything_but_the_disk"))
row(126, "descriptors 0 to 2 closed", without('"$0" deploy ../build <&- >&- 2>&-', (0, 1)), without('"$0" releases <&- >&- 2>&-', (0, 1)), without('"$0" config set A=b <&- >&- 2>&-', (0, 1)),
    lambda box: box.expect(b"----->" not in b"".join(path.read_bytes() for path in box.app.rglob("*") if path.is_file() and not path.is_symlink() and path.suffix != ".log"),
                           "what was to be printed is in a file"))
row(127, "SIGCHLD and SIGPIPE ignored by the caller", without('trap "" CHLD PIPE TERM HUP; "$0" run -- true && "$0" deploy ../build', (0,)), without('trap "" PIPE; "$0" releases | true', (0,)))


def on_small_disk(kind, said):
    """The app is moved to a file system of its own, which is full, or has no inodes left."""
    def run(box):
        box.next_build()
        (box.folder / "big").write_bytes(os.urandom(3 << 20))
        script = (f"cp -a {box.app} {box.box}/copy; mount -t tmpfs -o {kind} none {box.app}; cp -a {box.box}/copy/. {box.app}; rm -rf {box.box}/copy; "
                  f"for n in $(seq 60); do touch {box.app}/filler$n 2>/dev/null || break; done")
        box.attempt(["deploy", box.folder], (1,), [said], modes=("plain", "json"), program=in_mounts(script))
        (box.folder / "big").unlink()
    return run


row(128, "a full disk, and no inodes", on_small_disk("size=2M", "room"), on_small_disk("nr_inodes=60", "No space left"),
    elsewhere("fault: disk_fills_at_any_moment", "fault: inodes_run_out"), needs_root=True)


def read_only(box):
    script = f"mount --bind {box.root} {box.root}; mount -o remount,bind,ro {box.root}"
    for words, exits in ((["deploy", box.next_build()], (1,)), (["rollback", "v1"], (1,)), (["config", "set", "A=b"], (1,)), (["prune"], (1,)), (["create", "new"], (1,))):
        box.attempt(words, exits, ["Read-only file system"], program=in_mounts(script), advice=False)
    for words in (["releases"], ["info"], ["config"], ["events"], ["verify"]):
        box.attempt(words, (0,), program=in_mounts(script))


row(129, "a root that is read-only", read_only, elsewhere("fault: disk_becomes_read_only"), needs_root=True)
row(130, "EIO when a slug is read, at fsync, at close",
    elsewhere("fault: deploy, each call fails", "fault: rollback, each call fails"))


def mounted_so(options):
    def run(box):
        script = f"mount --bind {box.root} {box.root}; mount -o remount,bind,{options} {box.root}"
        box.attempt(["deploy", box.next_build()], (0,), modes=("plain",), program=in_mounts(script))
        box.attempt(["doctor"], (0, 1, 7), advice=False, program=in_mounts(script))
    return run


row(131, "mounted noexec, nosuid, nodev", mounted_so("noexec"), mounted_so("nosuid,nodev"), needs_root=True)


def on_overlay(box):
    script = (f"mkdir {box.box}/layers; mount -t tmpfs none {box.box}/layers; cd {box.box}/layers; mkdir up work; "
              f"mount -t overlay -o lowerdir={box.root},upperdir=up,workdir=work none {box.root} || exit 77; cd {box.inputs}")
    code, _, _ = box.to_files(["releases"], program=in_mounts(script))
    if code != 77:
        box.attempt(["deploy", box.next_build()], (0,), modes=("plain",), program=in_mounts(script.replace("mkdir", "mkdir -p")))


row(132, "overlayfs, tmpfs; XFS and ext4 by the power cuts", on_overlay, elsewhere("fault: some power cuts of deploy"), needs_root=True)


def across_mounts(box):
    """Trees on another file system than releases: nothing is renamed from one to the other."""
    for name in ("trees", "releases"):
        script = f"cp -a {box.app}/{name} {box.box}/copy; mount -t tmpfs none {box.app}/{name}; cp -a {box.box}/copy/. {box.app}/{name}; rm -rf {box.box}/copy"
        box.attempt(["deploy", box.folder], (0,), modes=("plain",), program=in_mounts(f"{script}; echo x >>{box.folder}/sub/content"))
        box.to_files(["rollback", "v2"])


# A sanitizer says by itself that it cannot be without /proc, and in no JSON.
MODES_WITHOUT_PROC = ("plain",) if IS_SLOW else ("plain", "json")

row(133, "parts of the app on other file systems", across_mounts, damaged=True, needs_root=True)
row(134, "/proc hidden, no /dev/shm", *[ship("deploy --dry-run .", (0, 1), program=in_mounts(script), modes=("plain",), advice=False) for script in ("mount -t tmpfs none /proc", "mount -t tmpfs none /sys")],
    *[ship(words, (0, 1), program=in_mounts("mount -t tmpfs none /proc"), modes=MODES_WITHOUT_PROC, advice=False) for words in ("status", "releases", "doctor", "run -- true")],
    ship("releases", 0, program=in_mounts("mount -t proc -o hidepid=2 proc /proc 2>/dev/null || true"), modes=("plain",)), needs_root=True)
row(135, "shipit as the first process of a container", lambda box: box.attempt(["deploy", box.next_build()], (0,), modes=("plain",), program=["unshare", "--pid", "--fork", *in_mounts("mount -t proc proc /proc")]),
    ship("run -- sh -c true", 0, modes=("plain",), program=["unshare", "--pid", "--fork", *in_mounts("mount -t proc proc /proc")]), needs_root=True)
row(136, "sudo, su, ssh without a terminal, cron's environment, a systemd unit",
    *[without(f'env -i {variables} SHIPIT_ROOT="$SHIPIT_ROOT" "$0" -a app releases', (0,)) for variables in
      ("", "SUDO_USER=somebody SUDO_UID=99999", "LOGNAME=root SHELL=/bin/sh", "SUDO_UID=x SUDO_USER='$(id)'", "SSH_CONNECTION=x SSH_CLIENT='1 2 3'", "NOTIFY_SOCKET=/nowhere LISTEN_FDS=99")],
    without('env -i SUDO_USER="$(printf "a\\033[2J\\nb")" SSH_CONNECTION="$(printf "\\033]0;x\\007 1 2 3")" SHIPIT_ROOT="$SHIPIT_ROOT" "$0" -a app deploy ../build', (0,)),
    ship("releases", 0), ship("events", 0), ship("info", 0), elsewhere("e2e: builds_come_through_ssh", "e2e: cron_starts_and_prunes", "e2e: systemd_runs_apps_and_nothing_is_lost"))


def narrow(box):
    """All it prints goes through a pipe of one page, which is read byte by byte."""
    without('"$0" --json events | python3 -c "import fcntl, os\nfcntl.fcntl(0, 1031, 4096)\nwhile os.read(0, 1): pass"; exit ${PIPESTATUS[0]}', (0,))(box)


row(137, "a narrow pipe that is read slowly", narrow)
row(138, "the kernel ends a process for what it takes", elsewhere("fault: process_out_of_memory_is_back"))
