"""What clang's tools say: layout (clang-format) and names, pitfalls, waste (clang-tidy)."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

from cxx import includes
from sizes import FOLDERS

FORMAT = "clang-format-19"
TIDY = "clang-tidy-19"


def check_format(tree):
    """The sources are laid out as .clang-format says; `make format` does it."""
    if not shutil.which(FORMAT):
        return [f"{FORMAT} is missing"]
    paths = tree.under(*FOLDERS)
    if not paths:
        return []
    command = [FORMAT, "--dry-run", "-Werror", *paths]
    run = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=False)
    wrong = {}
    for line in run.stderr.splitlines():
        if "error:" in line:
            wrong.setdefault(line.partition(":")[0], []).append(line)
    findings = [f"{path}: {len(lines)} places; run make format" for path, lines in wrong.items()]
    return sorted(findings) or ([run.stderr.strip()] if run.returncode else [])


class Cache:
    """Remembers what passed: a file each, named by the hash of what the verdict depends on."""

    def __init__(self, tree, build):
        self._tree = tree
        self._build = build
        self._folder = tree.root / "build" / "tidy-cache"
        self._folder.mkdir(parents=True, exist_ok=True)
        version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True)
        self._common = version.stdout + tree.text(".clang-tidy")
        self._closures = {}

    def _read(self, header):
        """A header's text, from src/ or from what the build made; None for one of neither."""
        for place in (self._tree.root / "src", self._build / "generated"):
            if (place / header).is_file():
                return (place / header).read_text(encoding="utf-8")
        return None

    def _closure(self, text, seen):
        for _, header in includes(text):
            if header not in seen:
                seen[header] = self._read(header)
                if seen[header] is not None:
                    self._closure(seen[header], seen)
        return seen

    def marker(self, path, command):
        text = self._tree.text(path)
        parts = [self._common, command, path, text]
        for header, content in sorted(self._closure(text, {}).items()):
            parts += [header, content or ""]
        return self._folder / hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _run_tidy(tree, build, path):
    # Warnings are the build's; here they would only be clang's opinion of gcc's library.
    command = [TIDY, "-p", build, "--quiet", "--extra-arg=-w", path]
    run = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return None
    lines = [line.replace(f"{tree.root}/", "") for line in run.stdout.splitlines()]
    return "\n".join(line for line in lines if line.strip()) or run.stderr.strip()


def check_tidy(tree, build):
    """clang-tidy has nothing to say of any source of src/ that the build at `build` compiles."""
    database = build / "compile_commands.json"
    if not shutil.which(TIDY) or not database.is_file():
        return [f"{TIDY} or {database} is missing"]
    wanted = set(tree.under("src", suffixes=(".cc",)))
    cache, pending, findings = Cache(tree, build), {}, []
    for entry in json.loads(database.read_text()):
        path = os.path.relpath(pathlib.Path(entry["directory"], entry["file"]), tree.root)
        if path in wanted:
            wanted.discard(path)
            marker = cache.marker(path, entry["command"])
            if not marker.exists():
                pending[path] = marker
    findings += [f"{path}: no build compiles it" for path in sorted(wanted)]
    # The largest first, so that no core ends up alone with one.
    order = sorted(pending, key=lambda path: -len(tree.text(path)))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, finding in zip(order, pool.map(lambda path: _run_tidy(tree, build, path), order)):
            if finding:
                findings.append(finding)
            else:
                pending[path].touch()
    return findings
