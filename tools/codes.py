#!/usr/bin/env python3
"""Makes C++ constants from proto/codes.json, and checks or rewrites the tables in docs/protocol.md.

  codes.py header OUT.h       write the C++ constants
  codes.py docs docs/protocol.md [--check]   rewrite the tables between the `codes:NAME` markers, or fail if they differ
"""
import json
import pathlib
import re
import sys

TABLE = pathlib.Path(__file__).resolve().parent.parent / "proto" / "codes.json"


def pascal(name):
    return "k" + "".join(part.capitalize() for part in name.split("_"))


def header(table):
    lines = ["// Made by tools/codes.py from proto/codes.json.", "#pragma once", "", "namespace millrace::model {", ""]
    for group, ctype in (("errors", "ReplyError"), ("disconnects", "Disconnect"), ("unsubscribes", "Unsubscribe")):
        lines.append(f"namespace {group} {{")
        for row in table[group]:
            fields = f'{row["code"]}, "{row.get("message", row.get("reason"))}"'
            if group == "errors":
                fields += ", true" if row.get("temporary") else ", false"
            lines.append(f"inline constexpr {ctype} {pascal(row['name'])}{{{fields}}};")
        lines.append(f"inline constexpr {ctype} kAll[] = {{")
        lines += [f"    {pascal(row['name'])}," for row in table[group]]
        lines += ["};", f"}}  // namespace {group}", ""]
    lines.append("}  // namespace millrace::model")
    return "\n".join(lines) + "\n"


def doc_rows(table, group):
    if group == "errors":
        rows = ["| code | message | temporary | meaning |", "|---|---|---|---|"]
        return rows + [f"| {r['code']} | {r['message']} | {'yes' if r.get('temporary') else ''} | {r['meaning']} |" for r in table[group]]
    rows = ["| code | reason | meaning |", "|---|---|---|"]
    return rows + [f"| {r['code']} | {r['reason']} | {r['meaning']} |" for r in table[group]]


def docs(table, path, check):
    text = before = path.read_text()
    for group in ("errors", "disconnects", "unsubscribes"):
        pattern = re.compile(rf"(<!-- codes:{group} -->\n).*?(<!-- /codes:{group} -->)", re.S)
        if not pattern.search(text):
            sys.exit(f"{path}: no markers for codes:{group}")
        text = pattern.sub(lambda m: m.group(1) + "\n".join(doc_rows(table, group)) + "\n" + m.group(2), text)
    if check:
        if text != before:
            sys.exit(f"{path}: its code tables differ from proto/codes.json; run tools/codes.py docs {path}")
    elif text != before:
        path.write_text(text)


def main():
    table = json.loads(TABLE.read_text())
    if sys.argv[1] == "header":
        pathlib.Path(sys.argv[2]).write_text(header(table))
    else:
        docs(table, pathlib.Path(sys.argv[2]), "--check" in sys.argv)


main()
