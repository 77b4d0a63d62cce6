"""Processes that misbehave, 149 to 158."""

import shutil
import subprocess

from box import BUILT, wait_for
from table import elsewhere, row, ship

QUICK = "[health]\npasses = 1\ntimeout = '{timeout}'\nwatch = '0s'\nwarm = '0s'\n"


def release(command, exits, timeout="2s", stop="500ms", after=None, modes=("plain",), **files):
    """A release whose web process is this command, with `SERVER` for a server that works."""
    def run(box):
        build = box.next_build()
        server = f"{BUILT}/tests/load/plain_server {box.port}"
        (build / "shipit.toml").write_text(f"[processes]\nweb = {{ command = '''{command.replace('SERVER', server)}''', stop_timeout = '{stop}' }}\n"
                                           + QUICK.format(timeout=timeout))
        for name, content in files.items():
            (build / name).write_text(content)
        box.attempt(["deploy", "--force", build], exits if isinstance(exits, tuple) else (exits,), modes=modes)
        if after:
            after(box)
    return run


def back(box):
    """What works is live again, whatever was before, and nothing of it is left."""
    shutil.rmtree(box.folder)
    box.deploy_next()
    live = f"v{box.live()}"
    box.expect(wait_for(10, lambda: set(box.processes()) <= {live}), f"processes of {box.processes()} run, and {live} is live")


row(149, "it ignores SIGTERM", release("trap \"\" TERM; SERVER & wait; wait", 0, after=back), elsewhere("e2e: stop_ends_the_whole_tree"), kind="web")
row(150, "it ends at once, well or badly, or crashes", release("true", 3), release("exit 7", 3), release("kill -SEGV $$", 3), release("kill -KILL $$", 3),
    release("/nowhere/at/all", 3), release("./missing.sh", 3), kind="web")


def escaped(box):
    back(box)
    box.expect(wait_for(10, lambda: subprocess.run(["pgrep", "-f", f"stray-{box.box}"]).returncode != 0), "what it left behind still runs")


row(151, "it forks twice, leaves its session, and leaves others behind with its port and its log",
    lambda box: release(f"(setsid sh -c \"exec -a stray-{box.box} sleep 300\" & ) ; setsid bash -c \"exec -a stray-{box.box} sleep 300\" & exec SERVER", 0, after=escaped)(box),
    elsewhere("e2e: stop_ends_the_whole_tree", "unit: at the timeout the whole tree goes, daemons too"), kind="web")


def logs_are_harmless(box):
    box.expect(wait_for(10, lambda: b"END" in b"".join(path.read_bytes() for path in (box.app / "log").glob("*"))), "its output is in no log")
    box.attempt(["logs", "-n", "1000"], (0,))
    box.attempt(["status"], (0,))
    box.attempt(["ps"], (0,))


NOISY = ("printf \"\\033[2J\\033]0;owned\\007\\302\\2332J\\342\\200\\256rtl\\377\\376 no utf8\\r\\b\\n\\0nul\\n\"; head -c 3000000 /dev/zero | tr \"\\0\" x; printf \"\\nEND\\n\"; exec >&- ; ")
row(152, "it logs control characters, binary, a line of 3 MB, and closes its stdout", release(NOISY + "exec SERVER", 0, after=logs_are_harmless),
    release(NOISY + "exit 1", 3, modes=("plain", "terminal", "json")), ship("why", 0), elsewhere("e2e: logs_keep_up_with_any_writer"), kind="web")
row(153, "it is never ready, is ready and dies, is ready on another port", release("exec sleep 60", (0, 3), timeout="500ms"),
    release("SERVER & sleep 0.3; kill $!; exit 1", (0, 3, 4)), elsewhere("e2e: releases_that_fail_leave_the_old_one_serving", "e2e: a_release_that_dies_at_its_switch_leaves_the_old_one_live"), kind="web")
TITLE = "import ctypes, os, sys\nlibc = ctypes.CDLL(None)\nlibc.prctl(15, b'\\x1b[2J\\xff', 0, 0, 0)\nlibc.prctl(36, 1, 0, 0, 0)\nif os.fork() == 0:\n    os.execv(sys.argv[1], ['\\x1b]0;x\\x07', *sys.argv[2:]])\nos.wait()\n"
row(154, "it changes its title and becomes a subreaper", release("exec python3 -S -E title.py SERVER", 0, after=lambda box: (box.attempt(["ps"], (0,)), box.attempt(["status"], (0,)), back(box)),
                                                                 **{"title.py": TITLE}), kind="web")
row(155, "a fork bomb of some hundred processes", release("for n in $(seq 300); do (sleep 300 & sleep 300) & done; exec SERVER", (0, 3), after=back), kind="web")
MEDDLER = "chmod -R 777 . 2>/dev/null; echo changed >sub/content; rm -rf same sub/same; rm -rf \"$PWD\"/* 2>/dev/null; cd /; exec SERVER"
row(156, "it writes into its release, deletes it, changes its modes", release(MEDDLER, 0), lambda box: box.attempt(["verify", "--trees"], (0, 7)), back,
    elsewhere("e2e: a_changed_or_lost_tree_is_made_again", "e2e: app_user_cannot_write_its_release"), kind="web")
row(157, "it stops itself, and traces itself", release("kill -STOP $$; exec SERVER", (0, 3), timeout="500ms"), release("exec python3 -S -E -c \"import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0); import os; os.execv(\\\"/bin/sh\\\", [\\\"sh\\\", \\\"-c\\\", \\\"exec SERVER\\\"])\"", (0, 3), timeout="500ms"), back, kind="web")


def large_environment(box):
    for number in range(10):
        box.attempt(["config", "set", "--no-restart", f"LARGE{number}"], (0,), modes=("plain",), stdin=b"x" * 60000)
    back(box)


row(158, "an environment of 600 KB, its folder gone, on IPv6 alone", large_environment, release("rm -rf \"$PWD\"; exec SERVER", (0, 3)),
    release("exec python3 -S -E six.py", (0, 3), timeout="1s", **{"six.py": "import os, socket\ns = socket.socket(socket.AF_INET6)\ns.setsockopt(41, 26, 1)\ns.bind(('::1', int(os.environ['PORT'])))\ns.listen()\nwhile True:\n    s.accept()[0].close()\n"}),
    back, kind="web")
