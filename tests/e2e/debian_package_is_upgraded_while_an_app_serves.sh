# cpack makes a Debian package that lintian accepts; dpkg installs it, upgrades it while an app serves,
# removes it, and purges it, and leaves the apps' data.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/private_host.sh"
needs curl cpack dpkg-deb dpkg-shlibdeps lintian gzip
! is_sanitized || skip "what is packed is built without sanitizers"

# pack VERSION: sets `package`.
pack() {
    expect_exit 0 cpack --config "$SHIPIT_BUILD/CPackConfig.cmake" -G DEB -B "$scratch/packed" \
        -D "CPACK_PACKAGE_VERSION=$1"
    package=$(find "$scratch/packed" -maxdepth 1 -name "shipit_$1_*.deb")
}
pack 0.1.0
first=$package
pack 0.1.1
second=$package

expect_exit 0 dpkg-deb --contents "$first"
for file in usr/bin/shipit etc/cron.d/shipit usr/share/man/man1/shipit.1.gz usr/share/man/man8/shipit@.service.8.gz \
    usr/lib/systemd/system/shipit@.service usr/lib/systemd/user/shipit@.service usr/share/doc/shipit/copyright; do
    expect_out " ./$file"
done
expect_not_in "$scratch"
expect_exit 0 dpkg-deb --info "$first"
expect_match "^ Depends: .*libc6 "
# It does not want to be asked by root.
cp "$first" "$scratch/home/"
chmod -R a+rX "$scratch/home"
expect_exit 0 setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME=/tmp \
    lintian --fail-on=error --allow-root "$scratch/home/$(basename "$first")"
expect_not_in "E: "

start_host sleep infinity
install_package() { inside dpkg -i "$1"; }
expect_exit 0 install_package "$first"
expect_exit 0 inside grep -F " /usr/bin/shipit " /etc/cron.d/shipit /usr/lib/systemd/system/shipit.service
reserve_port
a_copy_of hello
expect_exit 0 ship create hello
expect_exit 0 ship -a hello set "app.port=$port"
expect_exit 0 ship -a hello deploy "$scratch/hello"
supervisor() { inside pgrep -f 'supervise hello'; }
process() { curl --silent "http://127.0.0.1:$port/pid"; }
before=$(supervisor) web=$(process)

start_hammer
expect_exit 0 install_package "$second"
expect_equal "$(supervisor) $(process)" "$before $web"
expect_equal "$(inside readlink "/proc/$before/exe")" /usr/bin/shipit # not "(deleted)"
expect_none_failed

expect_exit 0 inside dpkg --remove shipit
expect_exit 1 supervisor
expect_exit 7 curl --silent "http://127.0.0.1:$port/"
expect_exit 0 inside test -e /var/lib/shipit/hello/releases/v1.toml
# The table of cron stays, as all of a package's settings do, and sends nobody a mail.
expect_exit 0 inside sed -n 's/^[^#].* root //p' /etc/cron.d/shipit
mapfile -t commands <"$out"
expect_equal "${#commands[@]}" 2
for command in "${commands[@]}"; do
    expect_exit 0 inside sh -c "$command"
    [[ ! -s $out && ! -s $err ]] || fail "'$command' says: $(cat "$out" "$err")"
done
# Back again, and so is the app.
expect_exit 0 install_package "$second"
expect_exit 0 ship start --all
expect_soon 10 answers "http://127.0.0.1:$port/" "This is release v1."
expect_exit 0 inside dpkg --purge shipit
expect_out "rm -r /var/lib/shipit"
expect_exit 0 inside test -e /var/lib/shipit/hello/releases/v1.toml
expect_exit 1 inside test -e /etc/cron.d/shipit
