"""Keeps a row for each request of /count, in the SQLite database that DATABASE names, and tells how many there are.

With FAIL in the environment, it does not start.
"""
import http.server
import os
import sqlite3
import sys

if "FAIL" in os.environ:
    sys.exit(1)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            database = sqlite3.connect(os.environ.get("DATABASE", "db.sqlite3"))
            database.execute("create table if not exists visits (at integer)")
            if self.path == "/count":
                database.execute("insert into visits values (1)")
                database.commit()
            text = f"{database.execute('select count(*) from visits').fetchone()[0]} rows"
        except sqlite3.Error as error:
            text = str(error)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{os.environ['SHIPIT_RELEASE']}: {text}\n".encode())

    def log_message(self, *_):
        pass


http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
