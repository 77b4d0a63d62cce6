# A build's id is the same on one core and on all, at any level, in any locale, under any umask, for any
# user, from a folder and from an archive.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/odd_build.sh"
needs zip taskset python3

build=$scratch/build
make_odd_build "$build" 1
# pax names are UTF-8, zip has no hard links, and takes backslashes for slashes.
rm "$build"/latin1-* "$build"/back* "$build/hard"
cd "$build"
tar --format=pax -cf "$scratch/pax.tar" .
zip -qry --symlinks "$scratch/build.zip" .
cd "$scratch"
expect_exit 0 ship create files
id=$(id_of "$build")

core=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
expect_id "$id" "on one core" id_by taskset -c "$core" "$SHIPIT_BIN" "$build"
expect_id "$id" "a tar on one core" id_by taskset -c "$core" "$SHIPIT_BIN" "$scratch/pax.tar"

for level in 1 19; do
    expect_exit 0 ship set "slug.level=$level"
    expect_id "$id" "level $level" id_of "$build"
done
expect_exit 0 ship set slug.level=

# In Turkish, i is no I.
locales=(C missing_LOCALE)
mkdir "$scratch/locales"
if localedef -i tr_TR -f UTF-8 "$scratch/locales/tr_TR.UTF-8" 2>/dev/null; then locales+=(tr_TR.UTF-8); fi
if localedef -i tr_TR -f ISO-8859-9 "$scratch/locales/tr_TR.ISO-8859-9" 2>/dev/null; then locales+=(tr_TR.ISO-8859-9); fi
for locale in "${locales[@]}"; do
    for form in build pax.tar build.zip; do
        expect_id "$id" "$form in $locale" \
            id_by env LOCPATH="$scratch/locales" LC_ALL="$locale" "$SHIPIT_BIN" "$scratch/$form"
    done
done

with_umask() { (umask "$1" && id_of "$2"); }
for mask in 000 077; do
    expect_id "$id" "umask $mask" with_umask "$mask" "$build"
    expect_id "$id" "a tar with umask $mask" with_umask "$mask" "$scratch/pax.tar"
done

if [[ $(id -u) == 0 ]]; then
    # For another user to read what is private, it must be that user's own copy.
    cp -a "$build" "$scratch/theirs"
    chown -R nobody "$scratch/theirs"
    mkdir "$scratch/nobody"
    chown nobody "$scratch/nobody"
    chmod 644 "$scratch"/*.tar "$scratch/build.zip"
    as_nobody() {
        setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$scratch/nobody" \
            SHIPIT_ROOT="$scratch/nobody/root" "$SHIPIT_BIN" "$@"
    }
    expect_exit 0 as_nobody create files
    for form in theirs pax.tar build.zip; do
        expect_id "$id" "$form by another user" id_by as_nobody "$scratch/$form"
    done
fi
