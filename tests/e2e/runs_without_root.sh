# Everything works in a user's own root, without any right of root's.
. "$(dirname "$0")/lib.sh"
needs curl

# As root there is nothing to show: become nobody, and start over with copies that nobody can read.
if [[ $(id -u) == 0 ]]; then
    needs setpriv
    mkdir "$scratch/nobody"
    cp -R "$tests" "$scratch/nobody/tests"
    cp "$SHIPIT_BIN" "$scratch/nobody/shipit"
    chmod -R a+rX "$scratch/nobody"
    chown nobody: "$scratch/nobody"
    reserve_port # its folder is where nobody, too, reserves one: they are the whole host's
    as_nobody() {
        setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all --bounding-set=-all \
            env SHIPIT_TEST_TMP="$scratch/nobody" SHIPIT_TEST_PORTS="$(dirname "${reserved_ports[0]}")" \
            SHIPIT_BIN="$scratch/nobody/shipit" \
            bash "$scratch/nobody/tests/e2e/$scenario.sh"
    }
    expect_exit 0 as_nobody
    exit 0
fi

# The places that a user's root and sockets are at by themselves.
unset SHIPIT_ROOT
export XDG_RUNTIME_DIR=$scratch/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
SHIPIT_ROOT=$HOME/.local/share/shipit # for lib.sh, not exported
export -n SHIPIT_ROOT

hello_is_live
[[ -L $SHIPIT_ROOT/hello/current ]] || fail "the root is not at $SHIPIT_ROOT"
expect_exit 1 env SHIPIT_ROOT="$scratch/elsewhere" "$SHIPIT_BIN" -a hello ps
expect_err "next: there is one under '$SHIPIT_ROOT', as user $(id -un): shipit --root $SHIPIT_ROOT -a hello status"
expect_exit 0 ship config set NAME=Ada
expect_answer "$url" "Hello, Ada! This is release v2."
sed -i 's/def greeting/def greting/' "$scratch/hello/server.py"
expect_exit 3 ship deploy "$scratch/hello" -m "Broken"
expect_answer "$url" "Hello, Ada! This is release v2."
expect_exit 0 ship rollback v1
expect_answer "$url" "Hello, World! This is release v4."
expect_exit 0 ship ps
expect_exit 0 ship logs
expect_exit 0 ship run -- id -u
expect_out "$(id -u)"
expect_exit 0 ship verify
expect_exit 0 ship prune --keep 1
expect_exit 0 ship stop
expect_exit 0 ship start
expect_soon 10 answers "$url" "This is release v4."

# The user logs out, and systemd-logind takes his runtime folder away; his app goes on, and is found.
rm -rf "$XDG_RUNTIME_DIR"
expect_exit 0 env -u XDG_RUNTIME_DIR "$SHIPIT_BIN" -a hello ps
expect_match "^web\.1 +up "
expect_exit 0 ship restart
expect_answer "$url" "This is release v4."

# Nobody becomes another user of the host without being root.
expect_exit 0 ship set app.user=root
sed -i 's/def greting/def greeting/; s/Hello/Good morning/' "$scratch/hello/server.py"
expect_exit 2 ship deploy "$scratch/hello"
expect_err "root"
expect_answer "$url" "This is release v4."
