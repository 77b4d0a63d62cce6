"""The programs that are replaced. All of them do the same: they read the file `version` in their
folder when they start, and answer each request by "release VERSION"."""
import shutil
from pathlib import Path

NODE = """\
const body = 'release ' + require('fs').readFileSync('version', 'utf8').trim() + '\\n';
require('http').createServer((request, response) => response.end(body)).listen(%d);
"""

GUNICORN = """\
with open('version') as file:
    body = f'release {file.read().strip()}\\n'.encode()


def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [body]
"""


class Program:
    name = ""
    needs = () # programs that have to be installed

    def write(self, folder, port):
        """Everything but its version."""

    def argv(self, port):
        raise NotImplementedError


class Plain(Program):
    """Static, one thread, no handler for SIGTERM."""
    name = "plain"

    def __init__(self, program):
        self.program = program

    def write(self, folder, port):
        shutil.copy(self.program, folder)

    def argv(self, port):
        return ["./plain_server", str(port)]


class Node(Program):
    """Its port is in its source; no handler for SIGTERM."""
    name = "node"
    needs = ("node",)

    def write(self, folder, port):
        (folder / "server.js").write_text(NODE % port)

    def argv(self, port):
        return ["node", "server.js"]


class Gunicorn(Program):
    """Two workers."""
    name = "gunicorn"
    needs = ("gunicorn",)

    def write(self, folder, port):
        (folder / "app.py").write_text(GUNICORN)

    def argv(self, port):
        return ["gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{port}", "app:app"]


def all_programs(build: Path):
    return [Plain(build / "tests/load/plain_server"), Node(), Gunicorn()]


def write_version(folder, version):
    (folder / "version").write_text(f"{version}\n")
