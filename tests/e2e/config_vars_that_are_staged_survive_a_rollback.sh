# What is staged belongs to no release: it stays staged when another release's config vars come back. What a
# release has taken up goes with it, which is told.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
expect_exit 0 ship config set NAME=Ada COLOR=red
expect_exit 0 ship config set KEY=s3cret NAME=Bob --no-restart
expect_exit 0 ship config unset COLOR --no-restart

expect_exit 0 ship rollback
expect_err "v1 does not have what v2 has set: COLOR, NAME"
expect_answer "$url" "Hello, World! This is release v3."
expect_exit 0 ship config --reveal
expect_out "KEY=s3cret"
expect_out "NAME=Bob"
expect_not_in COLOR
expect_err "staged, for the next release to take up: KEY, NAME"
expect_exit 0 ship rollback --undo
expect_answer "$url" "Hello, Ada! This is release v4."
expect_exit 0 ship config get NAME
expect_out Bob

# Once a release has taken them up, they are its own.
expect_exit 0 ship deploy "$scratch/hello" -m "Takes them up"
expect_exit 0 ship config get KEY --release v5
expect_out s3cret
expect_exit 0 ship rollback v4
expect_err "v4 does not have what v5 has set: KEY"
expect_exit 1 ship config get KEY

# The code alone comes back with the config vars that run, not with those that wait.
echo other >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello"
expect_exit 0 ship config set KEY=again NAME=Eve --no-restart
expect_exit 0 ship rollback v4 --code-only
expect_answer "$url" "Hello, Ada! This is release v8."
expect_exit 0 ship config
expect_err "staged, for the next release to take up: KEY, NAME"
expect_exit 0 ship rollback --undo
expect_not_in "does not have"
expect_exit 0 ship config --reveal
expect_out "KEY=again"
expect_out "NAME=Eve"

# A value that is another one again is told as well.
expect_exit 0 ship config set SIZE=1
expect_exit 0 ship rollback v9
expect_err "v9 does not have what v10 has set: KEY, SIZE; it has another value of NAME"
expect_exit 0 ship config set NAME=Bob
expect_exit 0 ship rollback v9
expect_exit 0 ship rollback --undo
expect_err "v12 has another value of NAME"
