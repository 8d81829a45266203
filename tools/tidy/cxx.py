"""Just enough of C++ to measure it: code without literals, where functions begin and end."""
import bisect
import re
from dataclasses import dataclass

_LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/"""
    r'''|R"(?P<raw>[^(\s"]*)\(.*?\)(?P=raw)"|"(?:\\.|[^"\\\n])*"'''
    r"""|(?P<number>\b\d[\w.']*)|'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"')
_TYPE = re.compile(
    r"(?:typedef\s+)?(class|struct|union)\b(?:\s*\[\[[^\]]*\]\])*\s*([\w:]*(?:<[^{]*>)?)")
_TEST_MACROS = ("TEST", "TEST_F", "TEST_P", "TYPED_TEST", "TYPED_TEST_P")


@dataclass(frozen=True)
class Function:
    name: str  # Class::function, without namespaces; Suite.name for a test
    first_line: int
    last_line: int

    @property
    def lines(self):
        return self.last_line - self.first_line + 1


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_literals(text):
    """`text` with comments and literals blanked; lines and columns stay where they were."""
    return _LITERAL.sub(lambda m: m.group(0) if m.group("number") else _blank(m.group(0)), text)


def without_directives(text):
    return _DIRECTIVE.sub(lambda m: _blank(m.group(0)), text)


def includes(text):
    """The #include "..." lines, as (line number, what is included), but for those in comments."""
    code = without_literals(text).splitlines()
    for number, line in enumerate(text.splitlines(), 1):
        found = _INCLUDE.match(line)
        if found and code[number - 1].lstrip().startswith("#"):
            yield number, found.group(1)


def _after_balanced(text, at, opening, closing):
    """The index behind the bracket that closes the one at `at`."""
    depth = 0
    while at < len(text):
        depth += (text[at] == opening) - (text[at] == closing)
        at += 1
        if depth == 0:
            break
    return at


def _without_template(head):
    """A declaration without its `template <...>` and the requires clause behind it."""
    head = head.strip()
    while True:
        if re.match(r"template\s*<", head):
            head = head[_after_balanced(head, head.index("<"), "<", ">"):].strip()
        elif re.match(r"requires\s*\(", head):
            head = head[_after_balanced(head, head.index("("), "(", ")"):].strip()
        else:
            return head


def _function_name(head, types):
    head = _without_template(head)
    operator = re.search(r"([\w:]*\boperator\s*(?:\(\)|[^\s(]+))\s*\(", head)
    if operator:
        name = re.sub(r"\s", "", operator.group(1))
    else:
        before = head[: head.index("(")]
        while re.search(r"<[^<>]*>", before):
            before = re.sub(r"<[^<>]*>", "", before)
        found = re.search(r"(~?\w+(?:\s*::\s*~?\w+)*)\s*(?:=\s*\[[^\]]*\]\s*)?$", before)
        name = re.sub(r"\s", "", found.group(1)) if found else "?"
        if name in _TEST_MACROS:
            arguments = head[head.index("(") + 1: head.rindex(")")]
            return ".".join(part.strip() for part in arguments.split(","))
    return "::".join([*types, name])


def _classify(head):
    """What a brace behind `head` opens: (kind, name of the type)."""
    declaration = _without_template(head)
    if re.match(r"(inline\s+)?namespace\b", declaration) or re.match(r"extern\s*$", declaration):
        return "scope", None
    type_head = re.sub(r"\b(alignas|__attribute__)\s*\(+[^()]*\)+", "", declaration)
    found = _TYPE.match(type_head)
    if found and "(" not in type_head:
        return "scope", re.sub(r"<.*", "", found.group(2)) or None
    if "(" not in declaration or re.search(r"=\s*$", declaration):
        return "braces", None
    in_initializers = re.search(r"\)\s*(noexcept\s*)?:(?!:)", declaration)
    if in_initializers and declaration[-1] not in ")}":
        return "braces", None
    return "function", None


def functions(text):
    """Every function with a body in namespaces and classes, in order.

    Lambdas and local classes are part of the function that they stand in.
    """
    code = without_directives(without_literals(text))
    line_starts = [0] + [match.end() for match in re.finditer("\n", code)]

    def line_of(index):
        return bisect.bisect_right(line_starts, index)

    found = []
    scopes = []  # the names of the classes around, None for a namespace
    head = at = depth = 0
    while at < len(code):
        char = code[at]
        at += 1
        depth += (char == "(") - (char == ")")
        if depth > 0:
            continue
        if char == ";":
            head = at
        elif char == ":" and re.fullmatch(r"\s*(public|private|protected)\s*:", code[head:at]):
            head = at
        elif char == "}":
            if scopes:
                scopes.pop()
            head = at
        elif char == "{":
            declaration = code[head: at - 1]
            kind, name = _classify(declaration)
            if kind == "scope":
                scopes.append(name)
                head = at
                continue
            at = _after_balanced(code, at - 1, "{", "}")
            if kind == "function":
                begin = head + len(declaration) - len(declaration.lstrip())
                types = [scope for scope in scopes if scope]
                name = _function_name(declaration, types)
                found.append(Function(name, line_of(begin), line_of(at - 1)))
                head = at
    return found
