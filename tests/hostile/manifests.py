"""Settings and manifests, 76 to 90."""

import os
import subprocess

from table import elsewhere, folder, row, ship, toml

row(76, "an empty shipit.toml", toml("", 0))
row(77, "a byte order mark", toml("\ufeff[health]\ntimeout = '5s'\n", 0))
row(78, "lines that end in CR LF, and in CR alone", toml("[health]\r\ntimeout = '5s'\r\n", 0), toml("[health]\rtimeout = '5s'\r", 2, "shipit.toml:1"))
row(79, "bytes that are no UTF-8", toml(b"name = '\xff\x1b[2J'\n", 2, "shipit.toml:1"), toml(b"\xc0\xaf = 1\n", 2, "shipit.toml:1"))
row(80, "a key twice", toml("[health]\ntimeout = '5s'\ntimeout = '6s'\n", 2, "shipit.toml:3"), toml("[app]\n[app]\n", 2, "shipit.toml:2"))
row(81, "values of a wrong type", toml("[app]\nport = '80'\n", 2, "app.port", "shipit.toml:2"), toml("app = 1\n", 2, "app"),
    toml("[health]\npath = ['/']\n", 2, "health.path"), toml("[processes]\nweb = 1\n", 2, "web"), toml("[[app]]\nport = 1\n", 2, "app"))
row(82, "keys that nobody knows", toml("[helth]\n", 2, "helth", "health"), toml("[health]\ntimout = '1s'\n", 2, "timeout"),
    toml('"\\u001b[2J\\u202e" = 1\n', 2, "shipit.toml:1"), toml(b"[app]\n'\x1b' = 1\n", 2, "shipit.toml:2"))
row(83, "keys that are missing", toml("[processes]\nweb = {}\n", 2, "web"), toml("[release]\ntimeout = '1s'\n", (0, 2)))
row(84, "numbers that overflow, are negative, are none",
    *[toml(f"[app]\nport = {value}\n", 2, "shipit.toml:2") for value in ("99999999999999999999", "-1", "nan", "inf", "1e9", "0", "80.0", "0x1FFFF")],
    ship("set app.port=99999999999999999999", 2, "app.port"), ship("set app.port=-1", 2, "app.port"))
row(85, "a dotted key of 200 KB", toml("a." * 100000 + "a = 1\n", 2, "shipit.toml"))
row(86, "257 arrays in each other", toml("a = " + "[" * 257 + "]" * 257 + "\n", 2, "shipit.toml"),
    toml("a = " + "{b=" * 5000 + "1" + "}" * 5000 + "\n", 2, "shipit.toml"))
row(87, "a shipit.toml of 100 MB", folder(lambda build, box: os.truncate(made(build / "shipit.toml"), 100 << 20), (1, 2), "shipit.toml"),
    toml("# \n" * 2000000, (1, 2), "shipit.toml"))


def made(path):
    path.touch()
    return path


def as_settings(make):
    def fill(build, box):
        (build / "file").write_text("x")
        make(build / "shipit.toml", box)
    return fill


def no_shadow(box):
    """Nothing of the file was told: it is read neither by the build nor by shipit."""
    box.expect(not any("root:" in fault for fault in box.faults), "a line of /etc/shadow was shown")


row(88, "a shipit.toml that is a folder, a FIFO, a symlink to /etc/shadow",
    folder(as_settings(lambda path, box: path.mkdir()), (1, 2), "shipit.toml"),
    folder(as_settings(lambda path, box: os.mkfifo(path)), (1, 2), "shipit.toml"),
    folder(as_settings(lambda path, box: path.symlink_to("/etc/shadow")), (1, 2), "shipit.toml"),
    folder(as_settings(lambda path, box: path.symlink_to(box.beside / "secret")), (1, 2), "shipit.toml"), no_shadow,
    lambda box: ((box.app / "app.toml").unlink(missing_ok=True), os.mkfifo(box.app / "app.toml"),
                 box.attempt(["set", "app.port=80"], (1,), ["app.toml"], advice=False), box.attempt(["status"], (1,), ["app.toml"], advice=False),
                 (box.app / "app.toml").unlink()))


def edited(number, change, *attempts):
    """After this change to a manifest's text: each of attempts (words, exits, says…) is tried."""
    def run(box):
        path = box.app / f"releases/v{number}.toml"
        whole = path.read_bytes()
        path.write_bytes(change(whole))
        for words, exits, *says in attempts:
            box.attempt(words.split(), exits, says)
        path.write_bytes(whole)
    return run


row(89, "a manifest of a later format",
    edited(1, lambda text: text.replace(b"schema = 1", b"schema = 99"),
           ("info v1", (1, 7), "v1"), ("rollback v1", (1, 7), "v1"), ("releases", (0,))),
    edited(2, lambda text: text.replace(b"schema = 1", b"schema = 99"), ("releases", (0,))), damaged=True)


def with_link(target):
    """`current` made into something else."""
    def run(box):
        current = box.app / "current"
        whole = os.readlink(current)
        current.unlink()
        target(current, box)
        for words, exits in (("releases", (0, 1, 7)), ("status", (0, 1, 7)), ("info", (0, 1, 7)), ("ps", (0, 1, 7)),
                             ("doctor", (0, 1, 7)), ("rollback v1", (0, 1, 7)), ("verify --trees", (0, 1, 7))):
            before = box.live
            box.live = lambda: None  # it is not what it should be: nothing is compared
            box.attempt(words.split(), exits, advice=False)
            box.live = before
        if current.is_dir() and not current.is_symlink():
            subprocess.run(["rm", "-rf", current])
        current.unlink(missing_ok=True)
        current.symlink_to(whole)
    return run


row(90, "manifests and `current` that contradict what is there",
    edited(1, lambda text: text[:len(text) // 2], ("info v1", (7,), "v1.toml"), ("rollback v1", (7,), "v1"), ("releases", (0,))),
    edited(1, lambda text: b"", ("info v1", (7,), "v1.toml")),
    edited(1, lambda text: text.replace(b"version = 1", b"version = 2"), ("info v1", (7,), "v1")),
    edited(1, lambda text: text.replace(b'description = "content 1"', b'description = "\\u001b[2J\\u202e\\u009b"'), ("info v1", (0,)), ("releases", (0,))),
    with_link(lambda path, box: path.symlink_to("releases/v99")),
    with_link(lambda path, box: path.symlink_to(box.beside)),
    with_link(lambda path, box: path.symlink_to("../../beside")),
    with_link(lambda path, box: path.symlink_to("current")),
    with_link(lambda path, box: path.mkdir()), with_link(lambda path, box: None), damaged=True)
