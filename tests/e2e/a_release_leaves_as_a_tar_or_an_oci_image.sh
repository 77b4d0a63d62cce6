# A release becomes a tar, and an OCI image that skopeo and umoci take: the same files, run in the same way,
# without the value of any config var, and the same bytes each time. Built upon an image with an interpreter, it
# runs in a root of its own, and answers.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/odd_build.sh"
needs curl

secret=$(head -c 12 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
reserve_port
a_copy_of hello
make_odd_build "$scratch/hello/odd"
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port" app.shared=media
[[ $(id -u) != 0 ]] || expect_exit 0 ship set app.user=nobody
expect_exit 0 ship config set "SECRET_KEY=$secret" COLOUR=blue
expect_exit 0 ship deploy "$scratch/hello" -m "First version"
cd "$scratch"
expect_same() { # expect_same FOLDER: it has the files of the release, to the last bit
    depth=1 expect_exit 0 diff -r --no-dereference plain "$1"
    depth=1 expect_restored "$1/odd" plain/odd
}
id=$(ship info --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["slug"]["id"])')
mkdir plain
tar --zstd -xpf "$SHIPIT_ROOT/hello/releases/$id.tar.zst" -C plain

# --- The interpreter of a base ---

# This host's own python3, as its distribution has it.
has_an_interpreter() { [[ -x /usr/bin/python3 ]] && ldd /usr/bin/python3 >/dev/null 2>&1; }
# copy_interpreter FOLDER: as FOLDER/base/bin/python3, with the libraries and modules that it needs.
copy_interpreter() {
    local library modules
    mkdir -p "$1/base/bin"
    cp -L /usr/bin/python3 "$1/base/bin/"
    ldd /usr/bin/python3 | grep -oE '/[^ ]+' | while read -r library; do
        install -D "$library" "$1$library"
    done
    modules=$(/usr/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
    mkdir -p "$1$modules"
    tar -C "$modules" --exclude={test,lib-dynload,lib2to3,ensurepip,idlelib,distutils,pydoc_data,unittest} \
        --exclude={__pycache__,config-*,asyncio,multiprocessing,tkinter,dist-packages} -c . | tar -C "$1$modules" -x
}

# --- A tar ---

expect_exit 0 ship export v1 --format tar
expect_out "to hello-v1.tar"
mkdir untarred
tar -xpf hello-v1.tar -C untarred
expect_same untarred
ship export v1 --format tar -o - | cmp - hello-v1.tar || fail "the tar is another one"

# --- An image ---

expect_exit 2 ship export v1 --format oci --process nothing
expect_in "v1 has no process type 'nothing'"
expect_in "--process web"
expect_exit 2 ship export v1 --format tar --process web
expect_exit 2 ship export v1 --format oci --base "$scratch/plain"
expect_in "it is no OCI image layout"
expect_exit 0 ship export v1 --format oci -o image
expect_exit 2 ship export v1 --format oci -o image
expect_in "'image' is there already"
expect_exit 0 ship export v1 --format oci -o again
diff -r image again || fail "the second image is another one"
expect_exit 0 ship export v1 --format oci -o image.tar
ship export v1 --format oci -o - | cmp - image.tar || fail "the archive is another one"
expect_exit 0 ship export v1 --format oci -o named/
diff -r image named || fail "the image in a folder by that name is another one"
expect_exit 2 ship export v1 --format tar -o named/
expect_err "'named/' names a folder, and this is one file"
expect_exit 2 env TMPDIR=/nonexist "$SHIPIT_BIN" export v1 --format oci -o -
expect_err "no image can be made in TMPDIR, which is no folder"
expect_err "next: set TMPDIR"
mkdir untarred_image
tar -xf image.tar -C untarred_image
diff -r image untarred_image || fail "the archive holds another image"
for file in image/index.json image/blobs/sha256/*; do
    ! zgrep -aF "$secret" "$file" >/dev/null || fail "a config var's value is in $file"
done
[[ -z $(find . -maxdepth 1 -name '.shipit-export-*') ]] || fail "something is left over"

blob() { echo "image/blobs/sha256/${1#sha256:}"; }
manifest=$(blob "$(json image/index.json 'it["manifests"][0]["digest"]')")
config=$(blob "$(json "$manifest" 'it["config"]["digest"]')")
for file in image/blobs/sha256/*; do
    expect_equal "$(sha256sum "$file" | cut -d ' ' -f 1)" "$(basename "$file")"
done
expect_equal "$(json "$config" 'it["config"]["Entrypoint"], it["config"]["WorkingDir"]')" "(['python3', 'server.py'], '/app')"
expect_equal "$(json "$config" 'it["config"]["ExposedPorts"], it["config"]["Volumes"]')" "({'$port/tcp': {}}, {'/app/media': {}})"
expect_equal "$(json "$config" '[each for each in it["config"]["Env"] if each[:5] in ("PORT=", "PATH=")]')" \
    "['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'PORT=$port']"
expect_equal "$(json "$config" 'it["config"]["Labels"]["shipit.config"], it["config"]["Labels"]["org.opencontainers.image.version"]')" \
    "('COLOUR,SECRET_KEY', 'v1')"
[[ $(id -u) != 0 ]] || expect_equal "$(json "$config" 'it["config"]["User"]')" "$(id -u nobody):$(id -g nobody)"

# --- What others make of it ---

missing='' based=''
if command -v skopeo >/dev/null; then
    expect_exit 0 skopeo --insecure-policy inspect oci:image:v1
    expect_equal "$(json "$out" 'it["Labels"]["org.opencontainers.image.title"]')" hello
    expect_exit 0 skopeo --insecure-policy copy oci:image:v1 oci:copied:v1
    expect_exit 0 skopeo --insecure-policy copy oci-archive:image.tar:v1 "dir:$scratch/as_folder"
else
    missing+=' skopeo'
fi
if command -v umoci >/dev/null; then
    rootless=()
    [[ $(id -u) == 0 ]] || rootless=(--rootless)
    expect_exit 0 umoci unpack "${rootless[@]}" --image image:v1 bundle
    expect_same bundle/rootfs/app
    # An image to build upon: of one file, which must still be there, and of the interpreter where this host has
    # one that can be copied.
    expect_exit 0 umoci init --layout base
    expect_exit 0 umoci new --image base:tiny
    echo "of the base" >motd
    expect_exit 0 umoci insert "${rootless[@]}" --image base:tiny motd /etc/motd
    if has_an_interpreter; then
        copy_interpreter interpreter
        for folder in interpreter/*; do
            expect_exit 0 umoci insert "${rootless[@]}" --image base:tiny "$folder" "/${folder#*/}"
        done
    fi
    expect_exit 0 umoci config --image base:tiny --config.env PATH=/base/bin --config.env KEPT=yes --config.cmd sh
    expect_exit 0 ship export v1 --format oci --base base:tiny -o on_base
    expect_exit 0 umoci unpack "${rootless[@]}" --image on_base:v1 based
    expect_equal "$(cat based/rootfs/etc/motd)" "of the base"
    expect_same based/rootfs/app
    expect_equal "$(json based/config.json 'sorted(each for each in it["process"]["env"] if each[:5] in ("PATH=", "KEPT="))')" "['KEPT=yes', 'PATH=/base/bin']"
    expect_equal "$(json based/config.json 'it["process"]["args"]')" "['python3', 'server.py']"
    based=$scratch/based
    expect_exit 1 ship export v1 --format oci --base base:other -o nothing
    for file in base/blobs/sha256/*; do echo >>"$file"; done
    expect_exit 7 ship export v1 --format oci --base base:tiny -o nothing
    expect_err "next: get the image again"
    [[ ! -e nothing ]] || fail "an image was made of a damaged base"
else
    missing+=' umoci'
fi

# --- It runs as the image says ---

runs_in=$scratch/plain
[[ ! -d bundle ]] || runs_in=$scratch/bundle/rootfs/app
reserve_port
python3 - "$config" "$runs_in" "$port" <<'END' &
import json, os, sys

config = json.load(open(sys.argv[1]))["config"]
os.chdir(sys.argv[2])
environment = dict(line.split("=", 1) for line in config["Env"])
environment["PORT"] = sys.argv[3]  # the image's own is taken by the app that is live
os.execvpe(config["Entrypoint"][0], config["Entrypoint"], environment)
END
expect_soon 10 answers "http://127.0.0.1:$port/" "This is release v1."
kill $!

# --- It runs in a root of its own, as a container of it would ---

if [[ -z $based ]]; then
    true # which is among what is missing
elif [[ $(id -u) != 0 ]]; then
    missing+=' root'
elif ! has_an_interpreter; then
    missing+=' a /usr/bin/python3 to copy'
else
    exposed=$(json "$config" 'list(it["config"]["ExposedPorts"])[0].split("/")[0]')
    expect_exit 0 ship stop # the port is the image's now
    python3 - "$based" >"$scratch/container.log" 2>&1 <<'END' &
import json, os, sys

process = json.load(open(sys.argv[1] + "/config.json"))["process"]
os.chroot(sys.argv[1] + "/rootfs")
os.chdir(process["cwd"])
os.setgroups([])
os.setgid(process["user"]["gid"])
os.setuid(process["user"]["uid"])
os.closerange(3, 1024)
os.execvpe(process["args"][0], process["args"], dict(each.split("=", 1) for each in process["env"]))
END
    container=$!
    expect_soon 30 answers "http://127.0.0.1:$exposed/" "This is release v1."
    expect_equal "$(readlink "/proc/$container/root")" "$based/rootfs"
    expect_equal "$(readlink "/proc/$container/exe")" "$based/rootfs/base/bin/python3"
    expect_equal "$(stat -c %U "/proc/$container")" nobody
    kill "$container"
fi
[[ -z $missing ]] || skip "all but what takes$missing"
