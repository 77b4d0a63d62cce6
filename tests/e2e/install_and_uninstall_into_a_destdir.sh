# What `cmake --install` and install.sh put somewhere is complete, and --uninstall takes away that and
# nothing else.
. "$(dirname "$0")/lib.sh"

# The built tree is installed as it is; building is other tests' work.
export DESTDIR=$scratch/dest
installer=$tests/../install.sh
mkdir -p "$DESTDIR/opt/ship/bin"
echo "somebody else's" >"$DESTDIR/opt/ship/bin/other"
find "$DESTDIR" | sort >"$scratch/before"

expect_exit 0 "$installer" --prefix /opt/ship --build "$SHIPIT_BUILD"
installed=$DESTDIR/opt/ship
expect_exit 0 "$installed/bin/shipit" version
expect_exit 0 test -s "$installed/share/man/man1/shipit.1"
expect_exit 0 test -s "$installed/share/man/man1/shipit-deploy.1"
expect_equal "$(cat "$installed/share/man/man1/shipit-config-set.1")" ".so man1/shipit-config.1"
expect_exit 0 test -s "$installed/share/man/man8/shipit-supervise.8"
expect_exit 0 test -s "$installed/share/man/man5/shipit.toml.5"
expect_exit 0 test -s "$installed/share/man/man5/shipit-slug.5"

# Twice is as once; a file that an older version had put there goes.
find "$DESTDIR" | sort >"$scratch/once"
echo "/opt/ship/lib/shipit/from_an_older_version" >>"$installed/lib/shipit/install_manifest"
touch "$installed/lib/shipit/from_an_older_version"
expect_exit 0 "$installer" --prefix /opt/ship --build "$SHIPIT_BUILD"
find "$DESTDIR" | sort >"$scratch/twice"
expect_exit 0 diff -u "$scratch/once" "$scratch/twice"

expect_exit 0 "$installer" --uninstall --prefix /opt/ship
find "$DESTDIR" | sort >"$scratch/after"
expect_exit 0 diff -u "$scratch/before" "$scratch/after"
expect_exit 0 "$installer" --uninstall --prefix /opt/ship
expect_in "not installed"

# A manifest that was tampered with takes nothing outside the prefix away.
mkdir -p "$installed/lib/shipit"
touch "$DESTDIR/precious"
printf '/precious\n/opt/ship/../../precious\n' >"$installed/lib/shipit/install_manifest"
expect_exit 1 "$installer" --uninstall --prefix /opt/ship
expect_exit 0 test -e "$DESTDIR/precious"

# Units and cron cannot be told of just any prefix; nothing is begun there.
for odd in '/opt/my ship' '/opt/100%' "/opt/\$x" "/opt/it's" $'/opt/a\nb' /opt/großartig; do
    for enables in '' --no-enable; do
        expect_exit 1 "$installer" ${enables:+"$enables"} --prefix "$odd" --build "$SHIPIT_BUILD"
        expect_in "other characters than"
        expect_exit 1 test -e "$DESTDIR$odd"
    done
done
expect_exit 1 "$installer" --prefix / --build "$SHIPIT_BUILD"
expect_in "cannot be installed to /"
# What an older version has installed there can still be removed.
mkdir -p "$DESTDIR/opt/my ship/lib/shipit" "$DESTDIR/opt/my ship/bin"
touch "$DESTDIR/opt/my ship/bin/shipit"
printf '%s\n' '/opt/my ship/' '/opt/my ship/bin/' '/opt/my ship/bin/shipit' '/opt/my ship/lib/' '/opt/my ship/lib/shipit/' \
    '/opt/my ship/lib/shipit/install_manifest' >"$DESTDIR/opt/my ship/lib/shipit/install_manifest"
expect_exit 0 "$installer" --uninstall --prefix '/opt/my ship'
expect_exit 1 test -e "$DESTDIR/opt/my ship"
