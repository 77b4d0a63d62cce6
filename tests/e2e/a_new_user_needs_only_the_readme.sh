# As a new user with only the README: from a clone to a deployed, rolled-back example app in two commands; from
# there to an own app in five more. They are the lines of the code blocks behind `<!-- run: NAME -->`, and what the
# README prints of the first (`<!-- printed by: NAME -->`) is what comes. What was built before is installed,
# which --build says; with SHIPIT_ANEW=1 the commands are as they stand there, and build it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/private_host.sh"
needs curl tar

readme=$tests/../README.md
block() { # block MARK: the code block after that line
    awk -v mark="<!-- $1 -->" '$0 == mark { marked = 1; next }
        marked && /^```/ { if (inside) exit; inside = 1; next }
        inside' "$readme"
}

without_shipit() { rm -rf root/* usr/bin/shipit usr/local/bin/shipit; }
prepare_host without_shipit
start_host sleep infinity
expect_exit 127 ship version
inside mkdir -p /root/new/shipit /root/new/blog
tar -C "$tests/.." --exclude='./build*' --exclude=./.git -c . | inside tar -C /root/new/shipit -x --no-same-owner

# type COMMAND [FOLDER]: as the README has it, in the clone or in that folder.
type() {
    local command=$1
    [[ -n ${SHIPIT_ANEW:-} || $command != ./install.sh* ]] || command=${command/ #/ --build "$SHIPIT_BUILD" #}
    depth=1 expect_exit 0 inside bash -euo pipefail -c "cd ${2:-/root/new/shipit}; $command"
}

mapfile -t commands < <(block "run: example")
expect_equal "${#commands[@]}" 2 "from a clone to an example"
for command in "${commands[@]}"; do type "$command"; done
expect_out "Hello, Ada! This is release v1."
expect_out "Good morning, Grace! This is release v3."
expect_out "Rolled back hello to v1 as v4"
expect_out "Hello, Ada! This is release v4."
[[ -n $(block "printed by: example") ]] || fail "the README prints nothing of the example"
block "printed by: example" >"$scratch/printed"
python3 - "$scratch/printed" "$out" <<'END' || fail "the README prints something else of the example, see above"
"""Whether the first file is a part of the second, but for what is another each time; [...] is anything."""
import difflib, re, sys

PASSING = [(r"\b[0-9a-f]{10}\b", "SLUG"), (r"\b\d+m?s\b", "TIME"), (r"\b(127.0.0.1:|port )\d+", r"\1N"),
           (r"\b\d+(\.\d+)? ([KMG]?B)\b", r"SIZE"), (r"\b\d{4}-\d\d-\d\dT[\d:.]+Z", "WHEN")]


def text(file):
    content = open(file, encoding="utf-8").read()
    for pattern, word in PASSING:
        content = re.sub(pattern, word, content)
    return content


shown, real = map(text, sys.argv[1:])
pattern = re.escape(shown)
pattern = re.sub(r"(?m)^(\\ )*\\\[\\\.\\\.\\\.\\\]\\?\n", r"(?:.*\\n)*?", pattern).replace(r"\[\.\.\.\]", ".*?")
if not re.search("(?m)^" + pattern, real):
    sys.exit("".join(difflib.unified_diff(shown.splitlines(True), real.splitlines(True), "README.md", "printed", n=99)))
END

# A program as anybody may have it, who has not heard of shipit.
inside cp "$tests/apps/hello/server.py" /root/new/blog/
inside bash -c 'echo "web: python3 server.py" >/root/new/blog/Procfile'
mapfile -t commands < <(block "run: own")
((${#commands[@]} >= 3 && ${#commands[@]} <= 5)) || fail "an own app takes ${#commands[@]} commands"
deploys=0
for command in "${commands[@]}"; do
    if [[ $command == *deploy* ]] && ((++deploys == 2)); then
        inside sed -i 's/Hello/Good morning/' /root/new/blog/server.py
    fi
    type "$command" /root/new/blog
    case $deploys$command in
    1*deploy*)
        port=$(sed -nE 's/^-----> port ([0-9]+) chosen.*/\1/p' "$err")
        expect_answer "http://127.0.0.1:$port/" "Hello, World! This is release v1."
        ;;
    2*deploy*) expect_answer "http://127.0.0.1:$port/" "Good morning, World! This is release v2." ;;
    esac
done
[[ $command == *rollback* ]] || fail "the last command is no rollback"
expect_answer "http://127.0.0.1:$port/" "Hello, World! This is release v3."
stop_host
