# The stages of `./dev test` and `./dev full`. Each runs in a shell of its own (see run_stage);
# exit code 77 and a last line with the reason mean skipped.

fuzz_seconds_short=10
fuzz_seconds_full=600

test_tools() { use_node || die "no Node: ./dev setup test"; }
skip() { echo "$*"; exit 77; }

stage_setup() { verb_setup "${1:-test}"; }
stage_setup_full() { verb_setup full; }
stage_build_ci() { tools/build.sh ci; }
stage_build_release() {
  tools/build.sh release weft weft-metered socketio_echo embedded_server unsynced_interposer
  build_page
}

# Besides ctest's own lines: how many GoogleTest cases ran, and which were skipped and why.
run_ctest() {
  local preset=$1 rc=0 out=$logs/ctest-$1.txt
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -LE long -j 2 -V >"$out" 2>&1 || rc=$?
  if [ $rc -ne 0 ]; then
    grep -aE -A 4 '^[0-9]+: (.*Failure$|\[  FAILED  \] .*ms\)$|.*ERROR: |SUMMARY: )' "$out" | head -n 80 || true
    sed -n '/^The following tests FAILED/,$p' "$out"
  fi
  awk '{ sub(/^[0-9]+: /, "") } reason == "?" { reason = $0 } /: Skipped$/ { reason = "?" }
       /^\[  SKIPPED \] .* ms\)$/ { print "SKIP " $4 ": " reason; reason = "" }' "$out"
  grep -aE '^[0-9]+% tests passed' "$out" || true
  awk '/\[  PASSED  \] [0-9]+ test/ { for (i = 1; i < NF; i++) if ($i == "]") passed += $(i + 1) }
       /\[  SKIPPED \] [0-9]+ test/ { for (i = 1; i < NF; i++) if ($i == "]") skipped += $(i + 1) }
       END { printf "gtest cases: %d passed, %d skipped\n", passed, skipped }' "$out"
  return $rc
}

stage_unit() { run_ctest ci; }

own_sources() { git ls-files -co --exclude-standard -- 'src/**' 'test/**' 'fuzz/**' 'bench/**' 'examples/**' | grep -E '\.(h|cc|c)$'; }

