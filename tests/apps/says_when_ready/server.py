"""Listens, then says what it is at, and answers; but says that it is ready when $SIGNS/ready-vN is there.
Then it says that it is alive, until $SIGNS/hang holds its pid."""

import http.server
import os
import socket
import threading
import time

signs, release = os.environ["SIGNS"], os.environ["SHIPIT_RELEASE"]
is_ready, early = False, 0


def say(what):
    where = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
        mouth.sendto(what.encode(), "\0" + where[1:] if where[0] == "@" else where)


def hangs():
    try:
        return open(signs + "/hang").read().strip() == os.environ["WATCHDOG_PID"]
    except FileNotFoundError:
        return False


def speak():
    global is_ready
    say("STATUS=warms up")
    while not os.path.exists(f"{signs}/ready-{release}"):
        time.sleep(0.02)
    is_ready = True
    say("READY=1\nSTATUS=serves")
    while not hangs():
        say("WATCHDOG=1")
        time.sleep(0.2)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global early
        early += not is_ready
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"This is release {release}, asked {early} times too early.\n".encode())

    def log_message(self, *arguments):
        pass


server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
threading.Thread(target=speak, daemon=True).start()
server.serve_forever()
