# `verify --trees` finds whatever was edited, added, removed or got another mode on the server, and
# says which releases need it; without --trees it looks at slugs only.
. "$(dirname "$0")/lib.sh"

build=$scratch/build
mkdir -p "$build"/{public,media}
echo "page" >"$build/public/index.html"
echo "style" >"$build/public/style.css"
echo "same size" >"$build/public/same.txt"
printf '#!/bin/sh\n' >"$build/run.sh"
ln -s index.html "$build/public/link"
expect_exit 0 ship create files
expect_exit 0 ship set app.shared=media
expect_exit 0 ship deploy "$build"
expect_exit 0 ship verify --trees
expect_in "1 slug and 1 tree are whole"

tree=$SHIPIT_ROOT/files/current
# What the app keeps in its shared folder is its own.
echo "upload" >"$tree/media/upload"
expect_exit 0 ship verify --trees

cd "$tree/public"
expect_found() { # expect_found FAULT: found with --trees, and by nothing else
    expect_exit 7 ship verify --trees
    expect_out "$1"
    expect_out "needed by v1"
    expect_exit 7 ship verify --trees v1
    expect_exit 7 ship verify --trees --all
    expect_exit 0 ship verify
}

# The same size, the same time: only the content tells.
touch -r same.txt "$scratch/time"
chmod u+w . same.txt
printf 'SAME SIZE' | dd of=same.txt conv=notrunc status=none
touch -r "$scratch/time" same.txt
expect_found "'public/same.txt' is edited"
printf 'same size' | dd of=same.txt conv=notrunc status=none
touch -r "$scratch/time" same.txt
expect_exit 0 ship verify --trees

echo "hot patch" >>index.html
expect_found "'public/index.html' is edited"
rm style.css
expect_found "'public/style.css' is missing"
echo "debug" >debug.php
expect_found "'public/debug.php' is extra"
ln -sfn style.css link
expect_found "'public/link' is edited"
chmod 777 "$tree/run.sh"
expect_found "'run.sh' has another mode"
mkfifo pipe
expect_found "'public/pipe' is extra"
printf x >$'odd\e[2J'
expect_found "'public/odd\\x1b[2J' is extra"

expect_exit 7 ship verify --trees --json
expect_equal "$(json "$out" 'sorted(f["why"] for f in it["faults"])[0]')" "'public/debug.php' is extra"
expect_equal "$(json "$out" '[len(it["faults"]), it["faults"][0]["releases"]]')" "[7, ['v1']]"
# Nothing was put right behind anybody's back.
expect_equal "$(cat "$tree/public/index.html")" "$(printf 'page\nhot patch')"
