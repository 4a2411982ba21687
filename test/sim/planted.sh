#!/usr/bin/env bash
# Shows that the simulation sees: each bug of test/sim/planted is put into a scratch copy of the tree,
# sim_test is built there, and some seed of it must fail. Without a bug none may.
#
# planted.sh          builds and runs, in build/planted; the seeds start at DEV_SEED (1)
# planted.sh --check  only whether every patch still applies
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
patches=(test/sim/planted/*.patch)
seeds_max=2000
first=${DEV_SEED:-1}

if [ "${1:-}" = --check ]; then
  failed=0
  for patch in "${patches[@]}"; do
    git apply --check "$patch" || { echo "$patch does not apply any more"; failed=1; }
  done
  exit $failed
fi

scratch=$PWD/build/planted
mkdir -p "$scratch/tree"
# The build of the copy is kept from run to run: only what differs is copied.
while IFS= read -r -d '' file; do
  cmp -s "$file" "$scratch/tree/$file" || install -D "$file" "$scratch/tree/$file"
done < <(git ls-files -co --exclude-standard -z -- CMakeLists.txt CMakePresets.json cmake src test fuzz bench)
cd "$scratch/tree"
export CCACHE_BASEDIR=$scratch/tree CCACHE_NOHASHDIR=1
# The copy lies in a checkout and is none.
export GIT_CEILING_DIRECTORIES=$scratch
# The same directories and flags as the release build has: ccache knows all but what is patched.
out=$PWD/build/release
cmake --preset release -DWEFT_BRIDGE=OFF -DWEFT_SERVER=OFF -DWEFT_BENCH=OFF >"$scratch/configure.log"

# The build's log is shown only when it fails.
run_seeds() {
  if ! cmake --build "$out" --target sim_test >"$scratch/build.log" 2>&1; then
    tail -n 30 "$scratch/build.log"
    exit 1
  fi
  WEFT_SIM_SEED=$first WEFT_SIM_SEEDS=$1 timeout 300 "$out/test/sim/sim_test" >"$scratch/run.log" 2>&1
}

if ! run_seeds 100; then
  tail -n 30 "$scratch/run.log"
  echo "0 passed, 1 failed: the simulation fails without a planted bug"
  exit 1
fi
missed=0
for patch in "${patches[@]}"; do
  name=$(basename "$patch" .patch)
  git apply "$patch"
  rc=0
  run_seeds $seeds_max || rc=$?
  git apply -R "$patch"
  how=$(grep -ao 'seed [0-9]* failed, number [0-9]* of this run' "$scratch/run.log" || echo "no seed, exit code $rc")
  if [ $rc -eq 0 ]; then
    missed=$((missed + 1))
    echo "MISSED $name: $seeds_max seeds from $first pass"
  else
    echo "caught $name: $how; $(grep -aA 12 'Failure$' "$scratch/run.log" | grep -avE 'Failure$|^(Value of|Expected| )' | head -n 1)"
  fi
done
echo "$((${#patches[@]} - missed)) passed, $missed failed: planted bugs"
[ $missed -eq 0 ]
