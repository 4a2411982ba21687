# Shared by the pieces of ./dev: messages, stages with captured logs, reports.

logs=build/logs
stage_names=() stage_results=() stage_seconds=() stage_counts=() skip_lines=()

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { echo "dev: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
commit_id() { git rev-parse --short=12 HEAD 2>/dev/null || echo unknown; }

# What a runner says about itself on its closing line(s): ctest's, ours, and nothing else.
closing_lines() {
  grep -aE '^(seed [0-9]+|[0-9]+ passed, [0-9]+ failed|[0-9]+% tests passed|gtest cases:|fuzz:|chaos:|soak:|sim:)' "$1" | tail -n 4 || true
}

# run_stage NAME [ARG…]: runs stage_NAME with its output in build/logs/NAME.log; exit code 77 means
# skipped, and the reason is the log's last line. Never ends the caller: the summary decides.
run_stage() {
  local name=$1 log begin seconds rc=0 result line
  log=$logs/$name.log
  mkdir -p "$logs"
  say "$name"
  begin=$(date +%s)
  bash ./dev _stage "$@" >"$log" 2>&1 || rc=$?
  seconds=$(($(date +%s) - begin))
  case $rc in
    0) result=passed ;;
    77) result=skipped; skip_lines+=("$name: $(tail -n 1 "$log")") ;;
    *) result=failed ;;
  esac
  while IFS= read -r line; do skip_lines+=("$name: ${line#SKIP }"); done < <(grep -a '^SKIP ' "$log" || true)
  if [ $result = failed ]; then
    echo "--- the end of $log"
    tail -n 60 "$log"
    echo "---"
  fi
  closing_lines "$log" | sed "s/^/    /"
  printf '    %s %s in %s s\n' "$name" "$result" "$seconds"
  stage_names+=("$name")
  stage_results+=("$result")
  stage_seconds+=("$seconds")
  stage_counts+=("$(closing_lines "$log" | tr '\n' ';' | tr -d '"\\')")
}

stages_ok() { [[ " ${stage_results[*]} " != *" failed "* ]]; }

# Prints the table, writes reports/VERB.json, returns non-zero when a stage failed.
finish() {
  local verb=$1 begin=$2 i passed=0 failed=0 skipped=0 total
  total=$(($(date +%s) - begin))
  echo
  printf '%-14s %8s  %s\n' stage seconds result
  for i in "${!stage_names[@]}"; do
    printf '%-14s %8s  %s\n' "${stage_names[i]}" "${stage_seconds[i]}" "${stage_results[i]}"
    case ${stage_results[i]} in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) ;;
      *) failed=$((failed + 1)) ;;
    esac
  done
  if [ ${#skip_lines[@]} -gt 0 ]; then
    echo "skipped, with reasons:"
    printf '  %s\n' "${skip_lines[@]}"
  else
    echo "nothing skipped"
  fi
  write_report "$verb" "$total" "$passed" "$failed" "$skipped"
  echo "stages of ./dev $verb in $total s (reports/$verb.json):"
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
}

write_report() {
  local verb=$1 total=$2 passed=$3 failed=$4 skipped=$5 i separator=""
  mkdir -p reports
  {
    printf '{\n  "verb": "%s",\n  "commit": "%s",\n  "date": "%s",\n' "$verb" "$(commit_id)" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    printf '  "seconds": %s,\n  "passed": %s,\n  "failed": %s,\n  "skipped": %s,\n' "$total" "$passed" "$failed" "$skipped"
    printf '  "seed": "%s",\n  "stages": [' "${DEV_SEED:-}"
    for i in "${!stage_names[@]}"; do
      printf '%s\n    {"name": "%s", "result": "%s", "seconds": %s, "closing": "%s"}' "$separator" \
        "${stage_names[i]}" "${stage_results[i]}" "${stage_seconds[i]}" "${stage_counts[i]}"
      separator=,
    done
    printf '\n  ]\n}\n'
  } >"reports/$verb.json.tmp"
  mv "reports/$verb.json.tmp" "reports/$verb.json"
}

# Hash of files, by content and name: a stamp that says whether a derived thing is out of date.
content_hash() { find "$@" -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-32; }
