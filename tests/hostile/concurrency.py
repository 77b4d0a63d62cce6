"""What happens at once, and when clocks lie, 139 to 148."""

import os
import signal
import socket
import subprocess

from box import wait_for
from table import elsewhere, row, ship

row(139, "two deploys of one app", elsewhere("e2e: second_deploy_is_told_who_holds_the_lock"))
row(140, "deploy, rollback, prune and config set at once", elsewhere("e2e: commands_that_meet_take_turns"))


def many_readers(box):
    """All are answered alike while releases come and go."""
    readers = [box.start(["--json", "releases"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(100)]
    box.attempt(["deploy", box.next_build()], (0,), modes=("plain",))
    for reader in readers:
        out = reader.communicate(timeout=60)[0]
        box.expect(reader.returncode == 0 and out.startswith(b"["), f"a reader got {reader.returncode}: {out[-200:]!a}")
    box.tries += len(readers)


row(141, "100 times `releases` at once", many_readers)


def prune_meanwhile(box):
    """Whoever reads a slug reads it to its end, or tells that it is gone."""
    for _ in range(4):
        box.deploy_next()
    readers = [box.start(["--json", "verify", "--trees"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(8)]
    box.attempt(["prune", "--keep", "1", "--wait"], (0,), modes=("plain",))
    for reader in readers:
        out = reader.communicate(timeout=60)[0]
        # A slug that went between its turn and its reading is told as missing.
        box.expect(reader.returncode in (0, 5, 7) and b"SHA-256" not in out, f"{reader.returncode}: {out[-300:]!a}")


row(142, "prune while slugs are read", prune_meanwhile, elsewhere("e2e: prune_waits_for_a_rollback_that_unpacks"))


def held_lock(box):
    """Who holds the lock is stopped, then killed."""
    build = box.next_build()
    (build / "shipit.toml").write_text("[release]\ncommand = 'sleep 3'\n")
    holder = box.start(["deploy", build], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    box.expect(wait_for(10, lambda: (box.app / "releases/v3.log").exists()), "it does not begin")
    holder.send_signal(signal.SIGSTOP)
    box.leftovers = lambda: []  # it is at work still
    for words in (["deploy", box.next_build(box.inputs / "other")], ["rollback"], ["config", "set", "A=b"]):
        box.attempt(words, (5,), [str(holder.pid)])
    box.attempt(["config", "set", "A=b", "--wait=100ms"], (5,), modes=("plain",))
    box.attempt(["releases"], (0,))
    del box.leftovers
    holder.kill()
    holder.wait()
    box.attempt(["deploy", box.inputs / "other"], (0,), modes=("plain",))


row(143, "who holds the lock is stopped, and killed", held_lock)
row(144, "shipit is installed anew while a supervisor runs", elsewhere("e2e: an_upgraded_shipit_takes_over_in_place", "e2e: debian_package_is_upgraded_while_an_app_serves"))
row(145, "the clock set back and forth", elsewhere("e2e: clock_set_back_a_year_changes_no_order"),
    ship("prune --older-than 1h --dry-run", 0), ship("prune --older-than 99999999d --dry-run", (0, 2)))
row(146, "timeouts do not go by the wall clock", elsewhere("e2e: clock_set_back_a_year_changes_no_order"))
row(147, "pids that come again", elsewhere("unit: a process is known by its start time, not by its pid alone"))


def bad_clients(box):
    """Of the control socket: it says nothing, sends without end, goes before it is answered."""
    path = f"/proc/self/cwd/{(box.app / 'run/control.sock').relative_to(box.box)}"
    here = os.getcwd()
    os.chdir(box.box)
    try:
        silent = [connected(path) for _ in range(5)]
        endless = connected(path)
        try:
            for _ in range(1100):  # more than a request may have
                endless.sendall(b"x" * 65536)
        except OSError:
            pass  # it was sent away
        for _ in range(20):
            with connected(path) as gone:
                gone.sendall(b'{"request":"status"}\n')
        for junk in (b"\0\xff\n", b"{\n", b"[]\n", b'{"request":"\\u001b[2J"}\n', b'{"request":{}}\n', b"[" * 5000 + b"\n", b'{"request":"replace","generation":1}\n'):
            with connected(path) as odd:
                odd.sendall(junk)
                odd.settimeout(5)
                try:
                    odd.recv(4096)
                except OSError:
                    pass
            box.tries += 1
        box.attempt(["ps"], (0,))
        box.expect(box.answer() == f"release v{box.live()}", f"the app answers {box.answer()!a}")
        for client in (*silent, endless):
            client.close()
    finally:
        os.chdir(here)


def connected(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(path)
    return client


row(148, "clients of the control socket that say nothing, send without end, go at once", bad_clients, kind="web")
