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
.Sh SYNOPSIS
.Nm
.Op Fl -root Ar DIR
.Ar COMMAND
.Sh DESCRIPTION
All of it.
.Sh COMMANDS
.Bl -tag -width Ds
END
    cat >"$folder/shipit" <<'END'
#!/bin/sh
case "$1" in
--help) echo "usage: shipit COMMAND" && echo ;;
deploy) printf 'usage: shipit deploy [-m TEXT] [--force] [BUILD]\n\n' ;;
*) printf 'usage: shipit %s\n\n' "$1" ;;
esac
case "$1" in
--help) for c in a b c d e f g h i deploy; do echo "  $c  does $c"; done ;;
deploy) printf 'options:\n  -m, --message TEXT  why\n  --force  do it\n\nexamples:\n  shipit deploy\n' ;;
*) printf 'examples:\n  shipit %s\n' "$1" ;;
esac
END
    chmod +x "$folder/shipit"
    for command in a b c d e f g h i deploy; do
        printf '.It Xr shipit-%s 1\ndoes %s\n' "$command" "$command"
    done >>"$folder/man/shipit.1"
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
    {
        printf '.Dd January 1, 2026\n.Dt SHIPIT-A 1\n.Os\n.Sh NAME\n'
        printf '.Nm shipit-%s ,\n' a b c d e f g h i
        printf '.Nm shipit-deploy\n.Nd a page\n.Sh SYNOPSIS\n'
        printf '.Nm shipit %s\n' a b c d e f g h i deploy
        printf '.Op Fl m Ar TEXT\n.Op Fl -force\n.Op Fl -root Ar DIR\n.Op Ar BUILD\n'
    } >"$folder/man/shipit-a.1"
    cat >>"$folder/man/shipit-a.1" <<'END'
.Sh DESCRIPTION
All of it.
.Sh OPTIONS
.Bl -tag -width Ds
.It Fl m , Fl -message Ar TEXT
Why.
.It Fl -force
Do it.
.El
.Sh EXIT STATUS
.Bl -tag -width Ds
.It 5
Locked.
.El
.Sh EXAMPLES
None.
.Sh SEE ALSO
.Xr shipit 1
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
page=$folder/man/shipit-a.1
sed -i '/^\.Nm shipit-deploy/d; s/^\(\.Nm shipit-i\) ,/\1/' "$page" && finds docs "has no page on 'deploy'"
sed -i '/^\.Nm shipit deploy/d' "$page" && finds docs "no command of it has --force"
sed -i '/^\.It Fl -force/,+1d' "$page" && finds docs "has nothing on --force"
printf '.Sh X\n.Bl -tag\n.It Xr shipit-j 1\nx\n.El\n' >>"$folder/man/shipit.1" && finds docs "no command for shipit-j"
sed -i 's/^\.It 5/.It 6/' "$page" && finds docs "shipit never ends with 6"
sed -i '/^\.Sh EXAMPLES/,+1d' "$page" && finds docs "has no EXAMPLES"
sed -i 's/^does deploy/loads/' "$folder/man/shipit.1" && finds docs "of 'deploy' it says 'loads'"
sed -i 's/^examples/for example/; s/nexamples/nfor example/' "$folder/shipit" && finds docs "deploy --help: has no examples"
sed -i '/^\.It 5/,+1d' "$folder/man/shipit.1" && finds docs "says nothing of 5"
sed -i 's/^\.It 5/.It 5\nLocked.\n.It 9/' "$folder/man/shipit.1" && finds docs "shipit.1: shipit never ends with 9"
sed -i 's/^All of it/It is refused with status 9/' "$page" && finds docs "speaks of status 9"
plant man/other.5 '.Pq Fl a , which is shown wrong' && finds docs "these words are shown as options"
if command -v mandoc >/dev/null; then
    sed -i '/^\.Op Fl -force/d' "$page" && finds docs "SYNOPSIS of 'deploy' says nothing of --force"
    sed -i 's/^\.Op Ar BUILD/&\n.Op Fl -dry-run/' "$page" && finds docs "SYNOPSIS of 'deploy' has --dry-run"
    sed -i 's/^\(\.Op Fl m Ar\) TEXT/\1 WORDS/' "$page" && finds docs "has WORDS, which it does not take"
    plant man/other.5 '.Dd nonsense\n.Sh\n' && finds docs "does not lint"
fi
echo "every checker finds what it is for"
