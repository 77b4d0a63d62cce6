# Without systemd, cron does it: the real one reads the table that install.sh puts into /etc/cron.d, starts the
# apps with the host and prunes them at its time; it waits for another command, and sends no mail unless
# something fails.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/private_host.sh"
needs curl cron faketime
# Not by the program of that name: its semaphores are called by numbers of processes, which a host of its own
# has again and again, and the folder that they are in is this host's.
libfaketime=$(find /usr/lib -path '*/faketime/libfaketime.so.1' | head -n 1)
[[ -n $libfaketime ]] || skip "there is no libfaketime where it is looked for"

export mail=$scratch/mail
with_a_postman() {
    rm -f etc/cron.d/* usr/sbin/sendmail
    printf '#!/bin/sh\ncat >>%s\n' "$mail" >usr/sbin/sendmail
    chmod 755 usr/sbin/sendmail
}
prepare_host with_a_postman
start_host sleep infinity
install_shipit() { inside bash "$(realpath "$tests/..")/install.sh" --build "$SHIPIT_BUILD"; }
expect_exit 0 install_shipit
expect_equal "$(inside stat -c '%a %U' /etc/cron.d/shipit)" "644 root" "cron takes no other"

reserve_port
a_copy_of hello
hello_release_command "touch $scratch/began; while [ -e $scratch/wait ]; do sleep 0.05; done"
expect_exit 0 ship create hello
expect_exit 0 ship -a hello set "app.port=$port" retention.keep=1 health.watch=0s health.warm=0s
for build in 1 2 3; do
    echo "$build" >"$scratch/hello/build"
    expect_exit 0 ship -a hello deploy "$scratch/hello"
done
expect_exit 0 ship create other
expect_exit 0 ship -a other set "app.port=$port"

# The power goes; cron starts the apps again.
stop_host
start_host sleep infinity
run_cron() { # run_cron TIME: as if it were that
    inside env TZ=UTC LD_PRELOAD="$libfaketime" FAKETIME="@2026-06-01 $1" cron -f &
    cron=$!
}
no_cron_runs() { ! inside pgrep -x -r D,R,S,T cron; } # nobody there buries what has ended
end_cron() { # itself, not what has called it: the next one must find its lock free
    inside pkill -x cron || true
    wait "$cron" || true
    expect_soon 20 no_cron_runs
}
just_before_it_prunes=03:16:58
touch "$scratch/wait"
rm "$scratch/began"
run_cron 02:00:10
expect_soon 20 answers "http://127.0.0.1:$port/" "This is release v3."
end_cron

# It prunes when the deploy is done that is at work when its time comes.
echo 4 >"$scratch/hello/build"
ship -a hello deploy "$scratch/hello" >"$scratch/deploy.log" 2>&1 &
deploying=$!
expect_soon 20 test -e "$scratch/began"
run_cron "$just_before_it_prunes" # which starts no apps: it does so once for each start of the host
prunes() { inside pgrep -f 'shipit prune --all' >/dev/null; }
expect_soon 20 prunes
expect_exit 0 ship -a hello releases --json
expect_not_in expired
rm "$scratch/wait"
wait "$deploying" || fail "$(cat "$scratch/deploy.log")"
is_pruned() { [[ $(ship -a hello releases --json) == *expired* ]]; }
expect_soon 20 is_pruned
no_longer_prunes() { ! prunes; }
expect_soon 20 no_longer_prunes
[[ ! -e $mail ]] || fail "it sent a mail: $(cat "$mail")"
end_cron

# Something to say.
inside sh -c 'echo "retention = 3" >>/var/lib/shipit/other/app.toml'
run_cron "$just_before_it_prunes"
expect_soon 20 grep -q "'other' was not pruned" "$mail"
expect_soon 20 no_longer_prunes
expect_equal "$(grep -c '^Subject:' "$mail")" 1 "nothing but that"
