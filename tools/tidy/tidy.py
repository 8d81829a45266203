#!/usr/bin/env python3
"""Checks what the house style asks for and a tool can see: a rule that no tool checks drifts.

  tidy.py [--build build/release] [RULE...]

Prints `ok RULE` or `failed RULE` with what it found, and exits 1 if anything failed. --build is a
build with its generated headers; without it the rules that need one are left out, and said to be.
"""
import argparse
import pathlib
import sys
import time

import clang
import documents
import layers
import sizes
from tree import Tree

RULES = {
    "layers": layers.check_layers,
    "cycles": layers.check_cycles,
    "columns": sizes.check_columns,
    "functions": sizes.check_functions,
    "files": sizes.check_files,
    "tour": documents.check_tour,
    "links": documents.check_links,
    "codes": documents.check_codes,
    "unfinished": documents.check_unfinished,
    "places": documents.check_places,
    "format": clang.check_format,
}
BUILD_RULES = {"clang-tidy": clang.check_tidy}


def run_rule(name, check):
    """Runs one rule and prints its verdict; whether it held."""
    began = time.monotonic()
    findings = check()
    took = time.monotonic() - began
    verdict = "failed" if findings else "ok"
    print(f"{verdict} {name}" + (f" ({took:.0f} s)" if took > 1 else ""), flush=True)
    for finding in findings:
        print("  " + finding.replace("\n", "\n  "), flush=True)
    return not findings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, help="a configured build, for clang-tidy")
    parser.add_argument("rules", nargs="*", metavar="RULE", help=", ".join([*RULES, *BUILD_RULES]))
    arguments = parser.parse_args()
    unknown = set(arguments.rules) - RULES.keys() - BUILD_RULES.keys()
    if unknown:
        parser.error(f"no such rule: {', '.join(sorted(unknown))}")
    tree = Tree(pathlib.Path(__file__).resolve().parent.parent.parent)
    chosen = arguments.rules or [*RULES, *BUILD_RULES]
    held = True
    for name in chosen:
        if name in RULES:
            held &= run_rule(name, lambda check=RULES[name]: check(tree))
        elif arguments.build:
            build = arguments.build.resolve()
            held &= run_rule(name, lambda check=BUILD_RULES[name]: check(tree, build))
        else:
            print(f"skipped {name}: it needs --build")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
