# Inputs made to hurt, from the table in this folder: each gets the exit status and the words that stand
# there, touches nothing else, and drives no terminal. Takes the arguments of hostile.py.
. "$(dirname "$0")/../e2e/lib.sh"
needs python3 zstd
reserve_port
mkdir "$scratch/rows"
if is_sanitized; then
    export SHIPIT_IS_SANITIZED=yes
fi
python3 "$tests/hostile/hostile.py" --scratch "$scratch/rows" --port "$port" "$@"
