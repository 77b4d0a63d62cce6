# `shipit push` deploys to another host what is here, sends only what is not there yet, and tells all
# that a deploy there would tell, with its exit status.
. "$(dirname "$0")/lib.sh"
needs curl python3

another_host_is_near
push() { SHIPIT_ROOT=$scratch/nowhere ship push "$@"; }
sent() { json "$out" 'it["traffic"]["sent"]'; }
greet() { sed -i "s/return \"[^\"]*, \"/return \"$1, \"/" "$scratch/hello/server.py"; }

reserve_port
url=http://127.0.0.1:$port/
a_copy_of hello
expect_exit 0 ship create hello
expect_exit 0 ship create other
expect_exit 0 ship -a hello set "app.port=$port"
of_hello=$port
reserve_port
expect_exit 0 ship -a other set "app.port=$port"
port=$of_hello

# --- The first one: all of it ---
head -c 6000000 /dev/urandom >"$scratch/hello/big"
for i in $(seq 100); do seq "$i" 3000 >"$scratch/hello/lines$i"; done
expect_exit 1 push example:hello "$scratch/hello" --ssh /bin/false --remote "sudo shipit"
expect_err "the host 'example' ended the connection without a word (exit status 1)"
expect_err "  next: see whether this works: /bin/false example sudo shipit version"
expect_exit 0 push example:hello "$scratch/hello" -m "From afar"
expect_err "-----> packing"
expect_err "-----> sending 103 of 103 files"
expect_err "-----> switching to v1"
expect_out "Deployed v1 to hello: From afar"
expect_err "v1 is live and good"
expect_answer "$url" "This is release v1."
expect_exit 0 ship -a hello verify --trees
[[ ! -e $scratch/nowhere ]] || fail "a root was made where there is none"

# --- After a change: what changed, not the files in which it did ---
greet "Good morning"
printf changed. | dd of="$scratch/hello/big" bs=1 seek=3000000 conv=notrunc status=none
sed -i 's/^1500$/changed/' "$scratch/hello/lines7"
echo "a new one" >"$scratch/hello/new"
rm "$scratch/hello/lines8"
expect_exit 0 push example:hello "$scratch/hello" --json
(($(sent) < 4000)) || fail "$(sent) bytes were sent for a few"
expect_equal "$(json "$out" 'it["release"], it["good"], it["app"]')" "('v2', True, 'hello')"
expect_answer "$url" "Good morning, World! This is release v2."
expect_exit 0 ship -a hello verify --trees
# What is there is what a deploy of the folder would have made.
expect_exit 0 ship -a hello deploy "$scratch/hello"
expect_out "Nothing changed"

expect_exit 0 push example:hello "$scratch/hello"
expect_out "Nothing changed"
expect_exit 0 ship -a hello info v2 --json
expect_equal "$(json "$out" 'it["slug"]["files"]')" 103

# Another app's content is none of this one's business: all is sent again.
expect_exit 0 push example:other "$scratch/hello" --json --no-wait
(($(sent) > 6000000)) || fail "only $(sent) bytes were sent to an app that had nothing"

# --- Without what it remembers: whole files, but only those that are not there ---
greet "Good evening"
XDG_CACHE_HOME=$scratch/empty expect_exit 0 push example:hello "$scratch/hello" --json
(($(sent) < 20000)) || fail "$(sent) bytes were sent for one file"
expect_answer "$url" "Good evening, World! This is release v3."

# --- An archive, the app by its name in the build, a git work tree ---
sed -i '1i name = "hello"' "$scratch/hello/shipit.toml"
tar cf "$scratch/build.tar" -C "$scratch/hello" .
expect_exit 0 push example "$scratch/build.tar" --no-wait
expect_out "Deployed v4 to hello"
if command -v git >/dev/null; then
    git -C "$scratch/hello" init -q
    git -C "$scratch/hello" -c user.name=x -c user.email=x@example commit -q --allow-empty -m "Third page"
    greet "Good night"
    expect_exit 0 push example "$scratch/hello" --no-wait
    expect_match "Deployed v5 to hello: Deploy [0-9a-f]{8}\+: Third page"
    rm -rf "$scratch/hello/.git"
fi

# --- What the host keeps out of slugs need not be sent ---
expect_exit 0 ship -a hello set app.shared=media
mkdir "$scratch/hello/media"
head -c 3000000 /dev/urandom >"$scratch/hello/media/film"
expect_exit 0 push example "$scratch/hello" --json --no-wait
(($(sent) < 20000)) || fail "$(sent) bytes were sent of what is left out"

# --- What fails there fails here ---
a_copy_of answers_500
sed -i 's/^timeout = .*/timeout = "5s"/' "$scratch/answers_500/shipit.toml"
expect_exit 3 push example:hello "$scratch/answers_500"
expect_err "shipit: deploying 'hello' failed"
expect_err "  why:  GET http://127.0.0.1:$port"
expect_exit 3 push example:hello "$scratch/answers_500" --json
expect_equal "$(json "$out" 'it["error"]["code"]')" 3
expect_exit 0 ship -a hello hold -m "Frozen"
expect_exit 6 push example:hello "$scratch/hello"
expect_err "Frozen"
expect_exit 0 push example:hello "$scratch/hello" --force -m "All the same"
expect_out "Deployed v"
expect_exit 0 ship -a hello hold --clear

# --- What is wrong is said before anything is sent ---
expect_exit 1 push example:nobody "$scratch/hello"
expect_err "there is no app 'nobody'"
echo "bad = 1" >>"$SHIPIT_ROOT/other/app.toml"
expect_exit 1 push example:other "$scratch/hello"
expect_err "$SHIPIT_ROOT/other/app.toml:"
expect_err "unknown key 'app.bad'"
echo "app.user = 'nobody-at-all'" >"$SHIPIT_ROOT/other/app.toml"
expect_exit 2 push example:other "$scratch/hello"
expect_err "there is no user 'nobody-at-all'"
rm "$SHIPIT_ROOT/other/app.toml"
expect_exit 2 push -- -oProxyCommand=id:hello "$scratch/hello"
expect_err "names no host"
expect_exit 2 push "example:no such app" "$scratch/hello"
expect_exit 2 push example:hello "$scratch/hello" --trial soon
expect_exit 1 push example:hello "$scratch/absent"
expect_err "there is no build"
expect_exit 1 push example:hello "$scratch/hello" --ssh "$scratch/bin/absent"
expect_err "cannot run '$scratch/bin/absent'"
expect_exit 1 push example:hello "$scratch/hello" --remote "echo Welcome to"
expect_err "answered 'Welcome to receive hello' instead of shipit's greeting"
expect_exit 1 push example:hello "$scratch/hello" --remote false
expect_err "ended the connection without a word (exit status 1)"
[[ -z $(compgen -G "$SHIPIT_ROOT/hello/.build-*") ]] || fail "something is left of a build"
