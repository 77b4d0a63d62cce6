#!/usr/bin/env bash
# A checker that never fails proves nothing: each must find a planted violation.
set -euo pipefail
static=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

clean() { # a small checkout that every checker passes
    rm -rf "${folder:?}"/*
    mkdir -p "$folder"/{cmd,core/{base,sys,slug,release,deploy},tests/{unit,e2e,static},man}
    cp "$static/../../.clang-format" "$folder/"
    printf '#pragma once\n\n#include <fmt/core.h>\n' >"$folder/core/base/text.hpp"
    printf '#include "core/base/text.hpp"\n\n#include <archive.h>\n' >"$folder/core/slug/pack.cpp"
    printf '#pragma once\n\n#include "core/slug/pack.hpp"\n' >"$folder/core/release/ledger.hpp"
    printf 'enum class Outcome {\n    done = 0,\n    locked = 5,\n};\n' >"$folder/core/base/error.hpp"
    sed -i '1i #pragma once\n' "$folder/core/base/error.hpp"
    cat >"$folder/man/shipit.1" <<'END'
.Dd January 1, 2026
.Dt SHIPIT 1
.Os
.Sh NAME
.Nm shipit
.Nd a page
.Sh COMMANDS
.Bl -tag -width Ds
END
    cat >"$folder/shipit" <<'END'
#!/bin/sh
echo "usage: shipit COMMAND"
echo
for c in a b c d e f g h i deploy; do echo "  $c  does $c"; done
[ "$1" != deploy ] || printf 'options:\n  --force  do it\n\n'
END
    chmod +x "$folder/shipit"
    for command in a b c d e f g h i deploy; do
        printf '.It Ic %s\nDoes it, by --force.\n' "$command" >>"$folder/man/shipit.1"
    done
    cat >>"$folder/man/shipit.1" <<'END'
.El
.Sh EXIT STATUS
.Bl -tag -width Ds
.It 0
Done.
.It 5
Locked.
.El
END
}

check() { # check NAME: runs that checker on the small checkout
    case $1 in
    docs) "$static/check_docs.sh" "$folder/shipit" "$folder" ;;
    *) "$static/check_$1.sh" "$folder" ;;
    esac
}
passes() {
    local status=0
    check "$1" >"$folder/said" 2>&1 || status=$?
    [[ $status == 0 || $status == 77 ]] || { cat "$folder/said" && echo "$1 fails without reason" && exit 1; }
    [[ $status == 0 ]]
}
finds() { # finds CHECKER TEXT: it fails now, and says TEXT
    if check "$1" >"$folder/said" 2>&1; then echo "$1 does not find: $2" && exit 1; fi
    grep -qF -e "$2" "$folder/said" || { cat "$folder/said" && echo "$1 does not say: $2" && exit 1; }
    clean
}
plant() { printf '%b' "$2" >>"$folder/$1"; } # plant FILE TEXT

clean
passes layers
plant core/base/text.hpp '#include "core/sys/file.hpp"\n' && finds layers "'base' may not include"
plant core/slug/pack.cpp '#include "core/release/ledger.hpp"\n' && finds layers "'slug' may not include"
plant core/release/ledger.hpp '#include <archive.h>\n' && finds layers "is for slug only"
plant core/slug/pack.hpp '#pragma once\n#include <zstd.h>\n' && finds layers "belongs into a .cpp"
plant core/slug/pack.cpp '#include <boost/asio.hpp>\n' && finds layers "is for supervise only"
plant core/slug/pack.cpp '#include <fmt/format.h>\n' && finds layers "only <fmt/core.h>"
plant core/slug/pack.cpp '#include "text.hpp"\n' && finds layers "by their path from the top"
plant core/slug/pack.cpp 'void f() { std::filesystem::remove_all("x"); }\n' && finds layers "remove_tree"
plant core/base/text.hpp 'using namespace std;\n' && finds layers "using namespace"
plant core/slug/pack.cpp 'void f() { std::cout << 1; }\n' && finds layers "never prints"
plant core/base/other.hpp 'int x;\n' && finds layers "pragma once"
plant core/slug/pack.cpp '// remove_all() is not what we do\n' && passes layers

clean
if passes format; then
    plant core/slug/pack.cpp 'int   x ;\n' && finds format "clang-format"
fi

if passes shell; then
    # shellcheck disable=SC2016  # meant to be planted as it is
    plant tests/static/bad.sh '#!/bin/bash\nrm $1/*\n' && finds shell "SC2086"
fi

passes docs
sed -i '/^\.It Ic deploy/,+1d' "$folder/man/shipit.1" && finds docs "has nothing on 'deploy'"
sed -i 's/--force/all means/' "$folder/man/shipit.1" && finds docs "'deploy' has nothing on --force"
sed -i '/^\.It 5/,+1d' "$folder/man/shipit.1" && finds docs "says nothing of 5"
if command -v mandoc >/dev/null; then
    plant man/other.5 '.Dd nonsense\n.Sh\n' && finds docs "does not lint"
fi
echo "every checker finds what it is for"
