"""Names, 61 to 75."""

import json
import os

from table import deploy, elsewhere, folder, row, ship
from tars import file, tar


def kept(*names, **how):
    """Files of these names come through exactly; what is told of them drives no terminal."""
    names = [os.fsencode(name) for name in names]

    def run(box):
        build = box.inputs / "named"
        build.mkdir()
        for name in names:
            path = os.path.join(os.fsencode(build), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(b"x")
        live = box.live()
        box.attempt(["-v", "deploy", build], (0,))
        tree = os.fsencode(box.app / "current/")
        for name in names:
            box.expect(os.path.lexists(os.path.join(tree, name)), f"{name} is missing in the tree")
        box.attempt(["diff", f"v{live}"], (0,))
        exact(box, f"v{live}", names)
        box.attempt(["verify", "--trees"], (0,))
        with open(os.path.join(tree, names[-1]), "wb") as file:  # somebody edits it on the host
            file.write(b"y")
        box.attempt(["verify", "--trees"], (7,))
        with open(os.path.join(tree, names[-1]), "wb") as file:
            file.write(b"x")
    return run


def exact(box, version, names):
    """--json tells UTF-8 names as they are."""
    code, out, _ = box.to_files(["--json", "diff", version])
    box.what = "--json diff"
    told = json.dumps(json.loads(out), ensure_ascii=True)
    for name in names:
        try:
            want = json.dumps(name.decode())[1:-1]
        except UnicodeDecodeError:
            continue
        box.expect(want in told, f"{name} is not told exactly")


row(61, "newline, tab, ESC, BEL", kept("new\nline", "tab\there", "\x1b[2J\x1b]0;owned\x07", "bell\x07", "\r back", "\x9b31m"))
row(62, "a hyphen in front", kept("-rf", "--help", "-", "--/x"))
row(63, "spaces, quotes, $(x), backticks, %s", kept(" a b ", "'\"", "$(touch pwned)", "`id`", "%s%n%d", "%", "{}", "{0}", "a;b&c|d"))
row(64, "bytes that are no UTF-8", kept(b"\xff\xfe", b"caf\xe9", b"\xc0\xaf", b"\xed\xa0\x80", b"\x9b2J"))
row(65, "a name of 255 bytes, and of 256", kept("x" * 255),
    deploy(tar(file("a" * 255)), 0), deploy(lambda box: long_name(256), 1, "slug.max_name"))


def long_name(length):
    from tars import pax
    return tar(pax([("path", "y" * length)]), file())


def deep(build, box):
    """No path can be given for it: it is made folder by folder."""
    (build / "file").write_text("x")
    here = os.getcwd()
    os.chdir(build)
    for _ in range(25):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    open("leaf", "w").close()
    os.chdir(here)


row(66, "a path of more than 4,096 bytes", folder(deep, 1, "dddd"))
row(67, "text that turns round (RTL override)", kept("invoice\u202egpj.exe", "\u2066a\u2069", "\u200f.txt", "\ufeffbom"))
row(68, "emoji, joined ones", kept("\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301"))
row(69, "a dot or a space at the end", kept("dot.", "space ", "...", ". ."))
row(70, "names that DOS knows", kept("con", "nul", "COM1", "aux.txt"))
row(71, "names that shipit uses itself", kept(".tmp", ".new-1", "current/x", "releases/v1", "shared", "trees/x", ".build-x", "v1.toml"))
row(72, "backslashes, C:\\x", kept("back\\slash", "C:\\x", "\\\\host\\share", "..\\x"))
BAD_APPS = ["..", ".", "", "a" * 64, "UPPER", "a/b", "-x", "app.service", "caf\u00e9", b"\xff", "a b", "\x1b[2J", "../x", "a\n", "_a"]
row(73, "apps' names: .., ., empty, too long, upper case, a/b, -x, app.service, not ASCII",
    *[ship(["create", "--", name], 2) for name in BAD_APPS],
    *[ship(["-a", name, "releases"], 2) for name in BAD_APPS if name],
    lambda box: box.expect(os.listdir(box.root) in (["app"], [".apps", "app"]) or
                           {n for n in os.listdir(box.root) if not n.startswith(".")} == {"app"}, "an app was made"))
row(74, "releases: of no number, v0, v-1, 2^64, one that is not there",
    *[ship(["info", name], (1, 2)) for name in ("v0", "v-1", "v18446744073709551616", "v99", "", "v", "v1x", "\x1b[2J", "v 1", "0x1")],
    *[ship(["rollback", "--", name], (1, 2)) for name in ("v0", "-1", "v18446744073709551616", "abc", "\u202ev1", b"\xff")])
row(75, ".slugignore that leaves out everything, itself, the Procfile",
    folder({".slugignore": "*\n", "file": "x"}, 1, "empty"),
    folder({".slugignore": ".slugignore\n", "file": "x"}, 0),
    folder({".slugignore": "/Procfile\n", "Procfile": "web: false\n", "file": "x"}, 3),  # it is packed all the same
    folder({".slugignore": b"\xff\x1b[2J\n\0\n[\n[z-a]\n**/**/**\n\\\n", "file": "x"}, (0, 1, 2)))
