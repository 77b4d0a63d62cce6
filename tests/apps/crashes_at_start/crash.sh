echo "no database to talk to" >&2
exit 1
