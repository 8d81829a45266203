#!/usr/bin/env bash
# Everything that has to hold, in stages; stops at the first that doesn't, and says which.
#
#   test.sh              all of them, in the order below
#   test.sh STAGE...     only these
#
#   setup         what is missing of packages.txt and package-lock.json is installed
#   release       the release preset is built; its unit tests pass
#   headers       every header of src/ compiles alone
#   tidy          tools/tidy: layers, sizes, layout, names, documents; its own tests; the scripts
#   e2e           the release binary, real clients, a real browser
#   instructions  the instructions of fixed pieces of work don't grow; the microbenchmarks run
#   asan          the unit tests, and some of the end-to-end ones, under AddressSanitizer and
#                 UndefinedBehaviorSanitizer
#   tsan          the same end-to-end tests, and the unit tests that start threads, under
#                 ThreadSanitizer
#   fuzz          every fuzz target for MILLRACE_FUZZ_SECONDS (8)
#
# Each stage that ran leaves a line `stage passed failed` in build/test/totals, which .ci/run adds
# up.
#
# shellcheck disable=SC2317  # the stages are called by name
set -euo pipefail
SECONDS=0
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
readonly root out=$root/build/test
readonly all=(setup release headers tidy e2e instructions asan tsan fuzz)
jobs=$(nproc)
readonly jobs

# Whoever works on the machine meanwhile comes first.
renice -n 10 $$ >/dev/null 2>&1 || true

# record STAGE PASSED FAILED
record() { printf '%s %d %d\n' "$@" >>"$out/totals"; }

# Adds up one attribute over the GoogleTest reports of a preset.
sum_reports() {
  find "$out/$1" -name '*.xml' -exec grep -ho '<testsuites [^>]*' {} + |
    sed -n "s/.* $2=\"\([0-9]*\)\".*/\1/p" | awk '{ sum += $1 } END { print sum + 0 }'
}

# run_ctest PRESET [COMMAND...]: the test programs that `programs` matches, run by COMMAND, counted
# test by test.
programs=.
run_ctest() {
  local preset=$1 status=0 total failed
  shift
  rm -rf "${out:?}/$preset"
  mkdir -p "$out/$preset"
  GTEST_OUTPUT=xml:$out/$preset/ "$@" ctest --preset "$preset" -R "$programs" -j "$jobs" --no-tests=error || status=$?
  total=$(sum_reports "$preset" tests)
  failed=$(($(sum_reports "$preset" failures) + $(sum_reports "$preset" errors)))
  # A program that crashed left no report, but its failure counts.
  if ((status != 0 && failed == 0)); then
    failed=1 total=$((total + 1))
  fi
  record "$preset" $((total - failed)) "$failed"
  return "$status"
}

build() {
  local preset=$1
  shift
  cmake --preset "$preset" >"$out/configure-$preset.log" 2>&1 || {
    cat "$out/configure-$preset.log"
    return 1
  }
  grep -A2 'CMake Warning' "$out/configure-$preset.log" || true
  cmake --build --preset "$preset" -j "$jobs" "$@"
}

stage_setup() { tools/setup.sh build page test; }

stage_release() {
  build release
  run_ctest release
}

stage_headers() { build release --target headers_alone; }

stage_tidy() {
  local status=0 log=$out/tidy-unittest.log ran failed
  shellcheck tools/*.sh .ci/run bench/large_run
  python3 -m unittest discover -s tools/tidy -p '*_test.py' 2>&1 | tee "$log" || status=$?
  ran=$(sed -n 's/^Ran \([0-9]*\) test.*/\1/p' "$log")
  failed=$(sed -n 's/^FAILED (//p' "$log" | grep -oE '(failures|errors)=[0-9]+' |
    awk -F= '{ sum += $2 } END { print sum + 0 }' || true)
  record tidy-unittest $((${ran:-0} - failed)) "$failed"
  ((status == 0)) || return "$status"
  python3 tools/tidy/tidy.py --build build/release | tee "$out/tidy.log" || status=$?
  record tidy "$(grep -c '^ok ' "$out/tidy.log" || true)" "$(grep -c '^failed ' "$out/tidy.log" || true)"
  return "$status"
}

