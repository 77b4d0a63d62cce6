# `report` writes one page that tells of an app's releases, needs nothing but itself, and takes nothing that
# builds, people and logs say for HTML. Headless Chromium, where there is one, draws it for a phone and a desk.
. "$(dirname "$0")/lib.sh"
needs curl

hostile=$'<script>document.title="owned"</script>\xe2\x80\xae'
hello_is_live
expect_exit 0 ship set health.watch=300ms
printf 'topsecret%s' value | ship config set TOKEN 2>/dev/null
mkdir "$scratch/hello/static"
echo 1 >"$scratch/hello/static/<img src=x onerror=alert(1)>"
expect_exit 0 ship deploy "$scratch/hello" -m "$hostile"
rm "$scratch/hello/static"/*
echo 22 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello" -m "A build of its own"
expect_exit 0 ship rollback
sed -i 's/def greeting/def greting/' "$scratch/hello/server.py"
expect_exit 3 ship deploy "$scratch/hello" -m "Broken"
ship ps --json >"$scratch/processes"
kill -KILL "$(json "$scratch/processes" 'it[0]["pid"]')"
has_crashed() { grep -q '"exits":1' "$SHIPIT_ROOT/hello/releases/v5.evidence"; }
expect_soon 10 has_crashed

# --- One page ---

page=$scratch/report.html
expect_exit 0 ship report -o "$page"
expect_match "^Wrote .*/report.html: 6 of 6 releases, [0-9]+ KB"
expect_equal "$(stat -c %a "$page")" 600
text=$scratch/text
python3 "$tests/e2e/read_page.py" "$page" >"$text" || fail "the page is not whole, or not by itself"
says() { grep -qE -e "$1" "$text" || depth=1 fail "the page does not say: $1"; }
says '^<script>document.title="owned"</script>\\u202e$'
says '^\+ static/<img src=x onerror=alert\(1\)> \(2 B\)$'
says '^Different from v3: files: 1 added, 1 removed$'
says '^config var TOKEN added$'
says "^A build of its own$"
says "^rolled back by v5$"
says "^GET http://127.0.0.1:$port/healthz answered 500"
says "^v3 live from 20.* to 20"
says "^v5 live from 20.* until now$"
says "^v6 failed 20"
says "^v5: 1$" # restarts
for title in "What was live when" "Slug, packed" "Tree, unpacked" "Time to healthy" "Restarts" "Peak memory"; do
    says "^$title"
done
! grep -q topsecret "$page" || fail "a value of a config var is in the report"
grep -q '<meta name="viewport" content="width=device-width' "$page" || fail "nothing for phones"
grep -q 'prefers-color-scheme: dark' "$page" || fail "nothing for the dark"

# --- Where to ---

expect_exit 0 ship report -n 2 -o -
cp "$out" "$scratch/two.html"
python3 "$tests/e2e/read_page.py" "$scratch/two.html" >"$text" || fail "a part of the history is not whole"
says "^4 earlier releases are not shown"
cd "$scratch/home"
expect_exit 0 ship report --json
expect_equal "$(json "$out" 'it["file"], it["releases"], it["size"] > 10000')" "('hello-report.html', 6, True)"
[[ -s $scratch/home/hello-report.html ]] || fail "there is no hello-report.html"
expect_exit 2 ship report --json -o -
expect_exit 1 ship report -o /dev/null
expect_err "-o - writes the report to standard output"
[[ -c /dev/null ]] || fail "/dev/null was replaced"
expect_exit 1 ship report -o "$scratch/nowhere/report.html"
expect_err "writing the report of 'hello'"

# Damaged records are told of, and an app without releases has a page, too.
echo junk >"$SHIPIT_ROOT/hello/releases/v3.toml"
expect_exit 0 ship report -o "$scratch/damaged.html"
python3 "$tests/e2e/read_page.py" "$scratch/damaged.html" >"$text" || fail "a damaged record breaks the page"
says "v3.toml:1:5: cannot be understood"
expect_exit 0 ship create empty
expect_exit 0 ship -a empty report -o "$scratch/empty.html"
python3 "$tests/e2e/read_page.py" "$scratch/empty.html" >"$text"
says "^Nothing has been deployed.$"

# --- As a browser draws it ---

command -v chromium >/dev/null || {
    echo "not drawn: there is no chromium here"
    exit 0
}
in_chromium() { # in_chromium FILE OPTION…
    timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-background-networking \
        --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$scratch/chromium" \
        --allow-file-access-from-files "${@:2}" "file://$1" 2>"$scratch/chromium.log" ||
        depth=1 fail "chromium: $(tail -n 5 "$scratch/chromium.log")"
}
# As a phone and a desk have it, each in a frame: how wide it is, what colour is behind it, what it is called.
cat >"$scratch/frames.html" <<'END'
<body onload="for (const frame of document.querySelectorAll('iframe')) {
        const page = frame.contentDocument;
        const ground = frame.contentWindow.getComputedStyle(page.body).backgroundColor;
        const line = [frame.width, page.documentElement.scrollWidth, ground, page.title].join(' ');
        document.body.append(document.createTextNode('\n' + line + '\n'));
    }"><iframe src="report.html" width="390" height="800"></iframe><iframe src="report.html" width="1200"></iframe>
END
frames() { in_chromium "$scratch/frames.html" --dump-dom "$@" | grep -E '^(390|1200) '; }
expect_equal "$(frames)" "390 390 rgb(246, 247, 249) hello: report
1200 1200 rgb(246, 247, 249) hello: report"
expect_equal "$(frames --blink-settings=preferredColorScheme=0)" "390 390 rgb(20, 23, 27) hello: report
1200 1200 rgb(20, 23, 27) hello: report"

# To look at, with SHIPIT_KEEP=1.
for width in 390 1200; do
    in_chromium "$page" --window-size=$width,1600 --screenshot="$scratch/$width.png" >"$scratch/none"
    (($(stat -c %s "$scratch/$width.png") > 20000)) || fail "the screenshot shows nothing"
done
