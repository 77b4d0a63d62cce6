"""The ways of replacing a running program by another version of it: shipit's, and what people do
without it. Each serves "release NAME" on one port, which never changes."""
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from measure import Failed, run

NODE = """\
const fs = require('fs');
const release = process.env.SHIPIT_RELEASE || fs.readFileSync('release', 'utf8').trim();
require('http').createServer((request, response) => {
  response.end(`release ${release}\\n`);
}).listen(%d, '127.0.0.1');
"""
WSGI = """\
import os
release = os.environ.get('SHIPIT_RELEASE') or open('release').read().strip()
def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [f'release {release}\\n'.encode()]
"""
PATIENCE = 20  # seconds


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def answer(port):
    """The name of the release that serves there now; nothing if none does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
            return page.read().decode().strip().removeprefix("release ")
    except OSError:
        return None


def wait_for(port, release):
    end = time.monotonic() + PATIENCE
    while (found := answer(port)) != release:
        if time.monotonic() > end:
            raise Failed(f"port {port} is answered by {found} and not by {release}")
        time.sleep(0.005)


class Way:
    """`replace` returns when the way's own command does, and gives the name of what serves then."""
    name = needs = how_to_get = None
    programs = ("plain", "node")

    def __init__(self, program, folder, tools):
        self.program, self.folder, self.tools = program, folder, tools
        self.port = free_port()
        self.number = 1
        folder.mkdir(parents=True)
        self.app = folder / "app"
        self.app.mkdir()
        self.write_app(self.app, self.port)

    def write_app(self, app, port):
        if self.program == "plain":
            shutil.copy(self.tools / "plain_server", app)
        (app / "server.js").write_text(NODE % port)
        (app / "app.py").write_text(WSGI)
        self.write_release()

    def write_release(self):
        (self.app / "release").write_text(f"v{self.number}\n")

    def command(self, port):
        return {"plain": ["./plain_server", str(port), "127.0.0.1"],
                "node": ["node", "server.js"],
                "gunicorn": ["gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{port}",
                             "app:app"]}[self.program]

    def spawn(self, app, port):
        return subprocess.Popen(self.command(port), cwd=app, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env={**os.environ, "SHIPIT_RELEASE": f"v{self.number}"})

    def end(self, process):
        # gunicorn takes SIGTERM for the wish to wait for its clients.
        process.send_signal(signal.SIGINT if self.program == "gunicorn" else signal.SIGTERM)
        process.wait(PATIENCE)

    def prepare(self):
        """Before each replacement, untimed."""
        self.number += 1
        self.write_release()

    def expected(self):
        return f"v{self.number}"


class Shipit(Way):
    name = "shipit deploy"
    programs = ("plain", "node", "gunicorn")
    warm = "0s"

    def ship(self, *words):
        return run([self.tools / "shipit", "--root", self.folder / "root", *words])

    def start(self):
        (self.app / "shipit.toml").write_text(
            f'[processes]\nweb = "{" ".join(self.command(self.port))}"\n'
            f'[health]\npath = "/"\nwatch = "0s"\nwarm = "{self.warm}"\n')
        self.ship("create", "bench")
        self.ship("set", f"app.port={self.port}")
        self.ship("deploy", self.app)

    def replace(self):
        self.ship("deploy", self.app)

    def stop(self):
        self.ship("destroy", "bench", "--confirm", "bench")


class ColdRollback(Shipit):
    name = "shipit rollback, cold"

    def prepare(self):
        super().prepare()
        self.ship("deploy", self.app, "--force")
        self.wait_for_processes()
        self.number += 1  # of the release that goes back

    def wait_for_processes(self):
        """Until the generation before has ended, which is about a second after the switch."""
        end = time.monotonic() + PATIENCE
        while len(json.loads(self.ship("ps", "--json"))) > 1:
            if time.monotonic() > end:
                raise Failed("the release before is still there")
            time.sleep(0.05)

    def replace(self):
        self.ship("rollback")


class WarmRollback(ColdRollback):
    name = "shipit rollback"
    warm = "5m"

    def wait_for_processes(self):
        pass

    def expected(self):
        return "v1"  # whose process is never ended


