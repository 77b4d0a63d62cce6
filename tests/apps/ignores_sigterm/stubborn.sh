# Ignores SIGTERM, and has a child of its own session that ignores it too.
trap '' TERM
setsid bash -c 'trap "" TERM; while true; do sleep 1000; done' &
echo "running, with a child"
while true; do
    sleep 1000
done
