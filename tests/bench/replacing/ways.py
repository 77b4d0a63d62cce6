"""The ways of replacing a running program by another version of it: shipit's, and its peers'.

A way is started with version `before` running. `prepare` lays the other version down; `replace` is what
is timed, and returns when the command that a user would give has ended.
"""
import json
import signal
import time

from measure import Failed
from replacing.programs import write_version
from replacing.workplace import answers, end, wait_until

# How long the port that nginx has left stays open; measured to lose nothing (with none, hundreds).
NGINX_DRAIN = 1.0


class Way:
    name = ""
    programs = ("plain", "node", "gunicorn") # that it can replace
    needs = () # programs that have to be installed
    before = "1"
    command_ends = True # whether the end of its command says that it is done
    starts_only = False # whether it only starts what is there, so that its own share can be told
    process = None

    def __init__(self, place, program, tools):
        self.place = place
        self.program = program
        self.tools = tools
        self.port = place.reserve_port()

    def start(self, folder):
        raise NotImplementedError

    def prepare(self):
        """Not before all of the program's processes have started."""
        write_version(self.app, "2")

    def replace(self):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def evidence(self):
        """What to look at when a request was lost that should not have been."""
        return ""

    def build(self, folder, name="app", port=None):
        """The program's version 1, in a new folder."""
        path = folder / name
        path.mkdir()
        self.program.write(path, port or self.port)
        write_version(path, "1")
        return path

    def wait_for_answer(self, port=None):
        where = port or self.port
        wait_until(lambda: answers(where), f"{self.program.name} answers on port {where}",
                   every=0.002)


class KillAndStart(Way):
    name = "kill and start"

    def start(self, folder):
        self.app = self.build(folder)
        self.start_app()

    def start_app(self):
        self.process = self.place.start(self.program.argv(self.port), self.app)
        self.wait_for_answer()

    def replace(self):
        end(self.process)
        self.start_app()

    def stop(self):
        end(self.process)


class GunicornHup(KillAndStart):
    name = "gunicorn HUP"
    programs = ("gunicorn",)
    command_ends = False

    def replace(self):
        self.process.send_signal(signal.SIGHUP)


class Supervisord(Way):
    name = "supervisord restart"
    needs = ("supervisord", "supervisorctl")
    SETTINGS = """\
[supervisord]
nodaemon = true
logfile = {0}/supervisord.log
pidfile = {0}/supervisord.pid
childlogdir = {0}
[unix_http_server]
file = {0}/supervisor.sock
[supervisorctl]
serverurl = unix://{0}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:app]
command = {1}
directory = {0}/app
"""

    def start(self, folder):
        self.folder = folder
        self.app = self.build(folder)
        settings = folder / "supervisord.conf"
        settings.write_text(self.SETTINGS.format(folder, " ".join(self.program.argv(self.port))))
        self.process = self.place.start(["supervisord", "-c", settings], self.app)
        self.wait_for_answer()
        # Until then supervisorctl would wait for the first start, too.
        wait_until(self.is_running, "supervisord runs it", every=0.1)

    def control(self, *words):
        return self.place.run(["supervisorctl", "-c", self.folder / "supervisord.conf", *words],
                              self.folder)

    def is_running(self):
        try:
            return "RUNNING" in self.control("status")
        except Failed:
            return False

    def replace(self):
        self.control("restart", "app")

    def stop(self):
        end(self.process)


class Pm2(Way):
    """Cluster mode, one process like everybody's, its defaults."""
    name = "pm2 reload"
    programs = ("node",)
    needs = ("pm2",)

    def start(self, folder):
        self.app = self.build(folder)
        self.pm2("start", "server.js", "--name", "app", "-i", "1")
        self.wait_for_answer()

    def pm2(self, *words):
        self.place.run([self.tools["pm2"], *words], self.app)

    def replace(self):
        self.pm2("reload", "app")

    def stop(self):
        self.pm2("kill")


