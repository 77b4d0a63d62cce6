# `git push` to an app's repository deploys what is pushed, with git's own client, over ssh, by a deploy
# key: its build command runs as the app's user in a clean checkout, the pusher sees it all, and a push
# whose build or deploy fails is rejected.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sshd.sh"
needs curl python3 git

start_sshd
reserve_port
url=http://127.0.0.1:$port/
expect_exit 0 ship create hello
user=$login
if [[ $(id -u) == 0 ]] && id www-data >/dev/null 2>&1; then
    user=www-data
    expect_exit 0 ship set "app.user=$user"
fi
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship config set COLOUR=blue
new_key ci
new_key admin
let_in admin
expect_exit 0 ship key add hello "$ssh_folder/ci.pub" --file "$authorized_keys"
export GIT_SSH_COMMAND="ssh -F $ssh_config" GIT_CONFIG_GLOBAL=$scratch/gitconfig GIT_CONFIG_NOSYSTEM=1
git config --global user.name Ada
git config --global user.email ada@example.com
git config --global init.defaultBranch trunk
git config --global advice.detachedHead false

a_copy_of hello work
cd "$scratch/work"
sed -i 's/^timeout = .*/timeout = "20s"/; s/^watch = .*/watch = "100ms"/' shipit.toml
cat >>shipit.toml <<'END'

[build]
command = "sh build.sh"
END
cat >build.sh <<'END'
echo "built by $(id -un) in $COLOUR as $SHIPIT_PROCESS"
ls -A
test ! -e built
echo "$(id -un)" >built
mkdir "$HOME/cache-of-$$" && rmdir "$HOME/cache-of-$$" && echo "a home to write to"
END
expect_exit 0 git init -q .
commit() { git add -A && git commit -q --allow-empty -m "$1"; }
greet() { sed -i "s/return \"[^\"]*, \"/return \"$1, \"/" server.py; }
commit "First version"
git remote add shipit ci:hello
release() { ship info --json >"$scratch/info" && json "$scratch/info" "$1"; }
branch() { git --git-dir="$SHIPIT_ROOT/hello/repo.git" rev-parse --verify --quiet "$1"; }

expect_exit 128 git push shipit trunk # there is no repository yet
expect_err "has no git repository"
expect_exit 0 ship git-init hello
expect_out "Made $SHIPIT_ROOT/hello/repo.git"
expect_equal "$(stat -c %a "$SHIPIT_ROOT/hello/repo.git")" 700

# --- The first branch that is pushed is the one that is deployed ---
expect_exit 0 git push shipit trunk
expect_err "remote: -----> building: sh build.sh"
expect_match "remote: +built by $user in blue as build"
expect_match "remote: +a home to write to"
[[ -z $(compgen -G "$SHIPIT_ROOT/hello/.build-*") ]] || fail "a home or a checkout is left"
expect_err "remote: -----> switching to v"
expect_match "remote: Deployed v[0-9]+ to hello: Deploy $(git rev-parse --short=8 HEAD): First version"
expect_answer "$url" "Hello, World! This is release"
expect_equal "$(release 'it["source"]["commit"], it["source"]["branch"], it["source"]["dirty"]')" \
    "('$(git rev-parse HEAD)', 'trunk', False)"
expect_equal "$(release 'it["user"]')" "ci@example as $login"
expect_equal "$(cat "$SHIPIT_ROOT/hello/current/built")" "$user"
# The supervisor, which that push started, acts for itself.
expect_exit 0 ship events
expect_match "good v[0-9]+ by shipit: done"
expect_equal "$(branch trunk)" "$(git rev-parse HEAD)"

# What is not committed is not deployed, and modes are those of a checkout.
greet "Not committed"
expect_exit 0 git push shipit trunk # nothing to push
expect_answer "$url" "Hello, World!"
expect_equal "$(stat -c %a "$SHIPIT_ROOT/hello/current/server.py")" 644
git checkout -q .