# All checks run, whichever fails.
stage_check() {
  local failed=0 name script
  own_sources | xargs clang-format-19 --dry-run --Werror || failed=1
  echo "format: $(own_sources | wc -l) files"
  if have cargo && cargo fmt --version >/dev/null 2>&1; then
    cargo fmt --manifest-path rust/bridge/Cargo.toml --check || failed=1
  fi
  for name in includes style; do
    python3 "test/tools/check_$name.py" --self-test || failed=1
    python3 "test/tools/check_$name.py" || failed=1
  done
  for script in dev .ci/run tools/*.sh tools/dev/*.sh test/sim/*.sh; do bash -n "$script" || failed=1; done
  return $failed
}

stage_oracle() {
  test_tools
  node test/yjs/oracle/run.mjs --server build/ci/test/yjs/yjs_oracle_server --python build/tools/py/bin/python \
    --seed "${DEV_SEED:-1}" --rounds "${DEV_ORACLE_ROUNDS:-150}"
}

# Every fuzzer of the tree for so many seconds each, two at a time, its corpus kept in build/corpus.
run_fuzzers() {
  local seconds=$1 only=${2:-} fuzzer name targets failed=0 count=0
  tools/build.sh fuzz fuzzers
  mapfile -t targets < <(find build/fuzz -type f -executable -name "fuzz_*$only*" -not -name '*.*' | sort)
  [ ${#targets[@]} -gt 0 ] || die "no fuzzer was built"
  mkdir -p build/crashes
  # shellcheck disable=SC2016
  printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c '
    name=$(basename "$1"); corpus=build/corpus/$name; mkdir -p "$corpus"
    seeds=; [ -d "fuzz/corpus/$name" ] && seeds=fuzz/corpus/$name
    "$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="build/crashes/$name-" \
      "$corpus" $seeds >"build/logs/$name.log" 2>&1
    echo $? >"build/logs/$name.rc"' fuzz {} "$seconds"
  for fuzzer in "${targets[@]}"; do
    name=$(basename "$fuzzer")
    count=$((count + 1))
    if [ "$(cat "build/logs/$name.rc")" != 0 ]; then
      failed=$((failed + 1))
      echo "FAILED $name"
      tail -n 40 "build/logs/$name.log"
    else
      echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/logs/$name.log") executions"
    fi
  done
  echo "fuzz: $((count - failed)) passed, $failed failed, $seconds s each"
  [ $failed -eq 0 ]
}

stage_fuzz_short() { run_fuzzers $fuzz_seconds_short; }
stage_fuzz_full() { run_fuzzers $fuzz_seconds_full; }

stage_e2e() {
  test_tools
  node test/e2e/run.mjs --weft build/release/weft --web web/dist --python build/tools/py/bin/python \
    --unsynced build/release/test/support/libunsynced.so \
    ${DEV_SEED:+--seed "$DEV_SEED"} "$@"
}

# The provider: its units, and each of its transports against the real server.
stage_client() {
  test_tools
  build_client
  (cd clients/js && npm run --silent size -- --check)
  (cd clients/js && WEFT=${WEFT:-../../build/release/weft} npm test --silent)
}

# Runs a command with the URL of a scratch server as its last argument.
with_server() {
  local scratch port server rc=0
  scratch=$(mktemp -d)
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  build/release/weft serve --listen "127.0.0.1:$port" --data "$scratch/data" --web web/dist --net.compression on \
    --backup_directory "$scratch/backups" --http.cors_origins https://friend.example >"$scratch/log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    curl -sf -o "$scratch/ready" "http://127.0.0.1:$port/readyz" && break
    kill -0 $server 2>/dev/null || break
    sleep 0.1
  done
  "$@" "http://127.0.0.1:$port" || rc=$?
  [ $rc -eq 0 ] || tail -n 20 "$scratch/log"
  kill $server 2>/dev/null || true
  wait $server || true
  rm -rf "$scratch"
  return $rc
}

stage_browser() {
  test_tools
  mkdir -p build/screenshots
  with_server node test/e2e/browser/run.mjs --screenshots build/screenshots --chromium /usr/bin/chromium --url
}

# The server against docs/openapi.yaml; the same requests for the same seed.
stage_openapi() {
  with_server build/tools/py/bin/python test/e2e/openapi/run.py --seed "${DEV_SEED:-1}" "$@"
}

run_chaos() {
  test_tools
  tools/build.sh release weft weft-metered unsynced_interposer
  node test/e2e/chaos.mjs --weft build/release/weft --unsynced build/release/test/support/libunsynced.so \
    ${DEV_SEED:+--seed "$DEV_SEED"} "$@"
}

stage_chaos_5() { run_chaos --rounds 5; }
stage_chaos_100() { run_chaos --rounds "${1:-100}" --report reports/chaos-rounds.json; }
# The negative control: without durability the same crash must lose something, or the test is blind.
stage_chaos_control() { run_chaos --rounds 5 --durability memory --crash discard --expect-loss; }

# Minutes of ordinary load: memory, threads and descriptors stay level.
stage_soak() {
  test_tools
  tools/build.sh release weft
  node test/e2e/soak.mjs --weft build/release/weft --minutes "${1:-60}" --report reports/soak-figures.json \
    ${DEV_SEED:+--seed "$DEV_SEED"}
}

# The deterministic simulation of hubs: SEEDS [FIRST], or --hours N or --seconds N of fresh seeds.
# The unit stage runs a few seeds, the same each time.
run_sim() {
  local what=WEFT_SIM_SEEDS=${1:-2000} first=${2:-${DEV_SEED:-1}}
  case ${1:-} in
    --hours) what=WEFT_SIM_SECONDS=$(awk -v hours="$2" 'BEGIN { print int(hours * 3600) }') first= ;;
    --seconds) what=WEFT_SIM_SECONDS=$2 first= ;;
  esac
  # Fresh seeds are different ones every day, and can be repeated: the first one is printed.
  [ -n "$first" ] || first=${DEV_SEED:-$(date +%s%3N)}
  tools/build.sh release sim_test
  echo "seed $first"
  env "$what" "WEFT_SIM_SEED=$first" build/release/test/sim/sim_test
}

stage_sim() { run_sim "$@"; }
stage_sim_60s() { run_sim --seconds 60; }
# Bugs planted into scratch copies: the simulation must see each.
stage_planted() { test/sim/planted.sh; }

# The log on a Kafka that is killed, stands still, or forgets.
stage_kafka_faults() {
  tools/build.sh ci log_kafka_faults_test
  build/ci/test/log/log_kafka_faults_test
}

stage_tsan() {
  tools/build.sh tsan
  run_ctest tsan
}

# What the compilers' own warnings do not find; the rest of clang-tidy is taste.
tidy_checks='-*,clang-analyzer-*,bugprone-use-after-move,bugprone-dangling-handle,performance-*'
tidy_checks+=',-performance-enum-size,-performance-avoid-endl'

stage_tidy() {
  tools/build.sh ci
  own_sources | grep '^src/.*\.cc$' | xargs -P 2 -n 4 clang-tidy-19 -p build/ci --quiet \
    --extra-arg=-Wno-unknown-warning-option --checks="$tidy_checks" --warnings-as-errors='*'
  if cargo clippy --version >/dev/null 2>&1; then
    CARGO_TARGET_DIR=build/clippy cargo clippy --manifest-path rust/bridge/Cargo.toml --locked -- -D warnings
  else
    echo "SKIP clippy: this machine's cargo comes without it"
  fi
}

stage_bare() { tools/bare.sh; }
