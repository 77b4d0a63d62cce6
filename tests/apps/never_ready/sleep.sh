echo "thinking about it"
exec sleep 1000
