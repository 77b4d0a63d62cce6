#!/usr/bin/env bash
# Builds and installs shipit on Debian 12 or Ubuntu 24.04. `./install.sh --help` tells all it can do.
set -euo pipefail
called_in=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'END'
usage: ./install.sh [--prefix DIR | --user] [--build DIR]    build shipit and install it
       ./install.sh --demo [--build DIR]                     build it and show it at work
       ./install.sh --test [--fuzz [SECONDS]]                build it twice and run all tests
       ./install.sh --bench [OPTION]... [CORPUS]...          time its slug engine beside other tools
       ./install.sh --fuzz [SECONDS]                         try to break it, so long per target
       ./install.sh --fault                                  kill, fail and unplug it everywhere
       ./install.sh --packages                               only get what --test needs, by apt
       ./install.sh --uninstall [--prefix DIR | --user]      remove what was installed, and no data

  --prefix DIR   where to install to (default: /usr/local), of letters of ASCII, digits and /._+@-;
                 DESTDIR in the environment is put before it, as for make install
  --user         install into ~/.local, which needs no root
  --no-enable    install files only: apps do not start with the host, and are not pruned daily;
                 with --uninstall, the user's crontab is left as it is
  --build DIR    install or show what has been built in DIR instead of building in build/release
  --help         show this

--fault takes an hour, and as root also cuts the power of file systems that it makes.
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

# What is removed when this script ends, however it ends.
temporary=()
trap 'rm -rf "${temporary[@]}"' EXIT
make_scratch() { # sets `scratch` to a folder
    scratch=$(mktemp -d)
    temporary+=("$scratch")
}

# --- What is asked for ---

mode=install prefix=/usr/local built='' to_bench=() seconds=60 fuzzes_too='' for_user='' enables=yes
chosen() {
    case $mode,$1 in
    test,fuzz | fuzz,test) mode=test fuzzes_too=yes ;;
    install,* | "$1,$1") mode=$1 ;;
    *) fail "--$mode and --$1 do not go together" ;;
    esac
}
while [[ $# -gt 0 ]]; do
    case $1 in
    --demo | --test | --fault | --packages | --uninstall) chosen "${1#--}" ;;
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
    --user)
        prefix=${HOME:?}/.local
        for_user=yes
        ;;
    --no-enable) enables='' ;;
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
turn_file=$target/lib/shipit/install_turn

# --- Packages ---

packages_to_build=(g++ cmake ninja-build pkg-config libarchive-dev libzstd-dev libxxhash-dev
    zlib1g-dev libbz2-dev liblzma-dev nettle-dev libtomlplusplus-dev libcli11-dev
    libfmt-dev nlohmann-json3-dev)
packages_to_demo=(python3 curl)
packages_to_test=(doctest-dev)
packages_to_fault=(python3 curl zstd e2fsprogs xfsprogs mount util-linux)
packages_to_fuzz=(clang-14 libclang-rt-14-dev git)
# What single scenarios and linters need; without these, they are skipped.
packages_to_test_all=(python3 curl python3-django gunicorn zstd xxhash strace mandoc shellcheck
    clang-format-14 procps util-linux e2fsprogs xfsprogs mount git gzip bzip2 xz-utils zip
    libarchive-tools locales nodejs php-cli ruby ruby-webrick openssh-server openssh-client jq
    nginx caddy openssl systemd cron faketime dpkg-dev fakeroot lintian bash-completion bsdextrautils zsh fish tmux
    man-db bsdutils skopeo umoci)

packages_to_bench=(zstd libarchive-tools rsync restic borgbackup casync ostree git eatmydata
    python3 xfsprogs btrfs-progs e2fsprogs mount)

