# OpenSSH's own sshd on loopback, for scenarios; sourced after lib.sh. It runs as whoever runs the tests
# and lets that user in, by keys that are this scenario's alone; it knows nothing of the host's
# settings, and needs no PAM.
#
# start_sshd [LINE]…     sshd with these lines in its configuration, before the others
# new_key NAME           a key; `over_ssh NAME …` comes with it
# let_in NAME [OPTIONS]  its line in $authorized_keys
# over_ssh NAME [OPTION]… [COMMAND]…   ssh(1) with that key; options may also follow the name
#
# What refuses shall be the key's own line and shipit: sshd itself allows all that it can.
# shellcheck shell=bash
# shellcheck disable=SC2154  # scratch, port and the like are lib.sh's

needs ssh ssh-keygen
sshd=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v sshd) || skip "there is no sshd here"
login=$(id -un 2>/dev/null) || skip "whoever runs this has no name to log in by"

case $(getent passwd "$login" | cut -d : -f 7) in
*/nologin | */false) skip "$login may not log in" ;;
esac

ssh_folder=$scratch/ssh
authorized_keys=$ssh_folder/authorized_keys
ssh_config=$ssh_folder/config
mkdir -m 700 "$ssh_folder"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$ssh_folder/host_key"
touch "$authorized_keys"
chmod 600 "$authorized_keys"

new_key() { ssh-keygen -q -t ed25519 -N '' -C "$1@example" -f "$ssh_folder/$1"; }
let_in() { echo "${2:+$2 }$(cat "$ssh_folder/$1.pub")" >>"$authorized_keys"; }
over_ssh() { ssh -F "$ssh_config" "$@"; }
sshd_listens() { (exec 3<>"/dev/tcp/127.0.0.1/$ssh_port") 2>/dev/null; }

start_sshd() {
    # As root it wants this folder, which its package's unit makes at boot.
    [[ $(id -u) != 0 || -d /run/sshd ]] || mkdir -m 755 /run/sshd || [[ -d /run/sshd ]]
    local port # the scenario's own stays
    reserve_port
    ssh_port=$port
    {
        printf '%s\n' "$@"
        cat <<END
# What a shell reads there before each command (bash does, of sshd) is not the scenario's.
SetEnv HOME=$HOME
ListenAddress 127.0.0.1:$ssh_port
HostKey $ssh_folder/host_key
PidFile none
AuthorizedKeysFile $authorized_keys
# Test folders are below one that everybody may write to.
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel VERBOSE
MaxStartups 100
PrintMotd no
PrintLastLog no
AllowTcpForwarding yes
AllowStreamLocalForwarding yes
AllowAgentForwarding yes
GatewayPorts yes
PermitTTY yes
PermitTunnel yes
X11Forwarding yes
Subsystem sftp internal-sftp
END
    } >"$ssh_folder/sshd_config"
    # A host's name is the key's: each key has a host of its own name.
    cat >"$ssh_config" <<END
Host *
    HostName 127.0.0.1
    Port $ssh_port
    User $login
    IdentityFile $ssh_folder/%n
    IdentitiesOnly yes
    IdentityAgent none
    HostKeyAlias scenario
    UserKnownHostsFile $ssh_folder/known_hosts
    GlobalKnownHostsFile /dev/null
    BatchMode yes
    LogLevel ERROR
END
    echo "scenario $(cat "$ssh_folder/host_key.pub")" >"$ssh_folder/known_hosts"
    /usr/bin/env -i "$sshd" -D -f "$ssh_folder/sshd_config" -E "$scratch/sshd.log" &
    expect_soon 10 sshd_listens
}

# A sshd that is told so finds `shipit` by its name, and the scenario's root without being told.
shipit_is_found() {
    ln -sf "$SHIPIT_BIN" "$scratch/bin/shipit"
    echo "SetEnv HOME=$HOME PATH=$scratch/bin:/usr/bin:/bin SHIPIT_ROOT=$SHIPIT_ROOT"
}
