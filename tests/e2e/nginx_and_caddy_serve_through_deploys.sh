# What shipit(1) has to say of nginx and Caddy in front of an app is run as the page has it: files come from
# the live release's public folder, all else from the app, and no request is lost when releases change.
. "$(dirname "$0")/lib.sh"
needs curl mandoc nginx caddy

# example FIRST_LINE: from that line of the page to the brace that ends the block.
example() {
    mandoc -T utf8 -O width=120 "$tests/../man/shipit.1" | sed 's/.\x08//g' |
        awk -v first="$1" '
            !ended && !inside && index($0, first) { inside = index($0, first) }
            inside { print substr($0, inside) }
            inside && substr($0, inside) == "}" { inside = 0; ended = 1 }'
}

# in_front PAGE: what the page has, with this test's addresses and folders.
in_front() {
    sed -e "s|/var/lib/shipit/blog|$SHIPIT_ROOT/hello|" -e "s|127.0.0.1:8000|127.0.0.1:$upstream|" \
        -e "s|listen 80;|listen 127.0.0.1:$front;|" -e "s|blog.example.org|http://:$front|"
}

start_caddy() {
    example "blog.example.org {" | in_front >"$scratch/caddy.block"
    grep -qF "$SHIPIT_ROOT" "$scratch/caddy.block" || fail "the page has no example for Caddy"
    # It would want to be asked what to do on a port of its own, and certificates.
    { printf '{\n    admin off\n    auto_https off\n}\n' && cat "$scratch/caddy.block"; } >"$scratch/Caddyfile"
    HOME=$scratch XDG_DATA_HOME=$scratch/caddy XDG_CONFIG_HOME=$scratch/caddy \
        caddy run --adapter caddyfile --config "$scratch/Caddyfile" >"$scratch/caddy.log" 2>&1 &
}

start_the_pages_nginx() {
    example "server {" | in_front >"$scratch/nginx.block"
    grep -qF "$SHIPIT_ROOT" "$scratch/nginx.block" || fail "the page has no example for nginx"
    run_nginx "$(cat "$scratch/nginx.block")"
}

next_build() { # next_build N
    mkdir -p "$scratch/hello/public"
    echo "file of v$1" >"$scratch/hello/public/file.txt"
}

a_copy_of hello
next_build 1
reserve_port
upstream=$port
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$upstream"
expect_exit 0 ship deploy "$scratch/hello"
chmod 755 "$SHIPIT_ROOT" "$SHIPIT_ROOT/hello"

release=1
for proxy in nginx caddy; do
    reserve_port
    front=$port
    if [[ $proxy == nginx ]]; then start_the_pages_nginx; else start_caddy; fi
    running=$!
    expect_soon 20 answers "http://127.0.0.1:$front/" "This is release v$release."
    start_hammer "$front" 2 2000
    for _ in 1 2; do
        release=$((release + 1))
        next_build "$release"
        expect_exit 0 ship deploy "$scratch/hello"
        expect_answer "http://127.0.0.1:$front/" "This is release v$release."
        expect_answer "http://127.0.0.1:$front/file.txt" "file of v$release"
    done
    expect_exit 0 ship rollback
    release=$((release + 1))
    expect_answer "http://127.0.0.1:$front/" "This is release v$release."
    expect_answer "http://127.0.0.1:$front/file.txt" "file of v$((release - 2))"
    expect_none_failed
    kill "$running"
done
