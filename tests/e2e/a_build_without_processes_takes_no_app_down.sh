# A wrong folder, or one whose settings were forgotten, takes nothing down that serves: a build without process
# types is refused while the live release has some, and `rollback` finds no way back to one by itself.
. "$(dirname "$0")/lib.sh"
needs curl git

hello_is_live
mkdir "$scratch/dist"
echo pages >"$scratch/dist/index.html"
echo "web: python3 server.py" >"$scratch/dist/procfile" # which is no Procfile
expect_refused() {
    expect_err "the build has no process types, and v1, which is live, has 'web'"
    expect_answer "$url" "This is release v1."
    is_live v1
}

# However it comes.
expect_exit 6 ship deploy "$scratch/dist"
expect_refused
expect_err "no [processes] in a shipit.toml and no Procfile in its first folder"
expect_err "did you mean another folder?"
expect_err "--force"
expect_exit 6 ship deploy "$scratch/dist" --dry-run
expect_refused
expect_exit 0 ship deploy "$scratch/dist" --no-activate # so far it is only stored
expect_exit 6 ship activate v2
expect_refused
expect_err "shipit -a hello activate --force v2"
another_host_is_near
expect_exit 6 env SHIPIT_ROOT="$scratch/nowhere" "$SHIPIT_BIN" -a hello push web1 "$scratch/dist"
expect_refused

# By git, which has no --force for us; nor has a deploy key.
expect_exit 0 ship git-init hello
git init --quiet --initial-branch=main "$scratch/checkout"
cp "$scratch/dist/index.html" "$scratch/checkout"
git -C "$scratch/checkout" add .
git -C "$scratch/checkout" -c user.name=Ada -c user.email=ada@example.com commit --quiet -m "Only pages"
expect_exit 1 git -C "$scratch/checkout" push --quiet "$SHIPIT_ROOT/hello/repo.git" main
expect_refused
expect_err "on the host: shipit -a hello stop; then try again"
expect_not_in "--force"
expect_exit 6 env SHIPIT_KEY=ci "$SHIPIT_BIN" -a hello deploy "$scratch/dist"
expect_refused
expect_err "on the host: shipit -a hello stop; then try again"

# Who means it says so; but the way back from what comes then is to what has processes, too.
expect_exit 0 ship deploy "$scratch/dist" --force --no-wait
is_live v3
expect_exit 0 ship deploy "$scratch/dist" # which is not refused where nothing is lost
expect_out "Nothing changed"
sed -i 's/This is release/This is still release/' "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello"
expect_answer "$url" "This is still release v4."
expect_exit 0 ship rollback --check
expect_in "v1 is ready to be rolled back to"
expect_exit 0 ship rollback
expect_err "skipped: v3 has no processes, which what is live has"
expect_answer "$url" "This is release v5."

# What is stopped serves nobody who could miss it.
expect_exit 0 ship stop
echo more >>"$scratch/dist/index.html"
expect_exit 0 ship deploy "$scratch/dist" --no-wait
is_live v6
expect_no_leftovers
