"""What the texts say: the tour, the code tables, nothing left for later, nobody's machine."""
import posixpath
import re
import subprocess
import sys

from cxx import functions

TOUR = "docs/tour.md"
TOUR_FILES = 7
# | 1 | [src/edge/connection.cc](../src/edge/connection.cc) | `Connection::on_readable` | ... |
_STATION = re.compile(r"^\| (\d+) \| \[([^\]]+)\]\([^)]*\) \| `([^`]+)` \|")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
# Written so that they don't find themselves.
_UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
_MACHINE_PATH = re.compile(r"(?<![\w.$}/~-])/(?:work|home|root|Users)/[\w.]")


def check_tour(tree):
    """docs/tour.md leads through seven files and functions, all of which exist."""
    if not tree.exists(TOUR):
        return [f"{TOUR} is missing"]
    findings, numbers = [], []
    for line, text in enumerate(tree.text(TOUR).splitlines(), 1):
        station = _STATION.match(text)
        if not station:
            continue
        number, path, function = station.groups()
        numbers.append(int(number))
        if not tree.exists(path):
            findings.append(f"{TOUR}:{line}: there is no {path}")
        elif function not in {found.name for found in functions(tree.text(path))}:
            findings.append(f"{TOUR}:{line}: {path} has no function {function}")
    if numbers != list(range(1, TOUR_FILES + 1)):
        findings.append(f"{TOUR}: its table has the stations {numbers}, not 1 to {TOUR_FILES}")
    return findings


def check_links(tree):
    """Every relative link of README.md and docs/ leads to a file or a folder."""
    findings = []
    for path in tree.paths:
        if not path.endswith(".md") or not (path.startswith("docs/") or "/" not in path):
            continue
        for line, text in enumerate(tree.text(path).splitlines(), 1):
            for target in _LINK.findall(text):
                if "://" in target or target.startswith("mailto:"):
                    continue
                place = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
                if not (tree.root / place).exists():
                    findings.append(f"{path}:{line}: the link to {target} leads nowhere")
    return findings


def check_codes(tree):
    """The tables of docs/protocol.md are those of proto/codes.json."""
    tool, page = tree.root / "tools/codes.py", tree.root / "docs/protocol.md"
    command = [sys.executable, tool, "docs", page, "--check"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return [run.stderr.strip().replace(f"{tree.root}/", "")] if run.returncode else []


def check_unfinished(tree):
    """Nothing is left for later in the sources."""
    return [
        f"{path}:{number}: {found.group(0)}"
        for path in tree.paths
        if path != "package-lock.json"
        for number, line in enumerate(tree.text(path).splitlines(), 1)
        for found in _UNFINISHED.finditer(line)
    ]


def check_places(tree):
    """No file names a path of somebody's machine, and the lock file no host."""
    findings = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in tree.paths
        for number, line in enumerate(tree.text(path).splitlines(), 1)
        if _MACHINE_PATH.search(line)
    ]
    if tree.exists("package-lock.json") and '"resolved"' in tree.text("package-lock.json"):
        findings.append("package-lock.json: names where its packages came from (see .npmrc)")
    return findings
