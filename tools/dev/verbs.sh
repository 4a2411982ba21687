# The verbs of ./dev that are made of stages.

verb_help() {
  cat <<'END'
./dev VERB: everything one does with this tree, on Debian 12

  setup [run|test|full]    install what the verb of that name needs; nothing when it is there
  run [flags of serve]     set up, build release and the page, start build/release/weft serve
  build [preset [target…]] compile: release (default), ci (ASan+UBSan), tsan, fuzz (clang-19)
  test                     what CI runs (.ci/run), stage by stage with times; reports/test.json
  check                    formatting, include directions, style
  full                     test, then what takes longer: crashes, an hour's soak, long fuzzing, tsan, bare machine
  full STAGE…              only those of its stages (sim planted chaos-100 chaos-control soak fuzz-full kafka-faults tsan
                           tidy bare, or those of test); reports/full-STAGE.json
  client                   the npm provider: build and tests (clients/js)
  e2e [flags]              the end-to-end scenarios alone (test/e2e/run.mjs)
  bench [flags]            beside the raw server and the peers (bench/run.py); reports/bench.json
  fuzz [seconds [name]]    every fuzzer (or those with that name) for so many seconds each (60)
  sim [seeds [first]]      the deterministic simulation of hubs; reports/sim.json
  sim --hours N            the same with fresh seeds for so long; or --seconds N
  planted                  bugs planted into copies of the tree: the simulation must see each
  chaos [rounds]           crashes under load (100); reports/chaos.json
  soak [minutes]           ordinary load (60): memory, threads and descriptors stay level; reports/soak.json
  fmt                      format the C++ sources in place
  tidy                     clang-tidy over src/
  clean                    remove build/ and installed Node packages

DEV_SEED=N repeats the random parts of test, client, e2e, sim and chaos.
END
}

verb_check() { run_single check check; }
verb_tidy() { verb_setup full; run_single tidy tidy; }
verb_fmt() { own_sources | xargs clang-format-19 -i; }
verb_e2e() { verb_setup test; tools/build.sh release weft weft-metered socketio_echo embedded_server; build_page; bash ./dev _stage e2e "$@"; }

verb_client() { verb_setup test; tools/build.sh release weft; run_single client client; }

# One stage as a verb, with its report.
run_single() {
  local verb=$1 begin
  shift
  begin=$(date +%s)
  run_stage "$@"
  finish "$verb" "$begin"
}

stages_of_test=(setup build-ci unit check oracle fuzz-short build-release sim-60s client e2e openapi browser chaos-5)
stages_of_full=(setup-full sim planted chaos-100 chaos-control soak fuzz-full kafka-faults tsan tidy bare)

# Without the tools or the programs the rest would only repeat the same failure.
run_stages() {
  local name broken=
  for name in "$@"; do
    if [ -n "$broken" ]; then
      stage_names+=("$name") stage_results+=(skipped) stage_seconds+=(0) stage_counts+=("")
      skip_lines+=("$name: $broken failed")
      continue
    fi
    run_stage "$name"
    case $name in setup* | build-*) [ "${stage_results[-1]}" = passed ] || broken=$name ;; esac
  done
}

verb_test() {
  local begin
  begin=$(date +%s)
  run_stages "${stages_of_test[@]}"
  finish test "$begin"
}

verb_full() {
  local begin
  begin=$(date +%s)
  if [ $# -gt 0 ]; then
    run_stages setup-full "$@"
    finish "full-$(IFS=-; echo "$*")" "$begin"
    return
  fi
  run_stages "${stages_of_test[@]}"
  if stages_ok; then run_stages "${stages_of_full[@]}"; fi
  finish full "$begin"
}

verb_fuzz() {
  local begin
  verb_setup test
  begin=$(date +%s)
  run_stage fuzz "$@"
  finish fuzz "$begin"
}
stage_fuzz() { run_fuzzers "${1:-60}" "${2:-}"; }

verb_chaos() { verb_setup test; run_single chaos chaos-100 "${1:-100}"; }
verb_soak() { verb_setup test; run_single soak soak "${1:-60}"; }
verb_sim() { verb_setup test; run_single sim sim "$@"; }
verb_planted() { verb_setup test; run_single planted planted; }

verb_bench() {
  verb_setup test
  tools/build.sh release
  use_node
  npm_ci bench/peers
  python3 bench/run.py "$@"
}

verb_clean() { rm -rf build web/dist web/node_modules test/e2e/node_modules test/e2e/browser/node_modules \
  test/yjs/oracle/node_modules bench/peers/node_modules clients/js/node_modules clients/js/dist; }
