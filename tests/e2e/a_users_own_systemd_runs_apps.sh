# What anyone has without root: ./install.sh --user, and the user's own systemd. It says what is live, brings a killed
# supervisor back, and one that hangs, without a request lost, and starts again what ran before.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/systemd.sh"
needs curl useradd setpriv
! is_sanitized || skip "what the units allow is too little for sanitizers"

boot
inside useradd --create-home deployer || skip "no user can be made here"
id=$(inside id -u deployer)
runtime=/run/user/$id
as_deployer() {
    inside setpriv --reuid=deployer --regid=deployer --init-groups env USER=deployer HOME=/home/deployer \
        XDG_RUNTIME_DIR="$runtime" PATH="/home/deployer/.local/bin:$host_path" "$@"
}
# What logind has systemd do for a user whose services go on without a login.
start_manager() {
    inside mkdir -p "$runtime" && inside chown deployer: "$runtime" && inside chmod 700 "$runtime" &&
        inside systemd-run --quiet --unit=manager --uid=deployer --property=Type=notify --property=Delegate=yes \
            --setenv=XDG_RUNTIME_DIR="$runtime" --setenv=HOME=/home/deployer \
            --setenv=PATH="/home/deployer/.local/bin:$host_path" /lib/systemd/systemd --user
}
expect_exit 0 start_manager
ship() { as_deployer shipit "$@"; }
says() { as_deployer systemctl --user show --property="$2" --value "$1"; }

# The build is not the user's, and cmake writes there what it has installed.
let_cmake_write() {
    inside touch "$SHIPIT_BUILD/install_manifest.txt" /home/deployer/manifest &&
        inside chown deployer: /home/deployer/manifest &&
        inside mount --bind /home/deployer/manifest "$SHIPIT_BUILD/install_manifest.txt"
}
expect_exit 0 let_cmake_write
install_shipit() { as_deployer bash "$(realpath "$tests/..")/install.sh" --user --build "$SHIPIT_BUILD"; }
# As long as this does not start with the host, cron does it.
if command -v crontab >/dev/null; then
    expect_exit 0 install_shipit
    expect_exit 0 as_deployer crontab -l
    expect_out "/home/deployer/.local/bin/shipit start --all"
fi
inside mkdir -p /var/lib/systemd/linger
inside touch /var/lib/systemd/linger/deployer # what `loginctl enable-linger` leaves, which asks logind
expect_exit 0 install_shipit
! command -v crontab >/dev/null || expect_exit 1 as_deployer crontab -l
expect_exit 0 as_deployer systemctl --user is-enabled shipit.service shipit-prune.timer

reserve_port
inside cp -r "$tests/apps/hello" /home/deployer/hello
inside chown -R deployer: /home/deployer/hello
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship deploy /home/deployer/hello
unit=shipit@hello.service
expect_equal "$(says $unit ActiveState)" active
says_status() { [[ $(says $unit StatusText) == "$1" ]]; }
expect_soon 20 says_status "v1 is live, 1 of 1 processes are up"
web() { ship ps --json | python3 -c 'import json, sys; print(*[p["pid"] for p in json.load(sys.stdin) if p["state"] == "up"])'; }
expect_equal "$(inside stat -c %U "/proc/$(web)")" deployer
expect_exit 0 ship doctor
expect_match "^ok +start: systemd starts apps with the host and prunes old releases daily"

inside test -e "$runtime/shipit/hello/supervisor.lock" || fail "its run folder is not at $runtime"
# Where root finds it, too.
expect_exit 0 inside /home/deployer/.local/bin/shipit --root /home/deployer/.local/share/shipit -a hello ps
expect_match "^web\.1 +up +v1 "

start_hammer
supervisor=$(says $unit MainPID) process=$(web)
inside kill -KILL "$supervisor"
is_back() { [[ $(says $unit NRestarts) == 1 && $(says $unit SubState) == running ]]; }
expect_soon 10 is_back
expect_soon 10 says_status "v1 is live, 1 of 1 processes are up"
expect_equal "$(web)" "$process" "the app was not restarted"
expect_exit 0 ship restart
expect_none_failed

# One that hangs is killed by the watchdog, and brought back the same way.
drop_in=/home/deployer/.config/systemd/user/shipit@.service.d
as_deployer mkdir -p "$drop_in"
printf '[Service]\nWatchdogSec=3s\n' | as_deployer tee "$drop_in/watchdog.conf" >"$scratch/written"
as_deployer systemctl --user daemon-reload
expect_exit 0 as_deployer systemctl --user restart $unit
has_it() { [[ -n $(web) ]]; }
expect_soon 10 has_it
supervisor=$(says $unit MainPID) process=$(web) before=$(says $unit NRestarts)
expect_exit 0 as_deployer systemctl --user is-active $unit
inside kill -STOP "$supervisor"
is_another() { [[ $(says $unit MainPID) != "$supervisor" && $(says $unit NRestarts) -gt $before && $(says $unit SubState) == running ]]; }
expect_soon 20 is_another
expect_soon 10 has_it
expect_equal "$(web)" "$process" "the app was not restarted"

expect_exit 0 inside systemctl stop manager.service
is_silent() { ! answers "http://127.0.0.1:$port/" "release"; }
expect_soon 10 is_silent
expect_exit 0 start_manager
expect_soon 20 answers "http://127.0.0.1:$port/" "This is release v1."
expect_equal "$(says $unit ActiveState)" active

# Whether it still starts with the host makes no difference to what is taken away.
expect_exit 0 inside rm /var/lib/systemd/linger/deployer
uninstall() { as_deployer bash "$(realpath "$tests/..")/install.sh" --user --uninstall; }
expect_exit 0 uninstall
expect_equal "$(says shipit.service LoadState)" not-found
expect_equal "$(as_deployer find /home/deployer/.config/systemd -name 'shipit*' -type l)" "" "no link is left"
