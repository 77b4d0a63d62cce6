"""Says under which user it runs, and what it was able to change of what it should not."""

import http.server
import os


def attempt(what, action):
    try:
        action()
        return f"{what}: done"
    except OSError as error:
        return f"{what}: {error.strerror}"


def report():
    here = os.getcwd()
    app = os.environ["APP_FOLDER"]
    yield f"uid {os.getuid()} gid {os.getgid()} groups {sorted(os.getgroups())}"
    yield attempt("write a file of the release", lambda: open("server.py", "a").close())
    yield attempt("add a file to the release", lambda: open("new.txt", "w").close())
    yield attempt("remove a file of the release", lambda: os.unlink("shipit.toml"))
    yield attempt("change the mode of the release", lambda: os.chmod(here, 0o777))
    yield attempt("move current", lambda: os.rename(app + "/current", app + "/gone"))
    yield attempt("read the config vars", lambda: open(app + "/config.toml").close())
    yield attempt("read a manifest", lambda: open(app + "/releases/v1.toml").close())
    yield attempt("become root", lambda: os.setuid(0))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = "".join(line + "\n" for line in report()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
