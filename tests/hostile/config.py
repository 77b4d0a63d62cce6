"""Config vars, Procfiles, .env files and what settings make processes do, 91 to 105."""

import shutil
import socket

from table import elsewhere, folder, row, ship, toml


def untouched(box):
    code, out, _ = box.to_files(["--json", "config", "--reveal"])
    box.expect(b"GOOD" not in out, "some of the config vars were set")


BAD_KEYS = ["=x", "A B=x", "A\nB=x", "1A=x", "caf\u00e9=x", b"\xff=x", "\x1b[2J=x", "A-B=x", "PORT=1"]
row(91, "names: with =, newline, space, a digit in front, empty, not ASCII", *[ship(["config", "set", "GOOD=1", "--", key], 2) for key in BAD_KEYS],
    ship("config set GOOD=1 SHIPIT_APP=x", 2, "SHIPIT_", advice=False), untouched, ship(["config", "set", "lower=x"], 0))
row(92, "values: empty, longer than an environment holds, with newlines, quotes, NUL",
    ship(["config", "set", "A=", "B=a\nb", "C='\"\\$`", "D=\u202e\x1b[2J"], 0), ship("config", 0), ship("config --reveal", 0), ship("info --shell", 0, modes=("plain", "terminal")),
    ship("config set BIG", 2, "BIG", stdin=b"x" * (131072 + 1)), ship("config set NUL", 2, "NUL", stdin=b"a\0b"),
    ship("config import -", 2, "larger than", advice=False, stdin=b"".join(b"V%d=%s\n" % (n, b"x" * 120000) for n in range(20))))
row(93, "PATH, LD_PRELOAD, HOME set", ship(["config", "set", "LD_PRELOAD=/nowhere.so", "HOME=/nowhere"], 0), ship("run -- true", 0, modes=("plain",)),
    ship("config set PATH=", (0, 2)), ship("status", 0))
row(94, "unset of what is not there", ship("config unset NOTHING", (0, 1, 2)), ship(["config", "unset", "\x1b[2J"], (1, 2)))
row(95, "1,000 at once, of which one is wrong", ship([*["config", "set"], *[f"GOOD{n}=x" for n in range(999)], "1BAD=x"], 2, "1BAD"), untouched)


def procfile(text, exits, *says, **how):
    return folder({"Procfile": text, "file": "x"}, exits, *says, **how)


row(96, "Procfiles that are empty, of Windows, have a type twice, no colon, marks of a merge",
    procfile("", 0), procfile("web: true\nweb: false\n", 2, "Procfile:2"), procfile("web true\n", 2, "Procfile:1"), procfile("web :\n", 2, "Procfile:1"),
    procfile("# only this\r\n", 0), procfile("<<<<<<< HEAD\nweb: true\n=======\n", 2, "Procfile:1"), procfile("x" * 64 + ": true\n", 2, "Procfile:1"),
    procfile("\x1b[2J: true\n", 2, "Procfile:1"), procfile(b"\xff: true\n", 2, "Procfile:1"))
row(97, "commands with quotes, &, ;, exec, a backslash at the end",
    *[toml(f"[release]\ncommand = '''{command}'''\n", exits) for command, exits in
      (("true '", 3), ("true & true", 0), ("true; exit 0", 0), ("exec true", 0), ("true \\", 0), ("$(", 3), ("", (0, 2)), ("\x1f", 2))])
row(98, ".env files: export, quotes that do not close, many lines, #, what another reader would put in",
    ship("config import -", 0, stdin=b"export A=1\nB='two\nlines'\nC=x#y\nD=\"z\" # remark\n"),
    ship("config import -", 2, ":1", stdin=b"A='never\n"), ship("config import -", 2, ":2", stdin=b"A=1\nnot a line\n"),
    ship("config import -", (0, 2), stdin=b"A=$HOME\nB=\"${x}\"\n"), ship("config import -", 2, stdin=b"A=\xff\n"), ship("config import -", 2, stdin=b"\x1b[2J=1\n"))


def bound_port(box):
    with socket.socket() as s:
        s.bind(("0.0.0.0", box.port))
        s.listen()
        build = box.next_build()
        server = "exec python3 -m http.server $PORT"
        (build / "shipit.toml").write_text(f"[processes]\nweb = '{server}'\n[health]\ntimeout = '1s'\nwatch = '0s'\n")
        box.attempt(["set", f"app.port={box.port}"], (0,))
        box.attempt(["deploy", build], (3,), [str(box.port)], modes=("plain",))
    box.attempt(["set", "app.port="], (0,))


