# The main job: a real Django site is deployed, a broken version of it refused while the old one
# serves, a good one taken live, and both gone back from and gone forward to.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/django.sh"

view() { sed -i "$1" "$scratch/site/mysite/views.py"; }

django_site
expect_exit 0 ship create mysite
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship config set COLOUR=blue
expect_exit 0 ship deploy "$scratch/site" -m "First version"
expect_answer "$url" "Written for v1, running as v1 in blue."
expect_exit 0 ship output v1
expect_out "Applying auth.0001_initial"
expect_exit 0 /usr/bin/python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("select count(*) from django_migrations").fetchone())' \
    "$SHIPIT_ROOT/mysite/shared/data/db.sqlite3"

# v2: the view raises. Refused; v1 answers.
view 's/    return HttpResponse/    raise NameError("broken")\n&/'
expect_exit 3 ship deploy "$scratch/site" -m "Broken view"
expect_in "500"
expect_in "v1"
expect_answer "$url" "Written for v1, running as v1 in blue."
expect_equal "$(readlink "$SHIPIT_ROOT/mysite/current")" "releases/v1"

# v3: good, with another config var.
view '/raise NameError/d; s/Written for v1/Written for v3/'
expect_exit 0 ship config set --no-restart COLOUR=green
expect_exit 0 ship deploy "$scratch/site" -m "Better view"
expect_answer "$url" "Written for v3, running as v3 in green."

expect_exit 0 ship releases
expect_out "Current: v3"
expect_match "v3 .*Better view"
expect_match "v2 .*Broken view.*failed"
expect_match "v1 .*First version"
expect_exit 0 ship info v3
expect_out "Better view"
expect_out "gunicorn mysite.wsgi"
expect_out "COLOUR"
expect_exit 0 ship info v2 --json
expect_equal "$(json "$out" 'it["status"]')" failed

# Back: past v2, which never was good, to v1's page with v1's config vars.
expect_exit 0 ship rollback
expect_in "v4"
expect_answer "$url" "Written for v1, running as v4 in blue."
expect_exit 0 ship releases
expect_out "Current: v4"
expect_match "v4 .*Rollback to v1"
expect_exit 0 ship config get COLOUR
expect_equal "$(cat "$out")" blue

# And forth.
expect_exit 0 ship rollback v3
expect_answer "$url" "Written for v3, running as v5 in green."
expect_exit 0 ship info
expect_out "Rollback to v3"
expect_exit 0 ship verify
