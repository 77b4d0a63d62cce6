# A byte flips in what `shipit push` keeps here, or in a slug on the host: the next push says so, does without
# what is damaged, and succeeds; so does the one after it.
. "$(dirname "$0")/lib.sh"
needs curl python3

another_host_is_near
push() { SHIPIT_ROOT=$scratch/nowhere ship push example:hello "$scratch/hello" --no-wait "$@"; }
greet() { sed -i "s/return \"[^\"]*, \"/return \"$1, \"/" "$scratch/hello/server.py"; }

reserve_port
url=http://127.0.0.1:$port/
a_copy_of hello
expect_exit 0 ship create hello
expect_exit 0 ship -a hello set "app.port=$port"
head -c 6000000 /dev/urandom >"$scratch/hello/big"
expect_exit 0 push

# In the middle of a slug is the big file.
flip() { # flip SLUG…
    python3 - "$@" <<'END'
import sys
for name in sys.argv[1:]:
    with open(name, "r+b") as slug:
        middle = slug.seek(0, 2) // 2
        slug.seek(middle)
        byte = slug.read(1)[0]
        slug.seek(middle)
        slug.write(bytes([byte ^ 1]))
END
}
flip_here() { flip "$HOME"/.cache/shipit/push/example:hello/*.zst; }
flip_there() { flip "$SHIPIT_ROOT"/hello/releases/*.zst; }
# Pushes succeed from now on, and what is live is whole.
pushes_work() { # pushes_work GREETING
    expect_exit 0 push --retries 0
    expect_err "is damaged"
    expect_err "pushing once more, without what earlier pushes left here"
    expect_answer "$url" "$1, World!"
    expect_exit 0 push
    expect_out "Nothing changed"
    expect_not_in "is damaged"
    echo >>"$scratch/hello/server.py"
    expect_exit 0 push
    expect_not_in "is damaged"
    expect_answer "$url" "$1, World!"
}

# --- Here: in what is taken into the new slug, and in what the new is told by ---
flip_here
greet "Good morning"
pushes_work "Good morning"
flip_here
greet "Good day"
printf changed. | dd of="$scratch/hello/big" bs=1 seek=2000000 conv=notrunc status=none
pushes_work "Good day"

# --- There: in what is not sent because it is there, and in what the new is told by ---
flip_there
greet "Good evening"
pushes_work "Good evening"
flip_there
greet "Good night"
printf altered. | dd of="$scratch/hello/big" bs=1 seek=3000000 conv=notrunc status=none
pushes_work "Good night"

# --- There, told by whoever remembers nothing: nobody need say so ---
flip_there
greet "Hello again"
XDG_CACHE_HOME=$scratch/empty expect_exit 0 push
expect_answer "$url" "Hello again, World!"
expect_exit 0 push
