# Several shipits on one host, as after ./install.sh into /usr/local and a Debian package in /usr: who takes one of
# them away takes nothing from the others, and apps still start with the host. No unit of it is left behind.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/systemd.sh"
! is_sanitized || skip "what the units allow is too little for sanitizers"

boot
install_sh() { inside bash "$(realpath "$tests/..")/install.sh" "$@"; }
install_to() { install_sh --prefix "$1" --build "$SHIPIT_BUILD" "${@:2}"; }
links() { inside find /etc/systemd/system -name 'shipit*' -type l -printf '%P -> %l\n' | sort; }
expect_started_by() { # expect_started_by PREFIX
    local unit
    for unit in shipit.service shipit-prune.timer; do
        expect_equal "$(inside realpath "$(unit_says "$unit" FragmentPath)")" "$1/lib/systemd/system/$unit"
        expect_exit 0 inside systemctl is-enabled "$unit"
    done
    expect_equal "$(unit_says shipit-prune.timer ActiveState)" active
}

expect_exit 0 install_to /usr/local
links >"$scratch/links.before"
# A second one elsewhere takes over, and goes again.
expect_exit 0 install_to /opt/ship
expect_started_by /opt/ship
expect_exit 0 install_to /opt/another
expect_started_by /opt/another
expect_exit 0 install_sh --uninstall --prefix /opt/ship
expect_started_by /opt/another
expect_exit 0 install_sh --uninstall --prefix /opt/another
expect_started_by /usr/local
links >"$scratch/links.after"
expect_exit 0 diff -u "$scratch/links.before" "$scratch/links.after"

# A package's files come, which systemd looks at after those in /usr/local; then these go.
expect_exit 0 install_to /usr --no-enable
expect_exit 0 inside systemctl daemon-reload
expect_started_by /usr/local
expect_exit 0 install_sh --uninstall --prefix /usr/local
expect_started_by /usr
stop_host
boot
expect_equal "$(unit_says shipit.service Result) $(unit_says shipit.service ActiveState)" "success active"
expect_started_by /usr

# The other way round. What the administrator has disabled stays disabled.
expect_exit 0 install_to /usr/local
expect_exit 0 inside systemctl disable shipit.service
expect_exit 0 install_sh --uninstall --prefix /usr
expect_equal "$(unit_says shipit-prune.timer UnitFileState) $(unit_says shipit.service UnitFileState)" "enabled disabled"
expect_exit 0 install_to /usr --no-enable
expect_exit 0 install_sh --uninstall --prefix /usr/local
expect_equal "$(unit_says shipit-prune.timer UnitFileState) $(unit_says shipit.service UnitFileState)" "enabled disabled"

# The last of them leaves nothing.
expect_exit 0 install_sh --uninstall --prefix /usr
expect_equal "$(unit_says shipit.service LoadState) $(unit_says shipit-prune.timer LoadState)" "not-found not-found"
expect_equal "$(links)" ""
expect_exit 0 install_to /opt/ship
expect_exit 0 install_sh --uninstall --prefix /opt/ship
expect_equal "$(links)" ""
