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
# As there: a user of the site's own, who is not nginx's.
user=$login
if [[ $(id -u) == 0 ]]; then user=nobody; fi
mkdir "$scratch/site/public"
echo "served by nginx" >"$scratch/site/public/file.txt"

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

# nginx in front, as who it is on a host; `adduser` is what lets it in.
grep -qx 'adduser www-data blog' "$page" || fail "the page does not let nginx in"
[[ $(id -u) == 0 ]] && command -v nginx >/dev/null && id www-data >/dev/null || exit 0
awk '/^server \{$/ { inside = 1 } inside { print } /^}$/ { inside = 0 }' "$page" >"$scratch/nginx.block"
upstream=$port
reserve_port
sed -i "s|/var/lib/shipit|$SHIPIT_ROOT|; s|:8000|:$upstream|; s|listen 80;|listen 127.0.0.1:$port;|" "$scratch/nginx.block"
grep -qF "$SHIPIT_ROOT" "$scratch/nginx.block" || fail "the page has no example for nginx"
# The group as nginx has it when it was added: this host's list of groups is not the test's to change.
run_nginx "$(cat "$scratch/nginx.block")" "www-data $(id -gn "$user")"
expect_soon 20 answers "http://127.0.0.1:$port/file.txt" "served by nginx"
expect_answer "http://127.0.0.1:$port/" 'running as v5 in blue'
