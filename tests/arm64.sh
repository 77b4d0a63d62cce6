#!/usr/bin/env bash
# arm64.sh [COMMAND]: builds shipit for arm64, boots Debian's arm64 kernel with it in QEMU, and runs
# COMMAND (bash) there, in this checkout; else `shipit doctor` and deploys under load.
# On Debian 12, with the packages that it names. Nothing on this system is changed: arm64 packages
# are unpacked below build/arm64.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
checkout=$PWD work=$PWD/build/arm64

for program in aarch64-linux-gnu-g++ qemu-system-aarch64 cpio cmake ninja pkg-config python3; do
    command -v "$program" >/dev/null || {
        echo "arm64.sh: there is no $program here" >&2
        echo "  next: apt-get install g++-aarch64-linux-gnu qemu-system-arm cpio cmake ninja-build pkg-config python3" >&2
        exit 77
    }
done

to_build=(libc6-dev libstdc++-12-dev libarchive-dev libzstd-dev libxxhash-dev zlib1g-dev libbz2-dev
    liblzma-dev nettle-dev libfmt-dev nlohmann-json3-dev libboost1.81-dev libtomlplusplus-dev
    libcli11-dev doctest-dev)
to_run=(linux-image-arm64 bash coreutils findutils grep sed gawk diffutils procps util-linux mount kmod
    iproute2 hostname curl python3 gunicorn git zstd xz-utils gzip bzip2 libfmt9 libstdc++6
    libc-bin)

# fetch FOLDER PACKAGE…: with all that they need, from this system's sources, to FOLDER.
fetch() {
    local state=$work/apt
    mkdir -p "$state/lists/partial" "$1/partial"
    : >"$state/status"
    cat >"$state/conf" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::State "$state";
Dir::State::lists "$state/lists";
Dir::State::status "$state/status";
Dir::Cache::archives "$1";
END
    [[ -e $state/updated ]] || APT_CONFIG=$state/conf apt-get -q update
    touch "$state/updated"
    APT_CONFIG=$state/conf apt-get -qy --download-only install "${@:2}"
}

# unpack FOLDER PACKAGE…: as a system's root that has never been configured.
unpack() {
    local package
    [[ ! -e $1.whole ]] || return 0
    rm -rf "$1"
    mkdir -p "$1"/{usr/{bin,sbin,lib},dev,proc,sys,run,tmp,etc}
    ln -s usr/bin usr/sbin usr/lib "$1"
    fetch "$1.packages" "${@:2}"
    for package in "$1.packages"/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$1" --no-same-owner --keep-directory-symlink
    done
    touch "$1.whole"
}

build() {
    local pkgconfig=$work/sysroot/usr/lib/aarch64-linux-gnu/pkgconfig:$work/sysroot/usr/share/pkgconfig
    # What finds single test cases would have to run them: they are run as one.
    PKG_CONFIG_LIBDIR=$pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/sysroot cmake -G Ninja -S . -B "$work" \
        -DCMAKE_BUILD_TYPE=Release -DSHIPIT_DEV=ON -DCMAKE_UNITY_BUILD=ON \
        -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
        -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
        -DCMAKE_SYSROOT="$work/sysroot" -DCMAKE_LIBRARY_ARCHITECTURE=aarch64-linux-gnu \
        -DCMAKE_CROSSCOMPILING_EMULATOR=/bin/true -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER \
        -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY \
        -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY
    ninja -C "$work" shipit unit hammer plain_server
}

archived() { cpio --create --format=newc --quiet; }

# Completes the unpacked root by what the packages' scripts would have made.
make_bootable() {
    local root=$work/root
    [[ ! $root.cpio -nt $root.whole || ! $root.cpio -nt tests/arm64.sh ]] || return 0
    ln -sf bash "$root/usr/bin/sh"
    ln -sf gawk "$root/usr/bin/awk"
    cat >"$root/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/bash
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
END
    printf 'root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n' >"$root/etc/group"
    echo 127.0.0.1 localhost >"$root/etc/hosts"
    # Of the kernel's modules, those that shipit asks which sockets listen; the rest is built in.
    find "$root"/usr/lib/modules -name '*.ko' ! -name '*_diag.ko' -delete
    # Each Python program would compile what it imports anew: for seconds, over there.
    python3 -m compileall -q -s "$root" "$root"/usr/lib/python3*
    cat >"$root/init" <<'END'
#!/bin/bash
export PATH=/usr/sbin:/usr/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
ip link set lo up
hostname arm64
depmod -a
bash /command
echo "exit status $?"
echo o >/proc/sysrq-trigger
sleep 60
END
    chmod +x "$root/init"
    # What is loaded apart need not be in it.
    (cd "$root" && find . -path ./boot -prune -o -print | archived) >"$root.part"
    mv "$root.part" "$root.cpio"
}

# boot COMMAND: what it prints, and its exit status.
boot() {
    local own=$work/own
    local built=$own/checkout/build/arm64
    rm -rf "$own"
    mkdir -p "$built"/{cmd,tests/unit,tests/load}
    cp "$work/cmd/shipit" "$built/cmd"
    cp "$work/tests/unit/unit" "$built/tests/unit"
    cp "$work/tests/load"/{hammer,plain_server} "$built/tests/load"
    cp -R tests man "$own/checkout"
    # The unit tests look for the checkout where they were compiled.
    cat >"$own/command" <<END
mkdir -p '$(dirname "$checkout")'
ln -s /checkout '$checkout'
cd /checkout
export SHIPIT_BIN=/checkout/build/arm64/cmd/shipit SHIPIT_BUILD=/checkout/build/arm64
$1
END
    # One archive after the other: the kernel unpacks both.
    (cd "$own" && find . | archived) | cat "$work/root.cpio" - >"$work/initrd"
    # Its clock counts instructions, two nanoseconds each: nothing is late where this machine is busy.
    qemu-system-aarch64 -machine virt,gic-version=3 -cpu "${ARM64_CPU:-cortex-a76}" -smp 1 -m 3G \
        -accel tcg -icount shift=1,sleep=off -nodefaults -nographic -serial stdio -no-reboot \
        -kernel "$work"/root/boot/vmlinuz-* -initrd "$work/initrd" \
        -append "console=ttyAMA0 rdinit=/init quiet panic=-1" </dev/null |
        sed -u 's|\r$||' | tee "$work/console"
    grep -qx "exit status 0" "$work/console"
}

unpack "$work/sysroot" "${to_build[@]}"
unpack "$work/root" "${to_run[@]}"
build
make_bootable
boot "${*:-
set -e
uname -a
\$SHIPIT_BIN doctor
export SHIPIT_LOAD_DEPLOYS=10
bash tests/load/replaced_without_loss.sh plain
SHIPIT_LOAD_DEPLOYS=1 bash tests/load/killed_supervisor.sh}"
