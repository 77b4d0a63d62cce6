"""The command line, 106 to 120."""

import os
import subprocess

from box import snapshot
from table import SHIPIT, elsewhere, row, ship

row(106, "nothing", ship([], 2, "shipit COMMAND -h", modes=("plain", "terminal")))
row(107, "commands that are not there, or nearly", ship("rolback", 2, "did you mean 'rollback'?"), ship("xyzzy", 2, "'xyzzy'"),
    ship(["\x1b[2J\u202e"], 2, "unknown command"), ship([b"\xff\xfe"], 2), ship([""], 2), ship(["releases:"], 2))
row(108, "--, and a command's own options behind run", ship("run -- ls -a", 0, modes=("plain", "terminal")), ship("run ls -a", 0, modes=("plain",)),
    ship("releases -- -n", 2), ship("deploy -- --force", 1, "'--force'"))
row(109, "an option twice, behind an argument, empty, without its value", ship("releases -n 1 -n 2", (0, 2)), ship("info v1 --json", 0, modes=("plain",)),
    ship(["--app=", "releases"], (1, 2)), ship("releases -a", 2, "-a"), ship("--root", (0, 2), modes=("plain",)), ship("deploy -m", 2), ship(["--json=yes", "releases"], 2, modes=("plain",)))


def deploy_from_terminal(box):
    box.what = "deploy - on a terminal"
    code, shown = box.on_terminal(["deploy", "-"])
    box.tries += 1
    box.expect(code in (1, 2) and b"next" in shown, f"{code}: {shown!a}")


row(110, "an archive from a terminal", deploy_from_terminal)


def without(script, exits, said=""):
    """In a shell, where redirections are made that nothing can be read from or written to."""
    def run(box):
        box.what = script
        result = subprocess.run(["bash", "-c", script, SHIPIT], env=box.environment(), cwd=box.inputs,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        box.tries += 1
        box.expect(result.returncode in exits, f"exit status {result.returncode} instead of {exits}: {result.stderr!a}")
        box.expect(said.encode() in result.stderr, f"it does not say {said!r} but {result.stderr!a}")
        live = box.live()
        box.expect(live is not None, "nothing is live any more")
    return run


row(111, "stdout closed, full, read by nobody", without('"$0" releases >&-', (0, 1)), without('"$0" releases >/dev/full', (1,), "No space left"),
    without('"$0" --json releases >/dev/full', (1,), "No space left"), without('"$0" help >/dev/full', (1,), "No space left"),
    without('"$0" releases | true; exit ${PIPESTATUS[0]}', (0, 141)), without('"$0" releases 2>/dev/full', (0,)))
row(112, "stdin closed", without('"$0" releases <&-', (0,)), without('"$0" deploy - <&-', (1,)), without('"$0" config set A <&-', (1, 2)))
row(113, "odd terminals", *[ship("releases", 0, variables=variables, modes=("terminal",)) for variables in
                            ({"COLUMNS": "0"}, {"COLUMNS": "1"}, {"COLUMNS": "99999"}, {"COLUMNS": "-1"}, {"COLUMNS": "x"}, {"TERM": "dumb"}, {"TERM": None}, {"TERM": "\x1b[2J"})])


def colours(variables, wanted, terminal):
    def run(box):
        box.what = f"colours with {variables}"
        box.tries += 1
        if terminal:
            shown = box.on_terminal(["rolback"], variables=variables)[1]
        else:
            shown = b"".join(box.to_files(["rolback"], variables=variables)[1:])
        box.expect((b"\x1b[" in shown) == wanted, f"{shown!a}")
    return run


row(114, "NO_COLOR, CLICOLOR_FORCE", colours({"NO_COLOR": "1", "TERM": "xterm"}, False, True), colours({"CLICOLOR_FORCE": None, "TERM": "xterm"}, False, False),
    colours({"NO_COLOR": "1"}, False, False), ship("releases", 0, variables={"NO_COLOR": ""}), ship("releases", 0, variables={"CLICOLOR_FORCE": "1"}, modes=("terminal",)))
row(115, "--json with an error of each kind", *[ship(words, exits, modes=("json",)) for words, exits in
                                                (("info v99", 1), ("rolback", 2), ("releases --nonsense", 2), ("-a nothing releases", 1), ("deploy missing", 1), ("set app.port=x", 2),
                                                 ("rollback v99", 1), ("config get NOTHING", 1), ("key add app nothing", 2), ("push", 2), ("completion nosuch", 2), ("help nosuch", 2),
                                                 ("destroy app", 2), ("logs -n x", 2), ("scale web", 2), ("pin v99 x", 1), ("why v99", 1), ("output v99", 1), ("diff v98 v99", 1))],
    ship(["set", "hooks.timeout=\x1b"], 2, modes=("json",)))


def touches_nothing(box):
    """Not a byte, not a mode, not a time stamp of what is kept."""
    for words in (["deploy", "--dry-run", box.next_build()], ["prune", "--dry-run", "--keep", "1"], ["rollback", "--check"]):
        before = kept(box)
        box.attempt(words, (0,), modes=("plain",))
        box.expect(kept(box) == before, f"it changed {changed(before, kept(box))}")


def kept(box):
    """Without what says when something was last looked at: locks and the stat cache."""
    return {path: what for path, what in snapshot(box.app).items() if not path.endswith(("/lock", "/run", ".stat-cache", "/app"))}


def changed(before, after):
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


row(116, "--dry-run touches nothing", touches_nothing)
row(117, "^C, ^Z, SIGHUP, SIGTERM, SIGQUIT in each phase", elsewhere("e2e: interrupted_deploy_leaves_the_old_release_serving", "e2e: lost_connection_does_not_stop_a_deploy",
                                                                 "e2e: builds_come_through_ssh"))
row(118, "locales: C, Turkish, one that is not there", *[ship("-v rolback", 2, "did you mean 'rollback'?", variables={"LC_ALL": locale, "LANG": locale})
                                                         for locale in ("C", "POSIX", "tr_TR.UTF-8", "xx_YY.nothing", "../../etc/passwd", "\x1b[2J")])
row(119, "a working folder that is gone", without('mkdir gone; cd gone; rmdir ../gone; "$0" releases', (0,)), without('mkdir gone; cd gone; rmdir ../gone; "$0" deploy', (1,)),
    without('mkdir gone; cd gone; rmdir ../gone; "$0" deploy sub', (1,)))


def no_name(box):
    """No argument at all, not even the program's name; an empty one; 100,000 of them."""
    for words in ([], [""], ["", "releases"], ["\x1b[2J", "rolback"]):
        box.what = f"argv {words!a}"
        box.tries += 1
        result = subprocess.run(words or [""], executable=SHIPIT, env=box.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        box.expect(result.returncode in (0, 2), f"{result.returncode}: {result.stderr!a}")
        box.expect(b"\x1b[2J" not in result.stderr, f"{result.stderr!a}")
    box.attempt(["releases", *["x"] * 100000], (2,), modes=("plain",))
    box.attempt(["config", "set", *[f"V{n}=x" for n in range(20000)]], (0, 2), modes=("plain",))


row(120, "argv empty, and 100,000 arguments", no_name)
