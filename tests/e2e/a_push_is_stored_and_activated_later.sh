# `push --no-activate` stores a build on the host, which `activate` takes live there; a push of the same build
# that is to go live does. A host whose shipit knows nothing of that is asked for nothing.
. "$(dirname "$0")/lib.sh"
needs curl python3

hello_is_live
# A connection to this host: without the host's name, what follows is run.
printf '#!/bin/sh\nshift\nexec "$@"\n' >"$scratch/bin/ssh"
# An older shipit, whose offer does not say that it can store.
cat >"$scratch/bin/older" <<END
#!/usr/bin/env python3
import os, subprocess, sys
shipit = subprocess.Popen(["$SHIPIT_BIN", *sys.argv[1:]], stdout=subprocess.PIPE)
while data := os.read(shipit.stdout.fileno(), 1 << 16):
    os.write(1, data.replace(b'"stores"', b'"others"'))
sys.exit(shipit.wait())
END
chmod +x "$scratch/bin/ssh" "$scratch/bin/older"
export SHIPIT_SSH=$scratch/bin/ssh SHIPIT_REMOTE=$SHIPIT_BIN XDG_CACHE_HOME=$scratch/cache

sed -i 's/return "Hello, "/return "Good morning, "/' "$scratch/hello/server.py"
expect_exit 2 ship push host:hello "$scratch/hello" --no-activate --trial 10m
expect_exit 2 ship push host:hello "$scratch/hello" --no-activate --no-wait
SHIPIT_REMOTE=$scratch/bin/older expect_exit 1 ship push host:hello "$scratch/hello" --no-activate
expect_err "the shipit on the host is too old for '--no-activate'"
expect_exit 0 ship --json releases
expect_equal "$(json "$out" 'len(it)')" 1

expect_exit 0 ship push host:hello "$scratch/hello" --no-activate -m "By day"
expect_out "Stored v2 of hello, which is not live: By day"
expect_err "to take it live: shipit -a hello activate v2"
expect_answer "$url" "Hello, World! This is release v1."
expect_exit 0 ship --json push host:hello "$scratch/hello" --no-activate
expect_equal "$(json "$out" 'it["changed"], it["stored"]')" "(False, 'v2')"
expect_exit 0 ship activate v2
expect_answer "$url" "Good morning, World! This is release v3."

sed -i 's/return "Good morning, "/return "Good day, "/' "$scratch/hello/server.py"
expect_exit 0 ship push host:hello "$scratch/hello" --no-activate
expect_out "Stored v4"
expect_exit 0 ship push host:hello "$scratch/hello"
expect_out "Deployed v5 to hello"
expect_answer "$url" "Good day, World! This is release v5."
expect_no_leftovers