# --- A build that fails, a release that fails: rejected, and what was live still is ---
rejected() { # rejected REF: as git says it
    expect_exit 1 git push shipit trunk
    expect_err "[remote rejected] trunk -> trunk (pre-receive hook declined)"
    expect_answer "$url" "Hello, World!"
    [[ $(branch trunk) != "$(git rev-parse HEAD)" ]] || fail "the rejected commit was taken"
    [[ -z $(compgen -G "$SHIPIT_ROOT/hello/.build-*") ]] || fail "a checkout is left"
}
good=$(git rev-parse HEAD)
before=$(ship releases --json)
echo 'echo it does not compile; exit 7' >>build.sh
commit "Does not build"
rejected
expect_err "it does not compile"
expect_err "remote:   why:  the build command exited with status 7"
expect_equal "$(ship releases --json)" "$before"
expect_exit 0 ship events -n 1
expect_match "build by ci@example as .*: failed: the build command exited with status 7"

git checkout -q "$good" -- build.sh
sed -i 's/def greeting/def greting/' server.py
sed -i 's/^timeout = .*/timeout = "4s"/' shipit.toml
commit "Does not work"
rejected
expect_err "remote:   why:  GET http://127.0.0.1:$port/healthz"
git checkout -q "$good" -- server.py shipit.toml

# --- Stored by a push option, and taken live later; a repository of an earlier shipit takes it up ---
settings() { git --git-dir="$SHIPIT_ROOT/hello/repo.git" config "$@"; }
settings --unset receive.advertisePushOptions
greet "Good day"
commit "Good day"
expect_exit 128 git push -o no-activate shipit trunk
expect_err "does not support push options"
expect_exit 0 ship git-init hello
expect_equal "$(settings receive.advertisePushOptions)" true
expect_exit 1 git push -o no-activate -o tomorrow shipit trunk
expect_err "there is no push option 'tomorrow'"
expect_err "next: there are '-o no-activate' and '-o message=TEXT'"
live=$(readlink "$SHIPIT_ROOT/hello/current")
expect_exit 0 git push -o no-activate -o message="Not yet" shipit trunk
expect_match "remote: +built by $user in blue as build"
expect_match "remote: Stored v[0-9]+ "
expect_equal "$(readlink "$SHIPIT_ROOT/hello/current")" "$live"
expect_equal "$(branch trunk)" "$(git rev-parse HEAD)"
expect_exit 0 ship releases --json
expect_equal "$(json "$out" 'it[0]["description"], it[0]["status"]')" "('Not yet', 'succeeded')"
expect_answer "$url" "Hello, World!"
expect_exit 0 ship activate "$(json "$out" 'it[0]["version"]')"
expect_answer "$url" "Good day, World!"
settings --unset receive.advertisePushOptions
greet "Hello"
commit "Hello again"
expect_exit 0 git push shipit trunk
expect_equal "$(settings receive.advertisePushOptions)" true

# --- Other branches and tags are kept, and not deployed; the one that is deployed stays ---
greet "Good morning"
commit "Good morning"
git branch topic
git tag v1.0
expect_exit 0 git push shipit topic v1.0
expect_err "topic is taken and not deployed, as trunk is; to deploy it: git push REMOTE topic:trunk"
expect_answer "$url" "Hello, World!"
expect_exit 1 git push shipit --delete trunk
expect_err "'trunk' is the branch that is deployed: it stays"
expect_exit 0 git push shipit --delete topic
expect_exit 0 git push shipit topic:trunk
expect_answer "$url" "Good morning, World!"

# --- No key can fill the disk, whatever branch it pushes ---
kept() { du -s --apparent-size "$SHIPIT_ROOT/hello/repo.git" | cut -f 1; }
expect_exit 0 ship set slug.max_bytes=100K
before=$(kept)
git checkout -q -b huge
head -c 300000 /dev/urandom >huge
commit "Huge"
expect_exit 1 git push shipit huge
expect_match "fatal: pack exceeds maximum allowed size"
! branch huge >/dev/null || fail "it was taken"
(($(kept) < before + 50)) || fail "what was refused is kept"
expect_exit 0 ship set slug.max_bytes=
expect_exit 0 git push shipit huge
expect_exit 0 git push shipit --delete huge
git checkout -q trunk

