# ./install.sh twice at once in one checkout: the second waits until the first has built. Nothing in there becomes
# root's if root does it.
. "$(dirname "$0")/lib.sh"
mkdir "$scratch/checkout"
cp "$tests/../install.sh" "$scratch/checkout/"
export DESTDIR=$scratch/dest
mkdir "$DESTDIR"

# Stand-ins for what builds, which would take minutes.
cat >"$scratch/bin/dpkg-query" <<'STUB'
#!/bin/sh
echo "install ok installed"
STUB
cat >"$scratch/bin/cmake" <<STUB
#!/bin/sh
case \$1 in
--build)
    mkdir $scratch/busy || echo "two at once" >>$scratch/collisions
    echo >>$scratch/builds
    until [ -e $scratch/go ]; do sleep 0.02; done
    rmdir $scratch/busy
    ;;
--install)
    mkdir -p "\$DESTDIR/opt/ship/bin"
    printf '#!/bin/sh\necho shipit\n' >"\$DESTDIR/opt/ship/bin/shipit"
    chmod 755 "\$DESTDIR/opt/ship/bin/shipit"
    rm -f "\$2/install_manifest.txt"
    touch "\$2/install_manifest.txt"
    ;;
*) mkdir -p build/release ;;
esac
STUB
chmod 755 "$scratch/bin"/*
# Under sudo, the checkout is somebody else's.
[[ $(id -u) != 0 ]] || chown -R nobody: "$scratch/checkout"
install_shipit() { PATH=$scratch/bin:$PATH "$scratch/checkout/install.sh" --prefix /opt/ship --no-enable; }

install_shipit >"$scratch/first.log" 2>&1 &
first=$!
expect_soon 20 test -e "$scratch/builds"
install_shipit >"$scratch/second.log" 2>&1 &
second=$!
waits() { grep -q "^Waiting for another install.sh that builds" "$scratch/second.log"; }
expect_soon 20 waits
touch "$scratch/go"
wait "$first"
wait "$second"
[[ ! -e $scratch/collisions ]] || fail "both built at once"
expect_equal "$(wc -l <"$scratch/builds")" 2
expect_exit 0 "$DESTDIR/opt/ship/bin/shipit"
expect_equal "$(find "$scratch/checkout" ! -user "$(stat -c %U "$scratch/checkout")")" ""