class KillAndStart(Way):
    name = "kill and start"

    def start(self):
        self.process = self.spawn(self.app, self.port)

    def replace(self):
        self.end(self.process)
        self.process = self.spawn(self.app, self.port)

    def stop(self):
        self.end(self.process)


class Supervisord(Way):
    name = "supervisorctl restart"
    needs, how_to_get = "supervisord", "apt-get install supervisor"

    def start(self):
        self.settings = self.folder / "supervisord.conf"
        command = " ".join(self.command(self.port))
        self.settings.write_text(f"""\
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={self.folder}/supervisord.pid
[unix_http_server]
file={self.folder}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{self.folder}/supervisor.sock
[program:web]
directory={self.app}
command=sh -c 'SHIPIT_RELEASE=$(cat release) exec {command}'
stdout_logfile=NONE
stderr_logfile=NONE
""")
        self.daemon = subprocess.Popen(["supervisord", "-c", self.settings],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def replace(self):
        run(["supervisorctl", "-c", self.settings, "restart", "web"])

    def stop(self):
        self.end(self.daemon)


class Pm2(Way):
    name = "pm2 reload"
    needs, how_to_get = "pm2", "npm install --global pm2"
    programs = ("node",)

    def pm2(self, *words):
        environment = {**os.environ, "PM2_HOME": str(self.folder / "pm2")}
        environment.pop("SHIPIT_RELEASE", None)
        return run(["pm2", *words], cwd=self.app, env=environment)

    def start(self):
        self.pm2("start", "server.js", "--instances", "2", "--name", "web")  # in cluster mode

    def replace(self):
        self.pm2("reload", "web")

    def stop(self):
        self.pm2("kill")


class GunicornHup(Way):
    name = "gunicorn HUP"
    needs, how_to_get = "gunicorn", "apt-get install gunicorn"
    programs = ("gunicorn",)

    def start(self):
        self.process = subprocess.Popen(
            self.command(self.port), cwd=self.app, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={key: value for key, value in os.environ.items() if key != "SHIPIT_RELEASE"})

    def replace(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.end(self.process)


class AlternatingPorts(Way):
    """Behind nginx: the new one starts on the other port, and nginx is told when it answers."""
    name = "nginx, alternating ports"
    needs, how_to_get = "nginx", "apt-get install nginx-light"

    def start(self):
        self.ports = [free_port(), free_port()]
        self.apps = []
        for port in self.ports:
            app = self.folder / f"app{port}"
            app.mkdir()
            self.write_app(app, port)
            self.apps.append(app)
        self.live = 0
        self.process = self.spawn(self.apps[0], self.ports[0])
        wait_for(self.ports[0], self.expected())
        self.settings = self.folder / "nginx.conf"
        self.write_settings()
        self.nginx = subprocess.Popen([*self.nginx_argv(), "-g", "daemon off;"],
                                      stderr=subprocess.DEVNULL)

    def nginx_argv(self):
        return ["nginx", "-p", self.folder, "-e", self.folder / "nginx.log", "-c", self.settings]

    def write_settings(self):
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind};\n" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.settings.write_text(f"""\
pid {self.folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    {temporary}
    server {{
        listen 127.0.0.1:{self.port};
        location / {{ proxy_pass http://127.0.0.1:{self.ports[self.live]}; }}
    }}
}}
""")

    def replace(self):
        self.live = 1 - self.live
        before, self.process = self.process, self.spawn(self.apps[self.live], self.ports[self.live])
        wait_for(self.ports[self.live], self.expected())
        workers = self.workers()
        self.write_settings()
        run([*self.nginx_argv(), "-s", "reload"])
        end = time.monotonic() + PATIENCE
        while workers & self.workers() and time.monotonic() < end:
            time.sleep(0.005)
        self.end(before)

    def workers(self):
        """Of nginx: those from before a reload still ask the port from before."""
        children = f"/proc/{self.nginx.pid}/task/{self.nginx.pid}/children"
        return set(Path(children).read_text().split())

    def stop(self):
        self.end(self.nginx)
        self.end(self.process)


WAYS = [Shipit, WarmRollback, ColdRollback, KillAndStart, Supervisord, Pm2, GunicornHup,
        AlternatingPorts]
