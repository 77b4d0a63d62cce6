# A migration that fails, as the release command, leaves the old release serving.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/django.sh"

django_site
expect_exit 0 ship create mysite
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship deploy "$scratch/site" -m "First version"
first=$(readlink "$SHIPIT_ROOT/mysite/current")

mkdir -p "$scratch/site/shop/migrations"
touch "$scratch/site/shop/__init__.py" "$scratch/site/shop/migrations/__init__.py"
cat >"$scratch/site/shop/migrations/0001_initial.py" <<'END'
from django.db import migrations


def forwards(apps, schema_editor):
    raise RuntimeError("the customers table is not what it should be")


class Migration(migrations.Migration):
    operations = [migrations.RunPython(forwards)]
END
printf '\nINSTALLED_APPS += ["shop"]\n' >>"$scratch/site/mysite/settings.py"

expect_exit 3 ship deploy "$scratch/site" -m "A shop"
expect_in "the customers table is not what it should be"
expect_answer "$url" "Written for v1, running as v1"
expect_equal "$(readlink "$SHIPIT_ROOT/mysite/current")" "$first"
expect_exit 0 ship output v2
expect_out "Applying shop.0001_initial"
expect_exit 0 ship ps
expect_match "web\.1.*up"

# Put right, the same migration goes through.
sed -i 's/    raise .*/    pass/' "$scratch/site/shop/migrations/0001_initial.py"
expect_exit 0 ship deploy "$scratch/site" -m "A shop"
expect_answer "$url" "Written for v1, running as v3"
expect_exit 0 ship output v3
expect_match "Applying shop.0001_initial.*OK"
