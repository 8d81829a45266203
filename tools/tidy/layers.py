"""Which folder of src/ includes which: src/LAYERS, folder contracts, no cycles."""
import re

from cxx import includes

# Made by the build, as is every header with a template `.in`; only their own folder includes them.
GENERATED = ("model/codes_table.h",)


def read_layers(text):
    """{folder: the folders that it may include} of src/LAYERS."""
    layers = {}
    for line in text.splitlines():
        found = re.match(r"\d+ ([\w/]+):(.*)$", line)
        if found:
            layers[found.group(1)] = set(found.group(2).split())
    return layers


def folder_of(path, layers):
    """The longest folder of LAYERS that holds `path` (relative to src/), or None."""
    parent = path.rpartition("/")[0]
    while parent and parent not in layers:
        parent = parent.rpartition("/")[0]
    return parent or None


def _wrong_include(path, target, layers, tree):
    """What is wrong with `path` including `target` (both relative to src/), or None."""
    generated = target in GENERATED or tree.exists(f"src/{target}.in")
    if not generated and not tree.exists("src/" + target):
        return f'"{target}" is no header of src/ (includes are written from src/)'
    own, other = folder_of(path, layers), folder_of(target, layers)
    if own is None:
        return "src/LAYERS does not name its folder"
    if other == own:
        return None
    # A test, and what tests share, may put its folder together with any other.
    for_tests = path.endswith("_test.cc") or path.rpartition("/")[2].startswith("testing_")
    if other not in layers[own] and not for_tests:
        return f"src/LAYERS: {own} may not include {other}"
    contract = f"{other}/{other.rpartition('/')[2]}.h"
    # A conformance suite is a folder's other public header: for the tests of what implements it.
    suite = path.endswith("_test.cc") and target == contract.replace(".h", "_conformance.h")
    # What a folder has for the tests of others.
    shared = for_tests and target.rpartition("/")[2].startswith("testing_")
    if other != "base" and target != contract and not suite and not shared:
        return f'"{target}" is internal to {other}; from another folder include "{contract}"'
    return None


def check_layers(tree):
    """Includes follow src/LAYERS, and reach another folder by its contract only (base/ apart)."""
    layers = read_layers(tree.text("src/LAYERS"))
    findings = []
    for path in tree.under("src"):
        for line, target in includes(tree.text(path)):
            wrong = _wrong_include(path.removeprefix("src/"), target, layers, tree)
            if wrong:
                findings.append(f"{path}:{line}: {wrong}")
    return findings


def check_cycles(tree):
    """No header includes itself, by whatever way."""
    graph = {
        path.removeprefix("src/"): [target for _, target in includes(tree.text(path))]
        for path in tree.under("src", suffixes=(".h",))
    }
    findings, done, trail = [], set(), []

    def visit(header):
        if header in trail:
            findings.append("include cycle: " + " -> ".join([*trail[trail.index(header):], header]))
        elif header in graph and header not in done:
            trail.append(header)
            for target in graph[header]:
                visit(target)
            trail.pop()
            done.add(header)

    for header in graph:
        visit(header)
    return findings
