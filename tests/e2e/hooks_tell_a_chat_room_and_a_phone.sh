# The hooks that stand as examples in shipit.toml(5) post to a chat room and send a text message: they are
# taken from the page as a reader sees it, and run against a server that notes what it gets.
. "$(dirname "$0")/lib.sh"
needs curl jq mandoc openssl

# example NAME: the file that begins with "# NAME:", or with that behind a "#!" line, as the page shows it.
example() {
    mandoc -T utf8 -O width=120 "$tests/../man/shipit.toml.5" | sed 's/.\x08//g' | python3 -c '
import re, sys
page, name = sys.stdin.read(), sys.argv[1]
found = re.search(rf"^( +)(#!.*\n +)?# {name}: ", page, re.M)
lines = []
for line in page[found.start() :].splitlines():
    if line and not line.startswith(found[1]):
        break
    lines.append(line[len(found[1]) :])
print("\n".join(lines).strip())' "$1"
}

# Secrets of this run alone: no process of another one has them among its arguments.
chat_secret=$(openssl rand -hex 8)
phone_secret=$(openssl rand -hex 8)
account=AC5ef872f6:$phone_secret
printf '%s\n' "$chat_secret" "$phone_secret" "$(printf %s "$account" | base64)" >"$scratch/secrets"

# A server for both, that also looks whether an argument list holds a secret while it is asked. The pages
# that it refuses are those of an account that was closed.
cat >"$scratch/server.py" <<'END'
import glob, http.server, json, os, sys

secrets = open(sys.argv[3], "rb").read().split()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        shown = 0
        for file in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                arguments = open(file, "rb").read()
            except OSError:
                continue
            shown += any(secret in arguments for secret in secrets)
        told = {"path": self.path, "headers": dict(self.headers), "body": body, "shown": shown}
        with open(sys.argv[1], "a") as file:
            file.write(json.dumps(told) + "\n")
        self.send_response(403 if os.path.exists(sys.argv[2]) else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
END
: >"$scratch/told"
python3 "$scratch/server.py" "$scratch/told" "$scratch/closed" "$scratch/secrets" \
    >"$scratch/server.port" &
expect_soon 10 test -s "$scratch/server.port"
server=http://127.0.0.1:$(cat "$scratch/server.port")

# Only where they are posted to and the secrets are changed. All of it belongs to the app's user, who alone can read it.
hooks=$scratch/hooks
mkdir -m 755 "$hooks"
for name in tell-chat tell-phone chat.curl phone.curl; do
    example "$name" | sed -e "s|https://[a-z.]*example.com|$server|" -e "s|xz7wrp43mbo1|$chat_secret|" \
        -e "s|3a1c9e07d2|$phone_secret|" >"$hooks/$name"
done
grep -qF "$server" "$hooks/chat.curl" || fail "chat.curl has no address"
grep -qF "$server" "$hooks/phone.curl" || fail "phone.curl has no address"
chmod 755 "$hooks"/tell-*
chmod 600 "$hooks"/*.curl
if [[ $(id -u) == 0 ]]; then
    chown nobody "$hooks"/*
fi

reserve_port
a_copy_of hello
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port" "hooks.deployed=$hooks/tell-chat" "hooks.failed=$hooks/tell-phone" \
    "hooks.rolled_back=$hooks/tell-chat"
[[ $(id -u) != 0 ]] || expect_exit 0 ship set app.user=nobody

# told N EXPRESSION: about the Nth thing that the server was told, `it`.
told() {
    sed -n "$1p" "$scratch/told" >"$scratch/one"
    json "$scratch/one" "$2"
}
expect_told() { depth=1 expect_equal "$(wc -l <"$scratch/told")" "$1" "messages"; }
user=$(id -un)

# What is said arrives as it is, whatever it is.
odd=$'Über "quotes", \'single\', $(id) & 100% +1 = <b>\\n'
echo 1 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello" -m "$odd"
expect_not_in "warning: hooks"
expect_told 1
expect_equal "$(told 1 'it["path"], it["headers"]["Content-Type"], it["shown"]')" \
    "('/hooks/$chat_secret', 'application/json', 0)"
expect_equal "$(told 1 'json.loads(it["body"])["text"]')" "hello v1 deployed, by $user: $odd"

echo 2 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello" -m "Second"
sed 's/^web = .*/web = "bash -c '"'exit 9'"'"/' -i "$scratch/hello/shipit.toml"
expect_exit 3 ship deploy "$scratch/hello" -m "$(printf 'long %.0s' {1..99})"
expect_not_in "warning: hooks"
expect_told 3
fields='__import__("urllib.parse").parse.parse_qs(it["body"], strict_parsing=True)'
expect_equal "$(told 3 'it["path"], it["headers"]["Content-Type"], it["shown"]')" \
    "('/2010-04-01/Accounts/AC5ef872f6/Messages.json', 'application/x-www-form-urlencoded', 0)"
expect_equal "$(told 3 '__import__("base64").b64decode(it["headers"]["Authorization"].removeprefix("Basic "))')" \
    "b'$account'"
expect_equal "$(told 3 "sorted($fields), ${fields}['From'], ${fields}['To']")" \
    "(['Body', 'From', 'To'], ['+15005550006'], ['+4915112345678'])"
text=$(told 3 "${fields}['Body'][0]")
[[ $text == "hello v3 failed: "*"exited with status 9"* ]] || fail "the message is: $text"
((${#text} <= 160)) || fail "the message has ${#text} characters"

expect_exit 0 ship rollback
expect_told 4
expect_equal "$(told 4 'json.loads(it["body"])["text"][:21]')" "hello v4 rolled_back,"

# Nobody there to be told: that is said, and changes nothing; the secrets are in no transcript.
touch "$scratch/closed"
sed 's/^web = .*/web = "python3 server.py"/' -i "$scratch/hello/shipit.toml"
echo 3 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello"
expect_err "hooks.deployed exited with status 22, ignoring"
expect_answer "http://127.0.0.1:$port/" "This is release v5."
expect_exit 0 ship output v5
expect_out "403"
! grep -rqFf "$scratch/secrets" "$SHIPIT_ROOT" || fail "a secret is in the app's folder"
