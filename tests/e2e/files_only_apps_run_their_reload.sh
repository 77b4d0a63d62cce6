# An app of files alone has its reload command run after each switch, also one that had processes once, and
# whose supervisor is still there: the host's as whoever deploys, the build's as the app's user.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
mkdir "$scratch/site"
echo "Good morning" >"$scratch/site/index.html"
expect_exit 0 ship set "app.reload=echo reloaded \$SHIPIT_RELEASE >>$scratch/reloads"
expect_exit 0 ship deploy "$scratch/site" --force
expect_equal "$(cat "$scratch/reloads")" "reloaded v2"
expect_exit 0 ship apps
expect_match "^hello +v2 +files only$"
echo "Good evening" >"$scratch/site/index.html"
expect_exit 0 ship deploy "$scratch/site"
expect_exit 0 ship rollback
expect_equal "$(tail -n 1 "$scratch/reloads")" "reloaded v4"
expect_exit 0 ship rollback v1
expect_equal "$(wc -l <"$scratch/reloads")" 3 "what has processes is not reloaded"
expect_answer "http://127.0.0.1:$port/" "This is release v5."

[[ $(id -u) == 0 ]] || exit 0

# The host's may do what only root can, so no file, variable or setting of the build has a part in it.
touch "$scratch/told"
chmod 666 "$scratch/told"
expect_exit 0 ship create site
expect_exit 0 ship -a site set app.user=nobody
cat >"$scratch/site/reload" <<'END'
#!/bin/sh
echo "the build's, by $(id -un), with $COLOUR" >"$(cat where)"
END
chmod 755 "$scratch/site/reload"
echo "$scratch/told" >"$scratch/site/where"
printf '[app]\nreload = "./reload"\n' >"$scratch/site/shipit.toml"
expect_exit 0 ship -a site config set --no-restart COLOUR=blue PATH=.:/usr/bin:/bin
expect_exit 0 ship -a site deploy "$scratch/site"
expect_equal "$(cat "$scratch/told")" "the build's, by nobody, with blue"
printf '#!/bin/sh\necho the build\n' >"$scratch/site/id" # where the config var PATH has it
chmod 755 "$scratch/site/id"
expect_exit 0 ship -a site set \
    "app.reload=echo \"the host's, by \$(id -un), \$SHIPIT_RELEASE, \${COLOUR:-no colour}, in \$PWD\" >$scratch/told"
expect_exit 0 ship -a site deploy "$scratch/site"
expect_match "^-----> reload: echo"
expect_equal "$(cat "$scratch/told")" "the host's, by root, v2, no colour, in $SHIPIT_ROOT/site"
expect_exit 0 ship -a site set app.reload=./reload # there is none in the app's folder
echo "Good night" >"$scratch/site/index.html"
expect_exit 0 ship -a site deploy "$scratch/site"
expect_err "shipit: warning: "
expect_not_in "the build's"
