# A Django site for the scenarios that deploy one; sourced after lib.sh. Not a scenario.
# shellcheck shell=bash

needs curl gunicorn
/usr/bin/python3 -c 'import django' 2>/dev/null || skip "there is no python3-django here"

# Sets `url`, makes $scratch/site by django-admin startproject and gives it a page, which tells the
# release and a config var, and settings as for a host.
django_site() {
    reserve_port
    url=http://127.0.0.1:$port/
    mkdir "$scratch/site"
    /usr/bin/python3 -m django startproject mysite "$scratch/site"
    cat >"$scratch/site/mysite/views.py" <<'END'
import os

from django.http import HttpResponse


def home(request):
    release, colour = os.environ["SHIPIT_RELEASE"], os.environ.get("COLOUR", "no colour")
    return HttpResponse(f"Written for v1, running as {release} in {colour}.\n")
END
    cat >"$scratch/site/mysite/urls.py" <<'END'
from django.urls import path

from mysite.views import home

urlpatterns = [path("", home)]
END
    cat >>"$scratch/site/mysite/settings.py" <<'END'

ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
DATABASES["default"]["NAME"] = BASE_DIR / "data" / "db.sqlite3"
END
    cat >"$scratch/site/shipit.toml" <<'END'
[processes]
web = "gunicorn mysite.wsgi --bind 127.0.0.1:$PORT --workers 2"

[release]
command = "/usr/bin/python3 manage.py migrate --noinput"

[health]
path = "/"
timeout = "30s"
watch = "2s"

[app]
shared = ["data"]
END
}
