"""A web app in a few lines: nothing but Python's standard library, and PORT from the environment."""

import http.server
import os
import signal
import sys


def greeting():
    return "Hello, " + os.environ.get("NAME", "World") + "!"


def page(path):
    """The status and the text that `path` answers with."""
    if path == "/healthz":
        return 200, "ok, and it would say: " + greeting()
    if path == "/":
        return 200, f"{greeting()} This is release {os.environ['SHIPIT_RELEASE']}."
    if path == "/pid":
        return 200, str(os.getpid())
    return 404, "there is only / here"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status, text = page(self.path)
        except Exception as error:
            print(f"{self.path}: {error!r}", file=sys.stderr, flush=True)
            status, text = 500, "something is wrong here, see the log"
        body = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # no line for each request


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = int(os.environ["PORT"])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(f"listening on port {port}", flush=True)
    server.serve_forever()
