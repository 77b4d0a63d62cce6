# A folder, its tars by whatever program and in whatever compression, and its zip are one slug.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/odd_build.sh"
needs zip gzip bzip2 xz zstd bsdtar python3

build=$scratch/build
make_odd_build "$build" 1
expect_exit 0 ship create files

id=$(id_of "$build")
cd "$build"
tar -cf "$scratch/gnu.tar" .
tar -cf "$scratch/named.tar" -- *
tar --format=gnu --sparse -cf "$scratch/sparse.tar" .
tar -b 1 -cf "$scratch/small_records.tar" .
bsdtar --format=gnutar -cf "$scratch/bsd_gnu.tar" .
cd "$scratch"
for form in gnu named sparse small_records bsd_gnu; do
    expect_id "$id" "$form.tar" id_of "$scratch/$form.tar"
done
for packer in gzip bzip2 xz zstd; do
    "$packer" -cq gnu.tar >gnu.tar.packed
    expect_id "$id" "gnu.tar by $packer" id_of "$scratch/gnu.tar.packed"
done
by_pipe() { id_of - < <(cat "$1"); }
expect_id "$id" "gnu.tar on standard input" by_pipe "$scratch/gnu.tar"

# pax names are UTF-8, zip has no hard links, and takes backslashes for slashes.
rm "$build"/latin1-* "$build"/back* "$build/hard"
id=$(id_of "$build")
cd "$build"
tar --format=pax -cf "$scratch/pax.tar" .
tar --format=pax --sparse -cf "$scratch/pax_sparse.tar" .
bsdtar --format=pax -cf "$scratch/bsd_pax.tar" .
zip -qry --symlinks "$scratch/build.zip" .
cd "$scratch"
for form in pax.tar pax_sparse.tar bsd_pax.tar build.zip; do
    expect_id "$id" "$form" id_of "$scratch/$form"
done
expect_id "$id" "build.zip on standard input" by_pipe "$scratch/build.zip"
