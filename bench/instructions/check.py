#!/usr/bin/env python3
"""Counts the instructions of fixed pieces of work, and holds them against baseline.json.

  check.py PROGRAM [SCENARIO...]            exits 1 if one takes over 5 % more than in the baseline
  check.py PROGRAM [SCENARIO...] --record   makes what is counted now the baseline

PROGRAM is build/release/bench/instructions/instructions, of the target `instructions`. Each
scenario is run under callgrind, in a process of its own; what it wrote is kept beside PROGRAM for
callgrind_annotate. Instructions of the kernel are not counted, nor is how long each takes: those
are what bench/compare measures. But the counts are the same in every run, on a busy machine too.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

BASELINE = pathlib.Path(__file__).resolve().parent / "baseline.json"
TOLERANCE = 0.05


@dataclass(frozen=True)
class Count:
    instructions: float  # of one operation
    operation: str


def environment():
    """Nothing of the caller's: hash tables and what is laid out on the stack may depend on it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def fixed_addresses():
    """A command's prefix: tables of pointers iterate in the order of their addresses."""
    prefix = ["setarch", "--addr-no-randomize"]
    works = shutil.which(prefix[0]) and subprocess.run([*prefix, "true"], check=False,
                                                       capture_output=True).returncode == 0
    return prefix if works else []


def profile_of(program, name):
    return program.parent / f"callgrind.{name}.out"


def count(program, name):
    """Runs one scenario and returns its Count."""
    profile = profile_of(program, name)
    profile.unlink(missing_ok=True)
    command = [*fixed_addresses(), "valgrind", "--tool=callgrind", "--quiet", "--instr-atstart=no",
               f"--callgrind-out-file={profile}", program, name]
    run = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    said = re.fullmatch(r"(\d+) (\w+)\n", run.stdout)
    if run.returncode != 0 or not said:
        raise RuntimeError(f"{name} did not run: {run.stdout}{run.stderr}".strip())
    totals = re.search(r"^totals: (\d+)$", profile.read_text(encoding="utf-8"), re.MULTILINE)
    if not totals or int(totals.group(1)) == 0:
        raise RuntimeError(f"{name}: callgrind counted nothing")
    return Count(round(int(totals.group(1)) / int(said.group(1)), 1), said.group(2))


def made_with(program):
    """What the counts depend on besides the sources."""
    said = subprocess.run([program, "--compiler"], capture_output=True, text=True, check=True)
    cpu = pathlib.Path("/proc/cpuinfo")
    avx2 = cpu.is_file() and " avx2 " in cpu.read_text(encoding="utf-8")
    return {"compiler": said.stdout.strip(), "libc": " ".join(platform.libc_ver()),
            "machine": platform.machine() + (" with AVX2" if avx2 else "")}


def read_baseline():
    if not BASELINE.is_file():
        return {"made_with": {}, "scenarios": {}}
    return json.loads(BASELINE.read_text(encoding="utf-8"))


def write_baseline(program, counts, names):
    """Makes `counts` the baseline; others stay while there is a scenario of that name."""
    kept = {name: entry for name, entry in read_baseline()["scenarios"].items() if name in names}
    new = {name: {"per": each.operation, "instructions": each.instructions}
           for name, each in counts.items()}
    scenarios = dict(sorted({**kept, **new}.items()))
    BASELINE.write_text(json.dumps({"made_with": made_with(program), "scenarios": scenarios},
                                   indent=2) + "\n", encoding="utf-8")


def verdict(name, found, entry):
    """Whether it passed, and a line that says so."""
    text = f"{name}: {found.instructions:,} instructions per {found.operation}"
    if entry is None:
        return False, f"{text}; not in the baseline, add it with --record"
    growth = found.instructions / entry["instructions"] - 1
    text += f", {growth:+.1%} of {entry['instructions']:,}"
    if growth > TOLERANCE:
        return False, f"{text}: more than {TOLERANCE:.0%} over the baseline"
    if growth < -TOLERANCE:
        text += "; keep it that way with --record"
    return True, text


def compare(program, counts, names):
    baseline = read_baseline()
    passed = True
    for name, found in counts.items():
        held, text = verdict(name, found, baseline["scenarios"].get(name))
        print(f"{'ok' if held else 'failed'} {text}")
        passed &= held
    for name in sorted(baseline["scenarios"].keys() - set(names)):
        print(f"failed {name}: in the baseline, but there is no such scenario; see --record")
        passed = False
    if not passed:
        explain(program, baseline["made_with"])
    return passed


def explain(program, then):
    now = made_with(program)
    if now != then:
        print("The baseline was made with " + ", ".join(then.values()) + "; these counts with "
              + ", ".join(now.values()) + ".")
    print(f"Where they go: callgrind_annotate --inclusive=yes {profile_of(program, 'SCENARIO')}")
    print(f"If it has to be: {pathlib.Path(sys.argv[0])} {program} --record, and say why in the "
          "commit.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    parser.add_argument("--record", action="store_true", help="write baseline.json")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    listing = subprocess.run([program], capture_output=True, text=True, check=True)
    names = listing.stdout.split()
    unknown = set(arguments.scenarios) - set(names)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = arguments.scenarios or names
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(chosen, pool.map(lambda name: count(program, name), chosen)))
    if not arguments.record:
        return 0 if compare(program, counts, names) else 1
    write_baseline(program, counts, names)
    for name, found in counts.items():
        print(f"recorded {name}: {found.instructions:,} instructions per {found.operation}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
