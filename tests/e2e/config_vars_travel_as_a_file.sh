# `config import` reads what people call .env, and `config export` writes it: any shell and import itself
# read that back byte for byte. What could be meant in two ways is refused, with the line.
. "$(dirname "$0")/lib.sh"

build=$scratch/build
mkdir "$build" "$scratch/files"
cd "$scratch/files"
umask 077
echo "hello" >"$build/index.html"
expect_exit 0 ship create blog
expect_exit 0 ship create copy
export SHIPIT_APP=blog
expect_exit 0 ship config set KEPT=1 GREETING=old
expect_exit 0 ship deploy "$build"

cat >.env <<'END'
# of the old host
GREETING=good morning   # without quotes
export DEBUG=0
SINGLE='as it is: $HOME \n "quotes"'
DOUBLE="it's \"quoted\"\n\$HOME"
KEY="-----BEGIN KEY-----
abc=
-----END KEY-----"
URL=http://$HOST/
END
expect_exit 0 ship config import .env
expect_out "Changed DEBUG, DOUBLE, GREETING, KEY, SINGLE, URL as v2"
expect_err "warning: .env:"
expect_err "(line 9)"
expect_exit 0 ship config export --json
expect_equal "$(json "$out" 'it["GREETING"], it["KEPT"], it["DOUBLE"], it["KEY"], it["URL"]')" \
    "('good morning', '1', 'it\\'s \"quoted\"\\n\$HOME', '-----BEGIN KEY-----\\nabc=\\n-----END KEY-----', 'http://\$HOST/')"
expect_exit 0 ship config import .env
expect_out "Nothing changed."
expect_exit 0 ship config export --release v1
expect_out "export GREETING=old"

# All or nothing; what it says names the line, and nothing that stands there.
cp .env bad.env
printf 'OTHER="s3cret\nNEW=s3cret\n' >>bad.env
expect_exit 2 ship config import bad.env
expect_err "bad.env:10: the quote that begins here is not closed"
expect_not_in "s3cret"
printf 'A=1\nPORT=80\n' >bad.env
expect_exit 2 ship config import bad.env
expect_err "bad.env:2: 'PORT' is set by shipit"
printf 'SHIPIT_X=1\n' >bad.env
expect_exit 2 ship config import bad.env
expect_match "next: leave it out$"
printf 'A=s3\0cret\n' >bad.env
expect_exit 2 ship config import bad.env
expect_err "bad.env:1: there is a NUL character"
printf '# nothing\n' >bad.env
expect_exit 2 ship config import bad.env
expect_err "there are no config vars in 'bad.env'"
expect_exit 2 ship config import nosuch.env
expect_err "cannot open 'nosuch.env': No such file or directory"
head -c 800000 /dev/zero >bad.env
expect_exit 2 ship config import bad.env
expect_err "is larger than 768 KB"
from_stdin() { ship "$@" <bad.env; }
expect_exit 2 from_stdin config import -
expect_exit 2 from_stdin config set LARGE
expect_exit 2 ship config import .
expect_exit 0 ship config
expect_not_in "NEW"

# There and back: by import, and by every shell that is here.
python3 - >odd.env <<'END'
odd = {
    "EVERY": "".join(map(chr, range(1, 127))),
    "QUOTES": "'\"`\\",
    "BACK": "\\n\\\\$HOME $(id) `id` !x",
    "ROWS": "\na\r\nb\r\n\n",
    "BLANKS": "  x \t",
    "HASH": "#x # y",
    "TILDE": "~root:~",
    "EMPTY": "",
    "UNICODE": "é😀\u202e",
}
escape = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"', "$": "\\$", "`": "\\`"}
for name, value in odd.items():
    print(f'{name}="{"".join(escape.get(c, c) for c in value)}"')
END
expect_exit 0 ship config import odd.env
expect_not_in "warning"
ship config export >exported.env
from_stdin() { ship -a copy config import - <exported.env; }
expect_exit 0 from_stdin
ship -a copy config export | cmp - exported.env
ship config export --json >exported.json
ship -a copy config export --json | cmp - exported.json
cat >look.py <<'END'
import json, os, sys
wanted = json.load(open("exported.json"))
assert len(wanted) > 10
for name, value in wanted.items():
    assert os.environ.get(name) == value, (sys.argv[1], name, os.environ.get(name), value)
END
shells=0
# shellcheck disable=SC2016,SC2086  # for the other shell to expand; some have an option
for shell in sh bash dash "bash --posix" ksh mksh zsh "busybox sh"; do
    command -v "${shell%% *}" >/dev/null || continue
    env -i PATH="$PATH" $shell -c '. ./exported.env && exec python3 look.py "$0"' "$shell" ||
        fail "$shell reads something else"
    env -i PATH="$PATH" SHIPIT_ROOT="$SHIPIT_ROOT" SHIPIT_APP=blog BIN="$SHIPIT_BIN" \
        $shell -c 'eval "$("$BIN" config export)" && exec python3 look.py "$0"' "$shell" ||
        fail "$shell evaluates something else"
    shells=$((shells + 1))
done
((shells >= 2)) || fail "hardly any shell was tried"
