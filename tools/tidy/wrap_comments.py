#!/usr/bin/env python3
"""Wraps comments that are too wide before clang-format does, which knows no hanging indents.

  wrap_comments.py FILE...     rewrites the files in place; `make format` calls it

Looks only at comments with a line that is too wide, and there only at the item that has it: a
paragraph, a list entry, or an entry like `Limits     what is bounded`, whose further lines stand
under its text. A comment behind code goes above its line.
"""
import pathlib
import re
import sys
import textwrap

from sizes import COLUMNS_MAX

_COMMENT = re.compile(r"^(?P<indent> *)//(?P<space> +)(?P<text>\S.*?)\s*$")
_ENTRY = re.compile(r"^(?P<lead>(?:[A-Z]\w*(?: \w+){0,2} {2,}|[-*] |\d\. ))\S")
_TRAILING = re.compile(r"^(?P<indent> *)(?P<code>\S.*?) +// (?P<text>\S.*?)\s*$")
_CONTINUED = re.compile(r"^ {8,}// (?P<text>\S.*?)\s*$")


def _hang(text):
    entry = _ENTRY.match(text)
    return len(entry.group("lead")) if entry else 0


def _wrap(indent, space, lead, text):
    start = f"{indent}//{space}"
    return textwrap.wrap(
        text, COLUMNS_MAX, initial_indent=start, subsequent_indent=start + " " * lead,
        break_long_words=False, break_on_hyphens=False, drop_whitespace=True,
    )


def _belongs(line, indent, space, lead):
    """The text of a line that goes on with an item with a lead this wide; None for another item."""
    found = _COMMENT.match(line)
    if not found or found["indent"] != indent or len(found["space"]) != len(space) + lead:
        return None
    return None if _hang(found["text"]) or not found["text"][0].isprintable() else found["text"]


def _wrap_items(lines):
    out, at = [], 0
    while at < len(lines):
        found = _COMMENT.match(lines[at])
        if not found:
            out.append(lines[at])
            at += 1
            continue
        indent, space, text = found["indent"], found["space"], found["text"]
        lead, end, parts = _hang(text), at + 1, [text]
        while end < len(lines) and (more := _belongs(lines[end], indent, space, lead)) is not None:
            parts.append(more)
            end += 1
        item = lines[at:end]
        # Pictures and samples are not prose: deeper than one blank, they stay.
        prose = len(space) == 1 or lead > 0
        out += _wrap(indent, space, lead, " ".join(parts)) if prose and _too_wide(item) else item
        at = end
    return out


def _too_wide(lines):
    return any(len(line) > COLUMNS_MAX for line in lines)


def _liftable(indent, code):
    """Whether `code` is code that the slashes behind it are no part of, and fits by itself."""
    in_string = code.count('"') % 2 == 1
    return not code.startswith("//") and not in_string and len(indent + code) <= COLUMNS_MAX


def _lift_trailing(lines):
    """Comments that stand behind code and make its line too wide go above it."""
    out, at = [], 0
    while at < len(lines):
        found = _TRAILING.match(lines[at]) if len(lines[at]) > COLUMNS_MAX else None
        if not found or not _liftable(found["indent"], found["code"]):
            out.append(lines[at])
            at += 1
            continue
        text, end = found["text"], at + 1
        while end < len(lines) and (more := _CONTINUED.match(lines[end])):
            text += " " + more["text"]
            end += 1
        out += _wrap(found["indent"], " ", 0, text) + [found["indent"] + found["code"]]
        at = end
    return out


def wrapped(text):
    """`text` with its comments wrapped; raw strings are code and keep theirs."""
    if 'R"' in text and re.search(r'R"[^(\s"]*\([^"]*//', text):
        return text
    return "\n".join(_wrap_items(_lift_trailing(text.split("\n"))))


def main():
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        before = path.read_text(encoding="utf-8")
        after = wrapped(before)
        if after != before:
            path.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
