# The examples of the manual that are marked so (`.\" run` before them) work as they stand there, page
# by page, on one app: with its build and a key beside it, and three releases.
. "$(dirname "$0")/lib.sh"
needs curl

mkdir "$scratch/work" "$scratch/path"
cd "$scratch/work"
ln -s "$SHIPIT_BIN" "$scratch/path/shipit"
PATH=$scratch/path:$PATH
a_copy_of hello work/build
sed -i 's/^watch = .*/watch = "0s"/' build/shipit.toml
echo "some key" >key.txt

# The lines behind '$ ' or '# ' of a page's marked examples, as they are typed.
examples_of() {
    awk '/^\.\\" run$/ { marked = 1; next }
        marked && /^\.Dl / { print substr($0, 5); marked = 0 }
        marked && /^\.Ed/ { marked = 0 }
        marked && !/^\./' "$1" |
        sed -nE 's/\\\(dq/"/g; s/\\&//g; s/\\e/\\/g; s/^[$#] //p'
}

tried=0
run_examples() { # run_examples PAGE…
    local page example
    for page; do
        while IFS= read -r example <&3; do
            # With a file as stdin where the example names one; expect_exit gives it /dev/null else.
            expect_exit 0 bash -euo pipefail -c "$example"
            tried=$((tried + 1))
        done 3< <(examples_of "$page")
    done
}

man=$tests/../man
first=(shipit-create.1 shipit-deploy.1)
last=(shipit-destroy.1)
run_examples "$man/${first[0]}"
reserve_port
expect_exit 0 ship -a blog set "app.port=$port"
run_examples "$man/${first[1]}"
for version in 2 3; do
    echo "# $version" >>build/server.py
    expect_exit 0 ship -a blog deploy ./build -m "Version $version"
done
for page in "$man"/*.[1-8]; do
    [[ " ${first[*]} ${last[*]} " == *" ${page##*/} "* ]] || run_examples "$page"
done
expect_answer "http://127.0.0.1:$port/" "This is release v"
run_examples "$man/${last[0]}"
[[ ! -e $SHIPIT_ROOT/blog ]] || fail "destroy's example left the app"

# Each page of a command that can be tried here has something to try.
((tried >= 45)) || fail "only $tried examples are marked"
echo "$tried examples ran"
