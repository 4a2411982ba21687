#!/usr/bin/env bash
# Builds targets of one preset; builds wait for each other, so that parallel work on one checkout
# never compiles twice at once. Usage: tools/build.sh PRESET [TARGET…]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1; shift
mkdir -p build
exec 9>build/.lock
flock 9
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
exec cmake --build "build/$preset" ${1:+--target "$@"}