# Sets the packages that go by another name on each distribution; refuses those not tried.
know_the_distribution() {
    local name='an unknown system' id=''
    # shellcheck source=/dev/null
    [[ ! -r /etc/os-release ]] || { id=$(. /etc/os-release && echo "${ID:-}-${VERSION_ID:-}") &&
        name=$(. /etc/os-release && echo "${PRETTY_NAME:-$id}"); }
    case $id in
    debian-12)
        packages_to_build+=(libboost1.81-dev)
        packages_to_test_all+=(chromium) # Ubuntu has it as a snap only
        ;;
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
    local folder=build/$1 lock
    shift
    mkdir -p build 2>/dev/null || fail "you may not write to $PWD"
    [[ -w build && (! -e $folder || -w $folder) ]] ||
        fail "you may not write to $PWD/$folder" "sudo rm -r '$PWD/build'"
    # Two at once would spoil each other's files.
    exec {lock}<build
    flock --nonblock "$lock" || {
        echo "Waiting for another install.sh that builds in $PWD/build."
        flock "$lock"
    }
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
    exec {lock}<&-
}

# Eight files at a time: a quarter of the time, and half a gigabyte at most.
several_at_a_time=(-DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=8)
build_release() {
    need_space . 500
    build release -DCMAKE_BUILD_TYPE=Release -DSHIPIT_DEV=OFF "${several_at_a_time[@]}"
}

# --- Installing ---

