# A private host that systemd runs, with shipit installed. Sourced after lib.sh. Not a scenario.
# shellcheck shell=bash

. "$(dirname "${BASH_SOURCE[0]}")/private_host.sh"
[[ -x /lib/systemd/systemd ]] || skip "there is no systemd here"
needs systemctl

# Nothing of what this host would start by itself, and units from nowhere but from shipit and systemd.
strip_systemd() {
    rm -rf etc/systemd/system/* etc/systemd/user/* etc/fstab run/systemd
    rm -rf usr/lib/systemd/system/*.wants usr/lib/systemd/system-generators usr/lib/systemd/system/*.mount
}
prepare_host strip_systemd

# Returns when it is up: when what was enabled has been started.
boot() {
    start_host env -i container=shipit-e2e TERM=dumb /lib/systemd/systemd --system \
        --unit=multi-user.target --log-target=console --log-level=info --show-status=no
    wait_until 20 is_up || host_is_not_to_be_had
}
is_up() { [[ $(inside systemctl is-system-running) =~ ^(running|degraded)$ ]]; }
# unit_says UNIT PROPERTY
unit_says() { inside systemctl show --property="$2" --value "$1"; }
