"""How wide, how long: lines, functions, files."""
import re

from cxx import functions

COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
CONTRACT_LINES_MAX = 350
ALLOW_LIST = "tools/tidy/allow_long_functions.txt"
FOLDERS = ("src", "fuzz", "bench", "sim")
SOURCES = (".h", ".cc", ".py", ".mjs", ".ts", ".js", ".sh")


def check_columns(tree):
    """No line of C++ is wider than 100 columns (code points)."""
    return [
        f"{path}:{number}: {len(line)} columns, {COLUMNS_MAX} at most"
        for path in tree.under(*FOLDERS)
        for number, line in enumerate(tree.text(path).splitlines(), 1)
        if len(line) > COLUMNS_MAX
    ]


def read_allow_list(text):
    """{(path, function): lines} of the allow-list, whose lines are `path function lines  # why`."""
    allowed = {}
    for line in text.splitlines():
        fields = line.partition("#")[0].split()
        if fields:
            path, function, lines = fields
            allowed[path, function] = int(lines)
    return allowed


def check_functions(tree):
    """No function is longer than 70 lines, but those of the allow-list, which only shrinks."""
    allowed = read_allow_list(tree.text(ALLOW_LIST))
    findings, used = [], set()
    for path in tree.under(*FOLDERS):
        for function in functions(tree.text(path)):
            if function.lines <= FUNCTION_LINES_MAX:
                continue
            limit = allowed.get((path, function.name))
            where = f"{path}:{function.first_line}: {function.name} has {function.lines} lines"
            if limit is None:
                findings.append(f"{where}, {FUNCTION_LINES_MAX} at most")
                continue
            used.add((path, function.name))
            if function.lines > limit:
                findings.append(f"{where}, more than the {limit} of {ALLOW_LIST}")
            elif function.lines < limit:
                findings.append(f"{where}; lower the {limit} of {ALLOW_LIST} to it")
    for path, name in allowed.keys() - used:
        findings.append(f"{ALLOW_LIST}: {path} {name} is not too long any more; take it off")
    return sorted(findings)


def _is_contract(path):
    """src/hub/hub.h, src/broker/memory/memory.h: the header that has its folder's name."""
    return re.fullmatch(r"src/(?:\w+/)*(\w+)/\1\.h", path) is not None


def check_files(tree):
    """No source file is longer than 800 lines, no folder's contract longer than 350."""
    findings = []
    for path in tree.under(*FOLDERS, "tests", "tools", "clients", suffixes=SOURCES):
        lines = tree.text(path).count("\n")
        limit = CONTRACT_LINES_MAX if _is_contract(path) else FILE_LINES_MAX
        if lines > limit:
            findings.append(f"{path}: {lines} lines, {limit} at most")
    return findings