# Units and lines for cron(8) name the program, and have no one way to quote what is odd in a path.
need_a_plain_prefix() {
    local LC_ALL=C
    [[ $prefix != / ]] || fail "shipit cannot be installed to / itself" "./install.sh --prefix /usr"
    [[ ! $prefix =~ [^A-Za-z0-9/._+@-] ]] ||
        fail "'$prefix' has other characters than letters of ASCII, digits, and / . _ + @ -, which systemd and cron may misread" \
            "./install.sh --prefix with another folder"
}

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
        elif [[ $beside$path != "$manifest" && $beside$path != "$turn_file" ]]; then
            rm -f "$beside$path"
        fi
    done
    # Last, so that an --uninstall that is interrupted can be finished.
    [[ $mode != uninstall ]] || rm -f "$turn_file" "$manifest"
    [[ ${#folders[@]} -gt 0 ]] || return 0
    # Deepest first; a folder that others have put something into stays.
    printf '%s\n' "${folders[@]}" | sort -r | while IFS= read -r path; do
        rmdir "$beside$path" 2>/dev/null || true
    done
}

# Whoever else installs to the same place, or removes what is there, waits until this script ends.
# Calls the arguments, a command, where the folder of the manifest went meanwhile.
take_turn() {
    while [[ -d ${manifest%/*} ]]; do
        exec {turn}>"$turn_file"
        chmod 600 "$turn_file"
        flock --nonblock "$turn" || {
            echo "Waiting for another install.sh that is at work in $target."
            flock "$turn"
        }
        # It may have been an --uninstall, which has removed the file.
        [[ ! $turn_file -ef /proc/self/fd/$turn ]] || return 0
        exec {turn}>&-
        "$@"
    done
}

# Sets `made` to those folders that were not there, named as in the manifest.
make_manifest_folder() {
    local folder=${manifest%/*}
    until [[ -e $folder ]]; do
        made+=("${folder#"$beside"}/")
        folder=$(dirname "$folder")
    done
    mkdir -p "${manifest%/*}"
}

# Sets `new` to what installing the build in FOLDER puts there, by installing it to `stage` first.
find_new() { # find_new FOLDER
    local file path
    local -A listed=()
    for path in "${manifest_lines[@]}" "${made[@]}"; do listed[$path]=1; done
    make_scratch
    stage=$scratch
    DESTDIR=$stage cmake --install "$1" --prefix "$prefix" --strip >/dev/null
    # cmake writes there what it has installed: whoever has built it may do that again.
    [[ $(id -u) != 0 ]] || chown --reference="$1" "$1/install_manifest.txt"
    mkdir -p "$stage$(dirname "${manifest#"$beside"}")"
    touch "$stage${manifest#"$beside"}" "$stage${turn_file#"$beside"}"
    new=()
    while IFS= read -r file; do
        path=${file#"$stage"}
        if [[ ! -d $file || -L $file ]]; then
            new+=("$path")
        elif [[ $path/ == "$prefix"/* ]]; then
            # A folder is ours if it was not there, or if an earlier version made it.
            [[ -e $beside$path && -z ${listed[$path/]-} ]] || new+=("$path/")
        fi
    done < <(find "$stage" -mindepth 1 | sort)
}

cannot_write() { # cannot_write WHAT
    fail "$1 could not be written; what was installed in $target is as it was" \
        "make room there (df -h '$target'), and run it again"
}

write_manifest() { # write_manifest PATH…; fails if it cannot
    temporary+=("$manifest.new")
    printf '%s\n' "$@" | sort -u >"$manifest.new" && sync "$manifest.new" && mv -T "$manifest.new" "$manifest"
}

# All that is new is written beside its place, and is on the disk, before the first of it is renamed to its place:
# whatever stops this, each file is the whole old one or the whole new one.
put_in_place() { # put_in_place PATH…, from `stage`
    local path written=()
    for path; do written+=("$beside$path.new"); done
    temporary+=("${written[@]}")
    for path; do
        { mkdir -p "$beside${path%/*}" && cp -PT --preserve=mode,timestamps "$stage$path" "$beside$path.new"; } ||
            cannot_write "$beside$path"
    done
    sync "${written[@]}" || cannot_write "what is new"
    for path; do mv -T "$beside$path.new" "$beside$path"; done
}

install_built() { # install_built FOLDER
    local new path stage
    local -A kept=()
    local made=() old=() files=()
    make_manifest_folder
    take_turn make_manifest_folder
    read_manifest
    find_new "$1"
    for path in "${new[@]}"; do
        kept[$path]=1
        [[ $path == */ || $beside$path == "$manifest" || $beside$path == "$turn_file" ]] || files+=("$path")
    done
    # The manifest comes first: what an interrupted installation leaves can be uninstalled, too.
    write_manifest "${new[@]}" "${files[@]/%/.new}" "${manifest_lines[@]}" || cannot_write "$manifest"
    put_in_place "${files[@]}"
    # What an older version had and this one has not goes.
    for path in "${manifest_lines[@]}"; do
        [[ -n ${kept[$path]-} ]] || old+=("$path")
    done
    remove_installed "${old[@]}"
    write_manifest "${new[@]}" || fail "$manifest could not be written" "run it again"
}

# --- What starts apps with the host, and prunes them ---

# By systemd where that runs, else by cron; nobody is bothered if there is neither. All of it names the
# program by its path, by which what is ours is known again.
program=$prefix/bin/shipit
cron_table=$beside/etc/cron.d/shipit
enabled_units=(shipit.service shipit-prune.timer)

reaches_systemd() {
    if [[ -z $for_user ]]; then
        [[ -d /run/systemd/system && $(id -u) == 0 ]]
    else
        systemctl --user show-environment >/dev/null 2>&1
    fi
}

# The user's own manager counts only if it starts with the host and does not end when the user logs out.
has_systemd() {
    reaches_systemd && [[ -z $for_user || -e /var/lib/systemd/linger/$(id -un) ]]
}

# Sets `systemctl`, the command, and `units`, the folder with ours.
know_systemd() {
    systemctl=(systemctl) units=$prefix/lib/systemd/system
    [[ -z $for_user ]] || systemctl=(systemctl --user) units=$prefix/lib/systemd/user
}

enable_units() {
    local unit
    know_systemd
    "${systemctl[@]}" daemon-reload
    # Where systemd does not look by itself. By force: what is there may be of another installation.
    if [[ $prefix != /usr && $prefix != /usr/local ]]; then
        for unit in "$units"/shipit*; do "${systemctl[@]}" --quiet --force link "$unit"; done
    fi
    "${systemctl[@]}" --quiet --force enable "${enabled_units[@]}"
    # Running supervisors become the new program; their apps serve on.
    "${systemctl[@]}" try-reload-or-restart 'shipit@*.service'
    "${systemctl[@]}" start shipit-prune.timer
    "${systemctl[@]}" start shipit.service || {
        echo "install.sh: shipit is installed, but not every app was started" >&2
        echo "  next: shipit start --all, which says why" >&2
    }
    echo "    systemd starts apps with the host and prunes them daily: ${enabled_units[*]}"
}

# Sets `starters` to whose units systemd finds, ours or another installation's; the first counts.
find_starters() {
    local folder folders=()
    starters=()
    read -ra folders <<<"$("${systemctl[@]}" show --property=UnitPath --value)"
    for folder in "${folders[@]}"; do
        if grep -qsF -e "=$program " "$folder/shipit.service"; then
            starters+=(ours)
        elif [[ -e $folder/shipit.service ]]; then
            starters+=(another)
        fi
    done
}

# Before our units are removed. They are known to systemd by names that other installations use, too.
disable_units() {
    local unit starters
    know_systemd
    find_starters
    [[ ${starters[0]-} == ours ]] || return 0
    # Where another installation's take their place, what is enabled stays so. For users that is not meant: to
    # them, the units of the host's shipit are an offer.
    if [[ -z $for_user && " ${starters[*]} " == *" another "* ]]; then
        has_heir=yes
        for unit in "$units"/shipit*; do
            [[ ! /etc/systemd/system/${unit##*/} -ef $unit ]] || rm -f "/etc/systemd/system/${unit##*/}"
        done
        return 0
    fi
    "${systemctl[@]}" --quiet disable --now shipit-prune.timer 2>/dev/null || true
    # Not stopped: that would stop the apps.
    for unit in shipit.service shipit@.service shipit-prune.service; do
        "${systemctl[@]}" --quiet disable "$unit" 2>/dev/null || true
    done
}

# After our units have been removed.
hand_units_over() {
    local unit
    know_systemd
    "${systemctl[@]}" daemon-reload
    [[ -n ${has_heir:-} ]] || return 0
    for unit in "${enabled_units[@]}"; do
        # So that the links name the files that are there now.
        ! "${systemctl[@]}" --quiet is-enabled "$unit" || "${systemctl[@]}" --quiet reenable "$unit"
    done
}

# The lines that are ours in the crontab of a user. If they change, those of earlier versions still have to be taken out.
crontab_lines=("@reboot $program start --all --quiet --wait=10m"
    "17 3 * * * $program prune --all --quiet --wait=1h >/dev/null")

# Sets `table` to a file with the user's crontab as it is.
read_crontab() {
    make_scratch
    table=$scratch/crontab
    LC_ALL=C crontab -l >"$table" 2>"$scratch/said" || grep -q '^no crontab for ' "$scratch/said" ||
        fail "your crontab could not be read: $(<"$scratch/said")" \
            "make \`crontab -l\` work, or use --no-enable, which leaves your crontab as it is"
}

write_crontab() { # write_crontab FILE
    if [[ -s $1 ]]; then
        crontab "$1" || fail "your crontab could not be written" "or use --no-enable, which leaves it as it is"
    else
        crontab -r
    fi
}

# All lines of the user's own stay as they are, whatever they call and in whatever encoding.
put_into_crontab() {
    local line table missing=()
    command -v crontab >/dev/null || return 0
    read_crontab
    for line in "${crontab_lines[@]}"; do
        LC_ALL=C grep -aqxF -e "$line" "$table" || missing+=("$line")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    [[ -z $(tail -c 1 "$table") ]] || echo >>"$table"
    printf '%s\n' "${missing[@]}" >>"$table"
    write_crontab "$table"
}

take_from_crontab() {
    local table
    command -v crontab >/dev/null || return 0
    read_crontab
    printf '%s\n' "${crontab_lines[@]}" >"$scratch/ours"
    LC_ALL=C grep -avxF -f "$scratch/ours" "$table" >"$scratch/theirs" || [[ $? == 1 ]]
    cmp -s "$table" "$scratch/theirs" || write_crontab "$scratch/theirs"
}

enable_by_cron() {
    if [[ -n $for_user && -z $beside ]]; then
        put_into_crontab
    elif [[ -n $beside && -z $for_user ]] || [[ -w /etc/cron.d ]]; then
        mkdir -p "$(dirname "$cron_table")"
        # Not written in its place: cron may read it just now.
        install -m 644 "$target/lib/shipit/cron" "$cron_table.new"
        mv "$cron_table.new" "$cron_table"
    fi
}

enable_on_host() {
    [[ -n $enables ]] || return 0
    [[ -n $for_user ]] || enable_by_cron # its lines do nothing where systemd runs
    if [[ -n $beside ]]; then
        return 0
    elif has_systemd; then
        enable_units
        # As long as the user's manager did not start with the host, cron did all that.
        [[ -z $for_user ]] || ! crontab -l >/dev/null 2>&1 || take_from_crontab
    elif [[ -n $for_user ]]; then
        enable_by_cron
    fi
}

disable_on_host() {
    if [[ -n $for_user && -z $beside ]]; then
        [[ -z $enables ]] || take_from_crontab
    elif grep -qsF -e " $program " "$cron_table"; then
        rm -f "$cron_table"
        [[ -z $beside ]] || rmdir -p --ignore-fail-on-non-empty "$(dirname "$cron_table")"
    fi
    [[ -n $beside ]] || ! reaches_systemd || disable_units
}

# --- The modes ---

do_install() {
    need_a_plain_prefix
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
    # What root installs for all is for all.
    [[ -n $for_user ]] || umask 022
    install_built "${built:-build/release}"
    enable_on_host
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
    take_turn
    read_manifest # once more: an --uninstall may have been before us
    disable_on_host
    remove_installed "${manifest_lines[@]}"
    [[ -n $beside ]] || ! reaches_systemd || hand_units_over
    echo "Removed."
}

do_demo() {
    if [[ -n $built ]]; then
        [[ -x $built/cmd/shipit ]] || fail "nothing has been built in $built"
        say "Showing what is in $built at work in a temporary folder."
    else
        say "Building shipit in $PWD/build/release and showing it at work in a temporary folder."
        know_the_distribution
        get_packages "${packages_to_build[@]}" "${packages_to_demo[@]}"
        build_release
    fi
    exec tests/demo.sh "${built:-build/release}/cmd/shipit"
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

run_tests() { # run_tests BUILD LABELS [MORE: so many more at once than there are processors]
    rm -f "build/$1/Testing/Temporary/LastTestsFailed.log"
    # They mostly wait.
    ctest --test-dir "build/$1" --label-regex "$2" --parallel $((jobs + ${3:-2})) --output-on-failure \
        --no-tests=error --no-label-summary </dev/null
}

do_test() {
    say "Building shipit twice, with sanitizers and optimised, and running all tests on both."
    get_test_packages
    [[ -z $fuzzes_too ]] || get_packages "${packages_to_fuzz[@]}"
    need_space . 3000
    say "With the address and undefined-behaviour sanitizers"
    build sanitized -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-g1 \
        -DSHIPIT_SANITIZE=address,undefined -DSHIPIT_DEV=ON "${several_at_a_time[@]}"
    # The tests mostly wait; the next builds, and then fuzzing, take what they leave of the processors.
    in_the_background build_what_else_is_tested >build/tested.log 2>&1 &
    local building=$! fuzzing='' failed=0
    run_tests sanitized '^(unit|e2e)$' || failed=1
    say "Optimised, as it is installed"
    if ! wait "$building"; then
        cat build/tested.log
        fail "building what is tested next failed, see above"
    fi
    if [[ -n $fuzzes_too ]]; then
        in_the_background run_fuzz_targets &
        fuzzing=$!
    fi
    run_tests tested '^(unit|e2e|static)$' || failed=1
    [[ -z $fuzzing ]] || wait "$fuzzing" || failed=1
    [[ $failed == 0 ]] || tell_what_failed
    return "$failed"
}

# Thousands of lines after one that failed, with the summary of those that passed before one's eyes.
tell_what_failed() {
    say "Failed"
    local build
    for build in sanitized tested; do
        sed "s/^[0-9]*:/build\/$build: /" "build/$build/Testing/Temporary/LastTestsFailed.log" 2>/dev/null || true
    done
    grep -l '^==.*ERROR: ' build/fuzz/*.log 2>/dev/null || true
}

in_the_background() { # in_the_background FUNCTION
    renice --priority 19 --pid "$BASHPID" >/dev/null
    "$1"
}

build_what_else_is_tested() {
    build tested -DCMAKE_BUILD_TYPE=Release -DSHIPIT_DEV=ON "${several_at_a_time[@]}"
    [[ -z $fuzzes_too ]] || build_fuzz_targets
}

# Each suite's last line, which ctest shows of those only that fail, tells how many points it tried.
do_fault() {
    say "Building shipit and disturbing each of its commands at each of its system calls, for about an hour."
    know_the_distribution
    get_packages "${packages_to_build[@]}" "${packages_to_test[@]}" "${packages_to_fault[@]}"
    need_space . 1500
    build tested -DCMAKE_BUILD_TYPE=Release -DSHIPIT_DEV=ON "${several_at_a_time[@]}"
    local failed=0
    run_tests tested '^fault$' 1 || failed=1
    say "What was tried"
    grep -hE '^[a-z_ ]+: [0-9]+ .* violations' build/tested/Testing/Temporary/LastTest.log || true
    return "$failed"
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

# What a target has found so far stays in build/fuzz/corpus; it is where its next run begins. An input
# that breaks it is left in build/fuzz.
fuzz() { # fuzz NAME
    local name=$1 dictionary=() log=build/fuzz/$1.log
    [[ ! -e tests/fuzz/$name.dict ]] || dictionary=(-dict="tests/fuzz/$name.dict")
    mkdir -p "build/fuzz/corpus/$name"
    if "build/fuzz/tests/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=30 \
        -rss_limit_mb=2048 "${dictionary[@]}" -artifact_prefix="build/fuzz/$name-" \
        -print_final_stats=1 -verbosity=0 "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" \
        >"$log" 2>&1; then
        grep '^skipped: ' "$log" || printf '%s: %s inputs, nothing found\n' "$name" \
            "$(awk '/^stat::number_of_executed_units/ { print $2 }' "$log")"
    else
        cat "$log"
        printf '%s: FOUND something; the input is in build/fuzz/%s-*\n' "$name" "$name"
        return 1
    fi
}

build_fuzz_targets() {
    # Several files compiled as one take a quarter of the time; other builds tell all warnings.
    build fuzz -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -gline-tables-only -w" \
        -DSHIPIT_SANITIZE=fuzzer,address -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16
}

run_fuzz_targets() {
    local targets=(tests/fuzz/*_fuzz.cpp)
    targets=("${targets[@]#tests/fuzz/}")
    export -f fuzz
    export seconds
    # shellcheck disable=SC2016 # it is the inner bash that knows its argument
    printf '%s\0' "${targets[@]%_fuzz.cpp}" |
        xargs --null --max-args=1 --max-procs="$jobs" bash -c 'fuzz "$1"' fuzz
}

do_fuzz() {
    say "Building the fuzz targets in $PWD/build/fuzz and running each for $seconds seconds."
    know_the_distribution
    get_packages "${packages_to_build[@]}" "${packages_to_fuzz[@]}"
    need_space . 1000
    build_fuzz_targets
    run_fuzz_targets
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
fault) do_fault ;;
esac