# run_node NAME FILE...: end-to-end tests, counted under that name; run by the command in `runner`,
# if that is set.
runner=()
run_node() {
  local name=$1 status=0 tap=$out/$1.tap
  shift
  # A test that left a server running would keep node waiting for ever.
  "${runner[@]}" timeout --kill-after=10 1800 node --test --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$tap" "$@" || status=$?
  record "$name" "$(sed -n 's/^# pass //p' "$tap")" \
    "$(sed -n 's/^# \(fail\|cancelled\) //p' "$tap" | awk '{ sum += $1 } END { print sum + 0 }')"
  return "$status"
}

stage_e2e() { run_node e2e tests/e2e/*.test.mjs; }

# Of the microbenchmarks only that they work: how fast they are is nobody's business on a busy
# machine.
stage_instructions() {
  local status=0 log=$out/instructions.log
  build release --target instructions benchmarks
  build/release/bench/micro/benchmarks --benchmark_min_time=0.001 >"$out/benchmarks.log"
  bench/instructions/check.py build/release/bench/instructions/instructions | tee "$log" || status=$?
  record instructions "$(grep -c '^ok ' "$log" || true)" "$(grep -c '^failed ' "$log" || true)"
  return "$status"
}

# The whole server under a sanitizer, with the tests that reach most of it in little time.
readonly sanitized=(tests/e2e/conversations.test.mjs tests/e2e/centrifuge_client.test.mjs
  tests/e2e/recovery.test.mjs tests/e2e/checker.test.mjs tests/e2e/server_side_connect.test.mjs)

stage_asan() {
  build asan --target unit_tests
  UBSAN_OPTIONS=print_stacktrace=1 run_ctest asan
  build asan --target millrace
  MILLRACE_BIN=build/asan/millrace run_node asan-e2e "${sanitized[@]}"
}

# gcc 12's ThreadSanitizer can't map its shadow where the kernel randomises addresses with more than
# 28 bits.
stage_tsan() {
  build tsan --target base_test net_test http_test millrace
  programs='^(base|net|http)_test$'
  if setarch --addr-no-randomize true 2>/dev/null; then
    runner=(setarch --addr-no-randomize)
  fi
  run_ctest tsan "${runner[@]}"
  MILLRACE_BIN=build/tsan/millrace run_node tsan-e2e "${sanitized[@]}"
}

stage_fuzz() {
  local status=0 log=$out/fuzz.log
  build fuzz --target fuzz_targets
  ctest --preset fuzz -j "$jobs" --no-tests=error | tee "$log" || status=$?
  record fuzz "$(grep -c ' Passed ' "$log" || true)" "$(grep -c '\*\*\*' "$log" || true)"
  return "$status"
}

# run_stage NAME: in a shell of its own, where a failing command ends the stage. Leaves its exit
# code in `status`, because a caller that tested it would switch off `set -e` in all of the stage.
run_stage() {
  local name=$1 began=$SECONDS
  printf '\n==> %s\n' "$name"
  set +e
  (
    set -e
    "stage_$name"
  )
  status=$?
  set -e
  durations+=("$(printf '%-12s %4d s' "$name" $((SECONDS - began)))")
  if ((status == 0)); then
    printf '<== %s passed in %d s\n' "$name" $((SECONDS - began))
    return
  fi
  # Where no test failed, the stage itself did: it did not build, or a tool is missing.
  grep -q "^$name.* [1-9][0-9]*$" "$out/totals" || record "$name" 0 1
  printf '<== %s FAILED after %d s\n' "$name" $((SECONDS - began))
}

main() {
  local -a stages=("$@") durations=()
  local name status=0
  ((${#stages[@]} > 0)) || stages=("${all[@]}")
  for name in "${stages[@]}"; do
    if [[ " ${all[*]} " != *" $name "* ]]; then
      printf 'test.sh: no stage %s; there are: %s\n' "$name" "${all[*]}" >&2
      exit 2
    fi
  done
  mkdir -p "$out"
  : >"$out/totals"
  for name in "${stages[@]}"; do
    run_stage "$name"
    ((status == 0)) || break
  done
  printf '\n'
  printf '%s\n' "${durations[@]}"
  if ((status == 0)); then
    printf 'all stages passed in %d s\n' "$SECONDS"
  else
    printf 'stage %s FAILED\n' "$name"
  fi
  exit "$status"
}

main "$@"