class Nginx(Way):
    """In front of two ports that are used in turn."""
    name = "nginx, two ports"
    needs = ("nginx",)
    SETTINGS = """\
daemon off;
worker_processes auto;
pid {0}/nginx.pid;
error_log {0}/error.log;
events {{ worker_connections 768; }}
http {{
    access_log off;
    client_body_temp_path {0}/body;
    proxy_temp_path {0}/proxy;
    fastcgi_temp_path {0}/fastcgi;
    uwsgi_temp_path {0}/uwsgi;
    scgi_temp_path {0}/scgi;
    include {0}/upstream.conf;
    server {{
        listen 127.0.0.1:{1};
        location / {{ proxy_pass http://app; }}
    }}
}}
"""

    def __init__(self, place, program, tools):
        super().__init__(place, program, tools)
        self.ports = [place.reserve_port(), place.reserve_port()]
        self.builds = []
        self.apps = []

    def start(self, folder):
        self.folder = folder
        self.builds = [self.build(folder, f"app{i}", port) for i, port in enumerate(self.ports)]
        self.start_app(0)
        (folder / "nginx.conf").write_text(self.SETTINGS.format(folder, self.port))
        self.process = self.place.start(self.nginx(), folder)
        self.wait_for_answer()

    def prepare(self):
        write_version(self.builds[1], "2")

    def nginx(self, *words):
        return ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", *words]

    def start_app(self, which):
        port = self.ports[which]
        self.apps.append(self.place.start(self.program.argv(port), self.builds[which]))
        self.wait_for_answer(port)
        new = self.folder / "upstream.new"
        new.write_text(f"upstream app {{ server 127.0.0.1:{port}; }}\n")
        new.rename(self.folder / "upstream.conf")

    def replace(self):
        self.start_app(1)
        self.place.run(self.nginx("-s", "reload"), self.folder)
        time.sleep(NGINX_DRAIN)
        end(self.apps[0])

    def stop(self):
        end(self.process)
        for app in self.apps:
            end(app)


class Shipit(Way):
    """A deploy of a changed build."""
    name = "shipit deploy"
    warm = "0s"
    SETTINGS = """\
[processes]
web = "{}"
[health]
path = "/"
watch = "0s"
warm = "{}"
"""

    def start(self, folder):
        self.root = folder / "root"
        self.app = self.build(folder)
        settings = self.SETTINGS.format(" ".join(self.program.argv(self.port)), self.warm)
        (self.app / "shipit.toml").write_text(settings)
        self.ship("create", "bench")
        self.ship("set", f"app.port={self.port}")
        self.ship("deploy", self.app)

    def ship(self, *words):
        return self.place.run([self.tools["shipit"], "--root", self.root, *words], self.root.parent)

    def replace(self):
        self.ship("deploy", self.app)

    def stop(self):
        if self.root.exists():
            self.ship("destroy", "bench", "--confirm", "bench")

    def evidence(self):
        """What shipit wrote of itself and of the app, for when a request is lost."""
        files = [file for where in ("releases/*.log", "log/*", "run/*.log")
                 for file in self.root.glob(f"bench/{where}") if file.is_file()]
        return "\n".join(f"--- {file.relative_to(self.root)}\n"
                         f"{file.read_text(errors='replace')[-4000:]}" for file in files)


class WarmRollback(Shipit):
    name = "shipit warm rollback"
    warm = "5m"
    before = "2"

    def start(self, folder):
        super().start(folder)
        self.wait_for_answer()
        write_version(self.app, "2")
        self.ship("deploy", self.app)

    def prepare(self):
        """All is there already."""

    def replace(self):
        self.ship("rollback")


class ColdRollback(WarmRollback):
    name = "shipit cold rollback"
    warm = "0s"
    starts_only = True

    def start(self, folder):
        super().start(folder)
        wait_until(lambda: len(json.loads(self.ship("--json", "status"))["processes"]) == 1,
                   "the release before has stopped", every=0.1)


ALL = (Shipit, WarmRollback, ColdRollback, KillAndStart, Supervisord, Pm2, GunicornHup, Nginx)
