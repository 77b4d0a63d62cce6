# A command is killed, or fails, at each of its system calls; what always holds holds, and the same
# command succeeds when it is run again. Takes the arguments of faults.py.
. "$(dirname "$0")/../e2e/lib.sh"
needs python3 zstd
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # there is none under ptrace(2)
"$SHIPIT_BUILD/tests/fault/fault_runner" -- "$SHIPIT_BIN" version >"$scratch/traced" ||
    skip "nothing can be traced here"
reserve_port
python3 "$tests/fault/faults.py" --scratch "$scratch" --port "$port" "$@"