row(99, "a port that is taken, 0, 70000, 80 without the right", bound_port, ship("set app.port=0", 2, "app.port"), ship("set app.port=70000", 2, "app.port"),
    toml("[app]\nport = 80\n[processes]\nweb = 'true'\n", 2, "80"))
row(100, "a user that is not there, a number, one without a shell",
    ship("set app.user=nobody-here", 0), toml("", 2, "nobody-here"), ship("set app.user=4294967295", (0, 2)), toml("", (0, 2)), ship(["set", "app.user=\x1b[2J"], (0, 2)),
    ship("set app.user=nobody", 0), toml("[release]\ncommand = 'test $(id -u) != 0'\n", 0), ship("set app.user=", 0), toml("[app]\nuser = 'root'\n", 2, "root"), needs_root=True)


def hook(script, mode=0o755):
    """A hook that is made so; whatever it does, the deploy is not changed by it."""
    def run(box):
        path = box.inputs / "hook"
        path.unlink(missing_ok=True)
        if script is not None:
            path.write_bytes(script)
            path.chmod(mode)
        box.attempt(["set", f"hooks.deployed={path}", "hooks.timeout=1s"], (0,), modes=("plain",))
        box.attempt(["deploy", box.next_build()], (0,), ["hook"] if mode != 0o700 else [], modes=("plain",))
    return run


row(101, "hooks: missing, not executable, of Windows, that hang, that write without end",
    hook(None), hook(b"#!/bin/sh\n", 0o644), hook(b"#!/bin/sh\r\nexit 0\r\n"), hook(b"#!/bin/sh\nsleep 60\n"), hook(b"#!/bin/sh\nyes\n"),
    hook(b"#!/bin/sh\nprintf '\\033[2J\\342\\200\\256\\377'; exit 1\n"), hook(b"true\n", 0o700))


def health(answer, exits):
    """A release that answers its health check so."""
    def run(box):
        build = box.next_build()
        (build / "answer.py").write_text(
            "import os, socket, time\ns = socket.socket()\ns.setsockopt(1, 2, 1)\ns.bind(('127.0.0.1', int(os.environ['PORT'])))\ns.listen()\n"
            f"while True:\n    c = s.accept()[0]\n    try:\n        {answer}\n    except OSError:\n        pass\n")
        (build / "shipit.toml").write_text("[processes]\nweb = 'exec python3 -S -E answer.py'\n[health]\npath = '/'\npasses = 1\ntimeout = '700ms'\nwatch = '0s'\nwarm = '0s'\n")
        box.attempt(["deploy", "--force", build], exits, modes=("plain", "terminal")[: 2 if exits == (3,) else 1])
        if 0 in exits:
            shutil.rmtree(box.folder)
            box.deploy_next()
    return run


row(102, "health checks: 301, 404, 500, no answer, an endless one, closed at once, bytes that are no HTTP",
    *[health(f"c.sendall(b'HTTP/1.1 {status} X\\r\\nLocation: http://example.com/\\r\\nContent-Length: 0\\r\\n\\r\\n'); c.close()", exits)
      for status, exits in ((301, (0, 3)), (404, (3,)), (500, (3,)), (999, (3,)))],
    health("time.sleep(60)", (3,)), health("c.close()", (3,)), health("c.sendall(b'\\x1b[2J\\x1b]0;x\\x07\\xff\\n' * 50); c.close()", (3,)),
    health("c.sendall(b'HTTP/1.1 200 OK\\r\\n\\r\\n'); exec('while True: c.sendall(bytes(65536))')", (0, 3)),
    health("c.sendall(b'HTTP/1.1 500 \\x1b[2J\\xe2\\x80\\xae\\r\\n\\r\\n\\x1b]0;x\\x07'); c.close()", (3,)), kind="web")
row(103, "limits that are absurd", *[ship(["set", setting], (0, 2)) for setting in ("slug.max_bytes=0", "slug.max_bytes=99999999999T", "slug.level=99", "slug.max_depth=-1", "retention.keep=0",
                                                                                    "retention.max_size=1e9", "retention.keep=99999999999999999999")],
    ship("set slug.level=99", 2, "slug.level"))
row(104, "times: 0, negative, huge, in parsecs", *[ship(["set", f"health.timeout={value}"], exits) for value, exits in
                                                  (("0", (0, 2)), ("-1s", 2), ("99999999999999999999s", 2), ("5 parsecs", 2), ("nan", 2), ("1e9", 2), ("\x1b[2J", 2))])
row(105, "an odd time zone", *[ship("releases", 0, variables={"TZ": zone}) for zone in (":/etc/passwd", "\x1b[2J", "Nowhere/At_All", ":../../../dev/zero", "X" * 5000)])
