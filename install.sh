#!/usr/bin/env bash
# Builds and installs shipit on Debian 12 or Ubuntu 24.04. `./install.sh --help` tells all it can do.
set -euo pipefail
called_in=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'END'
usage: ./install.sh [--prefix DIR | --user] [--build DIR]    build shipit and install it
       ./install.sh --demo                                   build it and show it at work
       ./install.sh --test                                   build it twice and run all tests
       ./install.sh --bench [OPTION]... [CORPUS]...          time its slug engine beside other tools
       ./install.sh --fuzz [SECONDS]                         try to break it, so long per target
       ./install.sh --packages                               only get what --test needs, by apt
       ./install.sh --uninstall [--prefix DIR | --user]      remove what was installed, and no data

  --prefix DIR   where to install to (default: /usr/local); DESTDIR in the environment is put
                 before it, as for make install
  --user         install into ~/.local, which needs no root
  --build DIR    install what has been built in DIR instead of building in build/release
  --help         show this

--bench needs root, which it says before it does anything; CORPUS is node, python-php or binaries,
and OPTION one of tests/bench/slug_engine.py (--repeat=N, --tools=A,B, --jobs=A,B).

Missing packages are installed by apt, which needs root; with the packages there, only installing
into a system's folder does. Everything can be run twice.
END
}

say() { printf '\n==> %s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$1" >&2
    [[ $# == 1 ]] || printf '  next: %s\n' "$2" >&2
    exit 1
}

# --- What is asked for ---

mode=install prefix=/usr/local built='' to_bench=() seconds=60
chosen() {
    [[ $mode == install || $mode == "$1" ]] || fail "--$mode and --$1 do not go together"
    mode=$1
}
while [[ $# -gt 0 ]]; do
    case $1 in
    --demo | --test | --packages | --uninstall) chosen "${1#--}" ;;
    --bench)
        chosen bench
        to_bench=("${@:2}")
        break
        ;;
    --fuzz)
        chosen fuzz
        if [[ ${2-} =~ ^[1-9][0-9]*$ ]]; then
            seconds=$2
            shift
        fi
        ;;
    --prefix=*) prefix=${1#*=} ;;
    --build=*) built=${1#*=} ;;
    --prefix | --build)
        [[ $# -gt 1 ]] || fail "$1 needs a folder"
        if [[ $1 == --prefix ]]; then prefix=$2; else built=$2; fi
        shift
        ;;
    --user) prefix=${HOME:?}/.local ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        echo "install.sh: there is no option '$1'" >&2
        usage >&2
        exit 2
        ;;
    esac
    shift
done
absolute() { (cd "$called_in" && realpath -sm "$1"); }
prefix=$(absolute "$prefix")
[[ -z $built ]] || built=$(absolute "$built")
beside=''
if [[ -n ${DESTDIR:-} ]]; then
    beside=$(absolute "$DESTDIR")
    export DESTDIR=$beside
fi
target=$beside$prefix
# Not in share/shipit, which below ~/.local is where a user's apps are.
manifest=$target/lib/shipit/install_manifest

# --- Packages ---

packages_to_build=(g++ cmake ninja-build pkg-config libarchive-dev libzstd-dev libxxhash-dev
    zlib1g-dev libbz2-dev liblzma-dev nettle-dev libtomlplusplus-dev libcli11-dev
    libfmt-dev nlohmann-json3-dev)
packages_to_demo=(python3 curl)
packages_to_test=(doctest-dev)
packages_to_fuzz=(clang-14 libclang-rt-14-dev)
# What single scenarios and linters need; without these, they are skipped.
packages_to_test_all=(python3 curl python3-django gunicorn zstd xxhash strace mandoc shellcheck
    clang-format-14 procps util-linux git gzip bzip2 xz-utils zip libarchive-tools locales
    nodejs php-cli ruby ruby-webrick)

packages_to_bench=(zstd libarchive-tools rsync restic borgbackup casync ostree git eatmydata
    python3 xfsprogs btrfs-progs e2fsprogs mount)

# Sets the packages that go by another name on each distribution; refuses those not tried.
know_the_distribution() {
    local name='an unknown system' id=''
    # shellcheck source=/dev/null
    [[ ! -r /etc/os-release ]] || { id=$(. /etc/os-release && echo "${ID:-}-${VERSION_ID:-}") &&
        name=$(. /etc/os-release && echo "${PRETTY_NAME:-$id}"); }
    case $id in
    debian-12) packages_to_build+=(libboost1.81-dev) ;;
    ubuntu-24.04) packages_to_build+=(libboost1.83-dev) ;;
    *) fail "this is $name; shipit is built with the packages of Debian 12 or Ubuntu 24.04" ;;
    esac
}

