# With --json, what people decide about an app and its releases is one object on standard output, as a
# deploy is, and what is done to every app one array.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
tells() { # tells OBJECT COMMAND…
    expect_exit 0 ship --json "${@:2}"
    expect_equal "$(json "$out" it)" "$1"
}
slug=$(json <(ship info --json) 'it["slug"]["id"]')

tells "{'app': 'hello', 'release': 'v1', 'name': '', 'pinned': True}" pin v1
tells "{'app': 'hello', 'release': 'v1', 'name': 'first', 'pinned': True}" pin v1 first
tells "{'app': 'hello', 'release': 'v1', 'pinned': False}" unpin v1
tells "{'app': 'hello', 'slug': None, 'held': True}" hold -m "not now"
tells "{'app': 'hello', 'slug': '$slug', 'held': True}" hold v1 -m "nor this"
tells "{'app': 'hello', 'slug': '$slug', 'cleared': 1}" hold v1 --clear
tells "{'app': 'hello', 'slug': None, 'cleared': 1}" hold --clear
tells "{'app': 'hello', 'stopped': True}" stop
tells "[{'app': 'hello', 'supervised': False}]" start --all
tells "{'app': 'hello', 'started': True}" start
tells "[{'app': 'hello', 'stopped': True}]" stop --all
tells "[{'app': 'hello', 'supervised': True}]" start --all
