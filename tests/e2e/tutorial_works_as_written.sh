# The commands of shipit-tutorial(7) work as they are written: those in displays after a line `.\" run`
# are taken from the page and run in its order, with only names, port, user and the file of keys
# replaced.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sshd.sh"
. "$(dirname "$0")/django.sh"
needs git

start_sshd "$(shipit_is_found)"
new_key ci
django_site
sed -i 's/^watch = .*/watch = "300ms"/' "$scratch/site/shipit.toml" # five releases are watched
user=$login
if [[ $(id -u) == 0 ]] && id www-data >/dev/null 2>&1; then user=www-data; fi

export SHIPIT_SSH="ssh -F $ssh_config" GIT_SSH_COMMAND="ssh -F $ssh_config"
export GIT_CONFIG_GLOBAL=$scratch/gitconfig GIT_CONFIG_NOSYSTEM=1
git config --global user.name Ada
git config --global user.email ada@example.com
git init -q "$scratch/site"
cp "$ssh_folder/ci.pub" "$scratch/site/"

page=$(dirname "$0")/../../man/shipit-tutorial.7
awk '/^\.\\" run$/ { marked = 1; next }
    marked && /^\.Bd / { inside = 1; marked = 0; next }
    /^\.Ed$/ { inside = 0 }
    inside' "$page" |
    sed "s/root@www\.example\.org/ci/; s/app\.user=blog/app.user=$user/; s/8000/$port/
         s|^shipit key [a-z]* |&--file $authorized_keys |" >"$scratch/commands"
# Without --file, keys would go to whoever runs the tests, whatever HOME says.
! grep '^shipit key' "$scratch/commands" | grep -v -e "--file $authorized_keys" ||
    fail "a key would be let in to this machine"
(($(wc -l <"$scratch/commands") >= 15)) || fail "hardly a command is marked in the page"

cat >"$scratch/as_written" <<SCRIPT
set -euxo pipefail
cd "$scratch/site"
ssh() { command ssh -F "$ssh_config" "\$@"; }
$(cat "$scratch/commands")
SCRIPT
expect_exit 0 env PATH="$scratch/bin:$PATH" bash "$scratch/as_written"
expect_in 'Rolled back blog to v1'
expect_answer "$url" 'running as v5 in blue'
expect_exit 0 ship -a blog releases
expect_out 'Second version'
