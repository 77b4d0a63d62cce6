# nginx serves files of the live release from current/public, and hands all else to the app: through
# deploys and a rollback no request for either is lost, and files are of the release that serves.
. "$(dirname "$0")/lib.sh"
needs curl nginx

deploy_plain_app
new_build() { # new_build TEXT
    mkdir -p "$scratch/app/public"
    echo "release $1" >"$scratch/app/public/index.html"
}
new_build v2
expect_exit 0 ship deploy "$scratch/app"
public=$SHIPIT_ROOT/load/current/public upstream=$port
chmod 755 "$SHIPIT_ROOT" "$SHIPIT_ROOT/load"
reserve_port
static=$port port=$upstream
start_nginx "http://127.0.0.1:$upstream" "server { listen 127.0.0.1:$static; root $public; }"
expect_soon 10 answers "http://127.0.0.1:$front/" "release v2"
expect_answer "http://127.0.0.1:$static/" "release v2"

start_hammer "$front" 2
start_hammer "$static" 2
for ((i = 0; i < ${SHIPIT_LOAD_DEPLOYS:-6}; i++)); do
    next=v$(($(json <(ship info --json) 'it["version"][1:]') + 1))
    new_build "$next"
    expect_exit 0 ship deploy "$scratch/app"
    expect_answer "http://127.0.0.1:$front/" "release $next"
    expect_answer "http://127.0.0.1:$static/" "release $next"
done
expect_exit 0 ship rollback
expect_answer "http://127.0.0.1:$static/" "release v$((${next#v} - 1))" # as it was built
expect_none_failed
