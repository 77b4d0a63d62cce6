# ./install.sh --user without systemd: two lines of the user's crontab are shipit's. All others stay as they are, byte
# for byte, whatever they call; and a crontab that cannot be read is not overwritten.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/private_host.sh"
needs crontab

without_crontabs() { rm -rf var/spool/cron/crontabs/* root/.local; }
prepare_host without_crontabs
start_host sleep infinity
install_sh() { inside bash "$(realpath "$tests/..")/install.sh" --user "$@"; }
table() { inside crontab -l; }

# What was no table is none again.
program=/root/.local/bin/shipit
expect_exit 0 install_sh --build "$SHIPIT_BUILD"
printf '%s\n' "@reboot $program start --all --quiet --wait=10m" \
    "17 3 * * * $program prune --all --quiet --wait=1h >/dev/null" >"$scratch/ours"
expect_exit 0 diff -u "$scratch/ours" <(table)
expect_exit 0 install_sh --uninstall
expect_exit 1 table
expect_err "no crontab for root"

# A table of the user's: with shipit's own lines changed, in Latin-1, with empty lines at both ends.
printf '%s\n' '' "30 2 * * * $program verify --all" "#17 3 * * * $program prune --all --quiet --wait=1h >/dev/null" \
    $'# Sauvegarde \xe9teinte' "@daily $program prune --all --quiet --wait=1h >/dev/null # mine" \
    '5 4 * * 0 echo \%' '' >"$scratch/theirs"
expect_exit 0 inside crontab "$scratch/theirs"
for time in first second; do
    expect_exit 0 install_sh --build "$SHIPIT_BUILD"
    expect_exit 0 diff -u <(cat "$scratch/theirs" "$scratch/ours") <(table)
done
expect_exit 0 install_sh --uninstall
expect_exit 0 diff -u "$scratch/theirs" <(table)

# It cannot be read just now.
expect_exit 0 install_sh --build "$SHIPIT_BUILD" --no-enable
crontab_that_fails() {
    printf '#!/bin/sh\necho "crontabs/root: fopen: Input/output error" >&2\nexit 1\n' |
        inside tee /usr/local/bin/crontab >"$scratch/written"
    inside chmod 755 /usr/local/bin/crontab
}
expect_exit 0 crontab_that_fails
for arguments in "--build $SHIPIT_BUILD" --uninstall; do
    # shellcheck disable=SC2086 # they are words
    expect_exit 1 install_sh $arguments
    expect_err "Input/output error"
    expect_err "your crontab could not be read"
    expect_err "next: "
    expect_exit 0 inside test -x "$program"
done
# Who may not have a crontab can do without.
expect_exit 0 install_sh --build "$SHIPIT_BUILD" --no-enable
expect_exit 0 install_sh --uninstall --no-enable
expect_exit 1 inside test -e "$program"
expect_exit 0 inside rm /usr/local/bin/crontab
expect_exit 0 diff -u "$scratch/theirs" <(table)
stop_host
