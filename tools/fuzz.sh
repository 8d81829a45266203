#!/usr/bin/env bash
# Runs one fuzz target: first everything it ever failed on, then new inputs grown from its corpus.
#
#   fuzz.sh PROGRAM NAME [SECONDS]     SECONDS defaults to $MILLRACE_FUZZ_SECONDS, or 8
#
# The corpus in the repository is only read: it is copied, and what the run adds to the copy goes
# with it. An input that fails is left in build/fuzz/failures/NAME-*; fix it, and keep it in
# fuzz/regressions/NAME/.
set -euo pipefail

program=$1
name=$2
seconds=${3:-${MILLRACE_FUZZ_SECONDS:-8}}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

failures=$root/build/fuzz/failures
mkdir -p "$failures"
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT

flags=(-timeout=10 -rss_limit_mb=2048 "-artifact_prefix=$failures/$name-")
if [[ -d $root/fuzz/regressions/$name ]]; then
  mapfile -d '' -t regressions < <(find "$root/fuzz/regressions/$name" -type f -print0)
  if ((${#regressions[@]} > 0)); then
    "$program" "${flags[@]}" "${regressions[@]}"
  fi
fi
if [[ -d $root/fuzz/corpus/$name ]]; then
  cp -R "$root/fuzz/corpus/$name/." "$corpus"
fi
"$program" "${flags[@]}" -max_total_time="$seconds" -print_final_stats=1 "$corpus"