# History that was rewritten, and the one commit that runners of CI have (which git cannot tell from that).
git commit -q --amend -m "Good morning, again"
expect_exit 1 git push shipit trunk
expect_exit 0 git push --force shipit trunk
expect_equal "$(branch trunk)" "$(git rev-parse HEAD)"
greet "Good evening"
commit "Good evening"
expect_exit 0 git clone -q --depth=1 "file://$scratch/work" "$scratch/shallow"
expect_exit 0 git -C "$scratch/shallow" push --force ci:hello trunk
expect_answer "$url" "Good evening, World!"

# --- The pusher is lost while it builds: whatever came of that, the next push deploys what it has ---
cp build.sh "$scratch/build.sh"
echo "touch $scratch/begun; until [ -e $scratch/go_on ]; do sleep 0.05; done" >>build.sh
chmod 777 "$scratch"
greet "Good afternoon"
commit "Slow"
git push shipit trunk >"$scratch/lost.log" 2>&1 &
pusher=$!
expect_soon 20 test -e "$scratch/begun"
kill -KILL "$pusher" "$(pgrep -P "$pusher" ssh)"
wait "$pusher" || true
touch "$scratch/go_on"
cp "$scratch/build.sh" build.sh
commit "Quick again"
# At once: it waits for the lost one, and finds the branch where that left it, or where it was.
git push shipit trunk || git push shipit trunk
git --git-dir="$SHIPIT_ROOT/hello/repo.git" fsck --no-dangling --no-progress
expect_answer "$url" "Good afternoon, World!"
[[ -z $(compgen -G "$SHIPIT_ROOT/hello/.build-*") ]] || fail "a checkout is left"

# --- Another branch by choice; the key reads nothing by git ---
expect_exit 0 ship git-init hello --branch=production
expect_out "pushes of production"
greet "Good night"
commit "Good night"
expect_exit 0 git push shipit trunk
expect_answer "$url" "Good afternoon, World!"
expect_exit 0 git push shipit trunk:production
expect_answer "$url" "Good night, World!"
expect_exit 2 ship git-init hello --branch=../x
# Whoever may log in needs no key of the app's.
greet "At last"
commit "By path"
expect_exit 0 git push "admin:$SHIPIT_ROOT/hello/repo.git" trunk:production
expect_err "remote: Deployed v"
expect_equal "$(release 'it["user"]')" "$login"
expect_exit 128 git clone -q ci:hello "$scratch/stolen"
expect_err "this key may not run"

# --- A build that is held: no push by git and no key can force it, and neither is told to ---
held=$(readlink -f "$SHIPIT_ROOT/hello/current")
expect_exit 0 ship rollback
git commit -q --allow-empty -m "The same again"
for remote in ci:hello "admin:$SHIPIT_ROOT/hello/repo.git"; do
    expect_exit 1 git push "$remote" trunk:production
    expect_err "remote:   why:  this build is held by"
    expect_err "on the host: shipit -a hello hold --clear; then try again"
    expect_not_in "--force"
done
deploy_held() { tar c -C "$held" . | over_ssh ci shipit deploy -; }
expect_exit 6 deploy_held
expect_err "on the host: shipit -a hello hold --clear; then try again"
expect_not_in "--force"
expect_exit 0 ship hold --clear
expect_exit 0 git push shipit trunk:production
expect_answer "$url" "At last, World!"

# --- Submodules are not in what git archive gives ---
expect_not_in "submodules"
git update-index --add --cacheinfo "160000,$(git rev-parse HEAD),lib"
printf '[submodule "lib"]\n\tpath = lib\n\turl = ../lib\n' >.gitmodules
git add .gitmodules
git commit -q -m "With a submodule"
expect_exit 0 git push shipit trunk:production
expect_err "submodules are empty folders in what is deployed: lib"
