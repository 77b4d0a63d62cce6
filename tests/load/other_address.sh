# A release listens on 127.0.0.1 where the one before took all addresses, and the other way round, under
# load: the kernel prefers the narrower one, whoever is live, and still no request is lost or answered
# by a release that is not live.
. "$(dirname "$0")/lib.sh"

deploy_plain_app # on all addresses
sed -i 's|^watch = .*|&\nwarm = "1s"|' "$scratch/app/shipit.toml"
start_hammer
served_by() { [[ $(page "http://127.0.0.1:$port/") == "release $1" ]]; }
only_one_is_up() { [[ $(ship ps --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))') == 1 ]]; }
release=1
for ((i = 1; i <= ${SHIPIT_LOAD_DEPLOYS:-4}; i++)); do
    for host in 127.0.0.1 0.0.0.0; do
        release=$((release + 1))
        echo "$release" >"$scratch/app/build"
        sed -i "s|^web = .*|web = \"./plain_server $port $host\"|" "$scratch/app/shipit.toml"
        expect_exit 0 ship deploy "$scratch/app"
        served_by "v$release" || fail "v$release is live, and another one answers"
        expect_soon 20 only_one_is_up # the one before is gone, and its address, too
        served_by "v$release" || fail "v$release is live, and another one answers"
    done
    # What does not become healthy on the narrower address has been asked by nobody.
    release=$((release + 1))
    sed -i "s|^web = .*|web = \"./plain_server $port 127.0.0.1\"|; s|^path = .*|path = \"/\"\ntimeout = \"300ms\"|" "$scratch/app/shipit.toml"
    echo "$release" >"$scratch/app/build"
    cp -R "$scratch/app" "$scratch/bad"
    sed -i "s|^web = .*|web = \"python3 -m http.server --bind 127.0.0.1 $port\"|; s|^path = .*|path = \"/nothing\"|" "$scratch/bad/shipit.toml"
    expect_exit 3 ship deploy "$scratch/bad"
    rm -r "$scratch/bad"
    sed -i "/^timeout = /d" "$scratch/app/shipit.toml"
done
expect_none_failed
