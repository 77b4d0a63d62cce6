# `shipit key` changes an authorized_keys file by its own lines only, and takes nothing for a key that
# would be more than a key.
. "$(dirname "$0")/lib.sh"
needs ssh-keygen

expect_exit 0 ship create blog
expect_exit 0 ship create shop
keys=$scratch/authorized_keys
for name in ci laptop spare; do ssh-keygen -q -t ed25519 -N '' -C "$name@example" -f "$scratch/$name"; done
fingerprint() { ssh-keygen -lf "$scratch/$1.pub" | cut -d ' ' -f 2; }
key() { expect_exit "$1" ship key "${@:2}" --file "$keys"; }
mine=$'# mine\n\nfrom="10.0.0.0/8" ssh-rsa AAAA\tme \r\nno newline'
printf %s "$mine" >"$keys"
chmod 640 "$keys"

# From a file, a pipe, an argument; told by the fingerprint that ssh-keygen gives.
key 0 add blog "$scratch/ci.pub"
expect_out "Added $(fingerprint ci) ci@example for blog"
from_pipe() { ship key add blog - --file "$keys" --json <"$scratch/laptop.pub"; }
expect_exit 0 from_pipe
expect_equal "$(json "$out" 'it["fingerprint"], it["changed"]')" "('$(fingerprint laptop)', True)"
key 0 add blog "$scratch/ci.pub"
expect_out "Nothing changed"
key 2 add shop "$scratch/ci.pub"
expect_err "is one of app 'blog' already"
key 0 add shop "$(cat "$scratch/spare.pub")"

cp "$scratch/ci.pub" "$scratch/my key.pub"
key 0 add blog "$scratch/my key.pub"
expect_out "Nothing changed: there is $(fingerprint ci)"

# Others' lines are as they were, ours are what sshd takes.
expect_equal "$(head -c ${#mine} "$keys")" "$mine"
expect_equal "$(stat -c %a "$keys")" 640
[[ -z $(compgen -G "$scratch/.new-*") ]] || fail "something is left"
tail -n +5 "$keys" >"$scratch/added"
expect_equal "$(ssh-keygen -lf "$scratch/added" | wc -l)" 3
expect_equal "$(grep -c '^restrict,command="[^"]*shipit receive [a-z]* --key=[a-z]*@example --root=' "$scratch/added")" 3

key 0 list blog
expect_match "^$(fingerprint ci | sed 's/[+]/[+]/g') +ssh-ed25519 +ci@example$"
expect_not_in spare@example
key 0 list shop --json
expect_equal "$(json "$out" '[k["name"] for k in it]')" "['spare@example']"

# What is no key, or more than one.
file() { printf %b "$1" >"$scratch/odd"; }
file "$(cat "$scratch/ci.pub")\r\n"
key 2 add blog "$scratch/odd"
expect_err "carriage return"
file "$(cat "$scratch/ci.pub")\n$(cat "$scratch/spare.pub")\n"
key 2 add blog "$scratch/odd"
expect_err "more than one line"
file "no-pty $(cat "$scratch/ci.pub")"
key 2 add blog "$scratch/odd"
expect_err "no options"
printf 'ssh-ed25519 \0AAAA' >"$scratch/odd"
key 2 add blog "$scratch/odd"
key 2 add blog "$scratch/ci"
expect_err "that is a private key"
expect_err "  next: "
key 2 add blog "$scratch/absent.pub"
expect_err "is neither a key nor a file"
key 1 add nothing "$scratch/ci.pub"
key 2 add ../blog "$scratch/ci.pub"

# By name, by fingerprint, by the key itself; the file is what it was then.
key 1 remove blog spare@example
expect_err "blog has no key 'spare@example'"
key 0 remove blog ci@example
key 0 remove blog "$(fingerprint laptop)"
key 0 remove shop "$scratch/spare.pub"
expect_equal "$(cat "$keys")" "$mine"

# Many at once: none is lost.
pids=()
for i in {1..8}; do
    ssh-keygen -q -t ed25519 -N '' -C "many$i" -f "$scratch/many$i"
    ship key add blog "$scratch/many$i.pub" --file "$keys" >/dev/null &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
key 0 list blog --json
expect_equal "$(json "$out" 'len(it)')" 8

# Who let whom in is on record.
expect_exit 0 ship events -a blog
expect_match "key add by .*: done: $(fingerprint ci | sed 's/[+]/[+]/g') ci@example"
expect_match "key remove by .*: done: .* ci@example"
