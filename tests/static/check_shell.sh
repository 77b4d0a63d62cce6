#!/usr/bin/env bash
# Every shell script passes shellcheck.
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"
command -v shellcheck >/dev/null || { echo "skipped: there is no shellcheck here" && exit 77; }

shopt -s nullglob
scripts=(install.s[h] .ci/ru[n] tests/*.sh tests/static/*.sh)
[[ ${#scripts[@]} == 0 ]] || shellcheck --shell=bash "${scripts[@]}"
# Scenarios take their variables from lib.sh, which also sets -e, and call functions by name.
scenarios=(tests/e2e/*.sh tests/fault/*.sh tests/hostile/*.sh)
[[ ${#scenarios[@]} == 0 ]] ||
    shellcheck --shell=bash --exclude=SC1091,SC2034,SC2154,SC2164,SC2317 "${scenarios[@]}"
echo "check_shell: no complaint about $((${#scripts[@]} + ${#scenarios[@]})) scripts"
