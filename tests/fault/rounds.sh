# Three clients at once deploy, go back, set config vars, prune, restart and kill, in random rounds. Takes the
# arguments of rounds.py.
. "$(dirname "$0")/../e2e/lib.sh"
needs python3 zstd
reserve_port
python3 "$tests/fault/rounds.py" --scratch "$scratch" --port "$port" "$@"