# Sets `missing` to those of the packages that are not installed.
find_missing() {
    local package
    missing=()
    for package; do
        [[ $(dpkg-query -Wf '${Status}' "$package" 2>/dev/null) == "install ok installed" ]] ||
            missing+=("$package")
    done
}

get_packages() {
    find_missing "$@"
    [[ ${#missing[@]} -gt 0 ]] || return 0
    [[ $(id -u) == 0 ]] || fail "these packages are missing, and only root may install them: ${missing[*]}" \
        "sudo apt-get install ${missing[*]}"
    say "Installing packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    local apt=(apt-get -q -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)
    "${apt[@]}" update </dev/null || echo "apt-get update failed; trying with what apt knows" >&2
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null ||
        fail "apt could not install: ${missing[*]}"
}

# --- Building ---

# One job per processor, fewer where memory is short: a compiler takes up to 700 MB here.
count_jobs() {
    local by_memory
    by_memory=$(awk '/^MemAvailable:/ { print int($2 / 700000) }' /proc/meminfo)
    jobs=$(nproc)
    ((jobs <= by_memory)) || jobs=$((by_memory > 0 ? by_memory : 1))
}

need_space() { # need_space FOLDER MEGABYTES
    local free
    free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
    ((free >= $2)) || fail "building takes $2 MB in $PWD, but only $free MB are free there"
}

# build NAME OPTION…: in build/NAME.
build() {
    local folder=build/$1
    shift
    mkdir -p build 2>/dev/null || fail "you may not write to $PWD"
    [[ -w build && (! -e $folder || -w $folder) ]] ||
        fail "you may not write to $PWD/$folder" "sudo rm -r '$PWD/build'"
    # A folder that was configured elsewhere (a moved checkout, another compiler) is of no use.
    if ! grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$folder/CMakeCache.txt"; then
        rm -rf "$folder"
    fi
    local launcher=()
    if command -v ccache >/dev/null; then
        launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    fi
    cmake -G Ninja -S . -B "$folder" --log-level=WARNING "${launcher[@]}" "$@"
    cmake --build "$folder" --parallel "$jobs"
    # Under sudo, what is made in the checkout still belongs to whoever owns the checkout.
    [[ $(id -u) != 0 ]] || chown -R --reference=. build
}

build_release() {
    need_space . 500
    build release -DCMAKE_BUILD_TYPE=Release -DSHIPIT_DEV=OFF
}

# --- Installing ---

# The nearest folder above that exists must be one we may write to.
need_to_write() {
    local folder=$1
    while [[ ! -e $folder ]]; do folder=$(dirname "$folder"); done
    [[ -d $folder && -w $folder ]] ||
        fail "installing to $target needs the right to write to $folder" \
            "sudo ./install.sh, or ./install.sh --user"
}

# Files in the manifest are named as they will be seen, without DESTDIR; folders that installing
# made end in a slash. Anything else in it was not written by us.
read_manifest() {
    manifest_lines=()
    [[ -e $manifest ]] || return 0
    mapfile -t manifest_lines <"$manifest"
    local line
    for line in "${manifest_lines[@]}"; do
        [[ $line == "$prefix"/* && /$line/ != */../* ]] ||
            fail "$manifest lists '$line', which is not below $prefix; nothing was removed"
    done
}

remove_installed() { # remove_installed PATH…, each as the manifest has it
    local path folders=()
    for path; do
        if [[ $path == */ ]]; then
            folders+=("$path")
        else
            rm -f "$beside$path"
        fi
    done
    [[ ${#folders[@]} -gt 0 ]] || return 0
    # Deepest first; a folder that others have put something into stays.
    printf '%s\n' "${folders[@]}" | sort -r | while IFS= read -r path; do
        rmdir "$beside$path" 2>/dev/null || true
    done
}

# Sets `new` to what installing the build in FOLDER puts there, by installing it to a stage first.
find_new() { # find_new FOLDER
    local stage file path
    local -A listed=()
    for path in "${manifest_lines[@]}"; do listed[$path]=1; done
    stage=$(mktemp -d)
    DESTDIR=$stage cmake --install "$1" --prefix "$prefix" --strip >/dev/null
    mkdir -p "$stage$(dirname "${manifest#"$beside"}")"
    touch "$stage${manifest#"$beside"}"
    new=()
    while IFS= read -r file; do
        path=${file#"$stage"}
        if [[ ! -d $file || -L $file ]]; then
            new+=("$path")
        elif [[ $path/ == "$prefix"/* ]]; then
            # A folder is ours if it is not there yet, or if an earlier version made it.
            [[ -e $beside$path && -z ${listed[$path/]-} ]] || new+=("$path/")
        fi
    done < <(find "$stage" -mindepth 1 | sort)
    rm -rf "$stage"
}

write_manifest() {
    mkdir -p "$(dirname "$manifest")"
    printf '%s\n' "$@" | sort -u >"$manifest.new"
    mv "$manifest.new" "$manifest"
}

install_built() { # install_built FOLDER
    local new path
    local -A kept=()
    local old=()
    read_manifest
    find_new "$1"
    # The manifest comes first: what an interrupted installation leaves can be uninstalled, too.
    write_manifest "${new[@]}" "${manifest_lines[@]}"
    cmake --install "$1" --prefix "$prefix" --strip >/dev/null
    # What an older version had and this one has not goes.
    for path in "${new[@]}"; do kept[$path]=1; done
    for path in "${manifest_lines[@]}"; do
        [[ -n ${kept[$path]-} ]] || old+=("$path")
    done
    remove_installed "${old[@]}"
    write_manifest "${new[@]}"
}

# --- The modes ---

do_install() {
    if [[ -n $built ]]; then
        [[ -e $built/cmake_install.cmake ]] || fail "nothing has been built in $built"
        say "Installing what is in $built to $target."
        need_to_write "$target"
    else
        say "Building shipit in $PWD/build/release and installing it to $target."
        know_the_distribution
        need_to_write "$target"
        get_packages "${packages_to_build[@]}"
        build_release
    fi
    install_built "${built:-build/release}"
    say "Installed: $("$target/bin/shipit" version | head -n 1)"
    [[ :$PATH: == *:$prefix/bin:* ]] || echo "    $prefix/bin is not in your PATH yet."
    echo "    See what it does: ./install.sh --demo, man shipit, shipit help"
}

do_uninstall() {
    say "Removing from $target what install.sh put there; apps and their releases stay."
    read_manifest
    if [[ ${#manifest_lines[@]} == 0 ]]; then
        echo "shipit is not installed there: there is no $manifest."
        return
    fi
    need_to_write "$target"
    remove_installed "${manifest_lines[@]}"
    echo "Removed."
}

do_demo() {
    say "Building shipit in $PWD/build/release and showing it at work in a temporary folder."
    know_the_distribution
    get_packages "${packages_to_build[@]}" "${packages_to_demo[@]}"
    build_release
    exec tests/demo.sh build/release/cmd/shipit
}

get_test_packages() {
    know_the_distribution
    # Whoever is not root goes on without what only single tests need.
    if [[ $(id -u) == 0 ]]; then
        get_packages "${packages_to_build[@]}" "${packages_to_test[@]}" "${packages_to_test_all[@]}"
    else
        get_packages "${packages_to_build[@]}" "${packages_to_test[@]}"
        find_missing "${packages_to_test_all[@]}"
        [[ ${#missing[@]} == 0 ]] || echo "Tests that need these packages are skipped: ${missing[*]}"
    fi
}

run_tests() { # run_tests BUILD LABELS
    # Scenarios mostly wait, so one more than there are processors goes at once.
    ctest --test-dir "build/$1" --label-regex "$2" --parallel $((jobs + 1)) --output-on-failure \
        --no-tests=error --no-label-summary </dev/null
}

do_test() {
    say "Building shipit twice, with sanitizers and optimised, and running all tests on both."
    get_test_packages
    need_space . 3000
    say "With the address and undefined-behaviour sanitizers"
    build sanitized -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-g1 \
        -DSHIPIT_SANITIZE=address,undefined -DSHIPIT_DEV=ON
    run_tests sanitized '^(unit|e2e)$'
    say "Optimised, as it is installed"
    build tested -DCMAKE_BUILD_TYPE=Release -DSHIPIT_DEV=ON
    run_tests tested '^(unit|e2e|static)$'
}

# Everything that is missing is said at once, before an hour goes by.
do_bench() {
    say "Timing the slug engine beside tar, rsync, restic, borg, casync, ostree and git."
    cat <<END
    It builds shipit in $PWD/build/bench, and gets these packages if they are missing:
      ${packages_to_bench[*]}
    It downloads packages of npm and Debian (600 MB) as trees to pack, once, which take 7 GB in
      ${XDG_CACHE_HOME:-${HOME:?}/.cache}/shipit-bench
    It mounts file systems that are made in /dev/shm, up to 8 GB, which takes root; they go when it
    ends. All of it takes about two hours; nothing else should run meanwhile.
END
    [[ $(id -u) == 0 ]] || fail "only root may mount what it measures on" \
        "sudo ./install.sh --bench ${to_bench[*]}"
    know_the_distribution
    # npm may well come from elsewhere than from apt.
    command -v npm >/dev/null || packages_to_bench+=(npm)
    get_packages "${packages_to_build[@]}" "${packages_to_bench[@]}"
    need_space . 500
    build bench -DCMAKE_BUILD_TYPE=Release -DSHIPIT_BENCH=ON
    exec python3 tests/bench/slug_engine.py --slug-bench build/bench/tests/bench/slug_bench \
        "${to_bench[@]}"
}

# What the targets have found so far stays in build/fuzz/corpus; it is where the next run begins. An
# input that breaks one is left in build/fuzz.
do_fuzz() {
    say "Building the fuzz targets in $PWD/build/fuzz and running each for $seconds seconds."
    know_the_distribution
    get_packages "${packages_to_build[@]}" "${packages_to_fuzz[@]}"
    need_space . 1000
    build fuzz -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -gline-tables-only" -DSHIPIT_SANITIZE=fuzzer,address
    local name
    for name in archive push slug; do
        say "$name"
        mkdir -p "build/fuzz/corpus/$name"
        "build/fuzz/tests/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 \
            -dict="tests/fuzz/$name.dict" -artifact_prefix="build/fuzz/$name-" -print_final_stats=1 \
            -verbosity=0 "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
    done
}

count_jobs
case $mode in
install) do_install ;;
uninstall) do_uninstall ;;
demo) do_demo ;;
bench) do_bench ;;
packages) get_test_packages ;;
test) do_test ;;
fuzz) do_fuzz ;;
esac
