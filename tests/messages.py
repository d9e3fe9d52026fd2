#!/usr/bin/env python3
"""Keeps places, values and shapes in messages to the functions that write them.

    messages.py SOURCE_ROOT

A message of the library names a place as an index from 0 (aenc_at, aenc_cell, aenc_element), a value by aenc_shown and its
like, a shape by aenc_dims or aenc_shape_text; one of the tool by tool_cell_text, tool_row_text, tool_line_text (from 1) and
tool_value. Reported are, in string literals, conversions of fractions and indices, rows and columns written by hand.
"""
import pathlib
import re
import sys

LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
MACRO = re.compile(r'"\s*PRI\w64\s*"')  # "row %" PRId64 is one text
FRACTION = r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?[lL]?[aefgAEFG]"
NUMBER = r"%(?:ll|l|z|j|t)?[diu]"
MESSAGE = re.compile(r"\b(?:aenc_fail|aenc_tape_fail|tool_fail|tool_usage|tool_note)\(")
# (what, pattern, files that may)
LIBRARY = [("a fraction", FRACTION, {"io/number_text.c"}),
           ("an index", r"\[%s\]|\[%s, " % (NUMBER, NUMBER), {"io/message_text.c"}),
           ("a row, column or element", r"\b(?:row|column|element) " + NUMBER, set()),
           # of a shape; what memory cannot hold is a count
           ("a shape as a count", NUMBER + r" elements", {"base/arena.c", "base/mem.c", "io/safetensors.c"})]
TOOL = [("a fraction", FRACTION, set()),
        ("a row or a cell", r"\b(?:row|element) %s|\bline %s, column|\bcolumn %s" % ((NUMBER,) * 3), {"cell.c"})]
# Of a table's shape and not of a cell in it: "ends after column 3".
ALLOWED = {"ends after column %zu"}


def calls(text):
    """The arguments of each call that writes a message, with the line on which it begins."""
    for match in MESSAGE.finditer(text):
        depth, at = 1, match.end()
        while depth > 0 and at < len(text):
            literal = LITERAL.match(text, at)
            if literal:
                at = literal.end()
                continue
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        yield text.count("\n", 0, match.start()) + 1, text[match.end():at]


def literals(text):
    """Adjacent literals are one text."""
    joined = re.sub(r'"\s*\n?\s*"', "", MACRO.sub("lld", text))
    return LITERAL.findall(joined)


def check(path, name, rules, whole):
    source = path.read_text()
    found = []
    parts = [(number, body) for number, body in calls(source)]
    if whole:  # texts that are put together before they become a message
        parts += [(number, line) for number, line in enumerate(source.splitlines(), 1) if "snprintf(" in line]
    for number, body in parts:
        for text in literals(body):
            for allowed in ALLOWED:
                text = text.replace(allowed, "")
            for what, pattern, files in rules:
                if name not in files and re.search(pattern, text):
                    found.append("%s:%d: %s is written by hand: \"%s\"" % (path, number, what, text))
    return found, len(parts)


def main(arguments):
    root = pathlib.Path(arguments[0]).resolve()
    found, count = [], 0
    for folder, rules, whole in ((root / "lib", LIBRARY, True), (root / "examples" / "autoenc", TOOL, False)):
        for path in sorted(folder.rglob("*.[ch]")):
            problems, texts = check(path, path.relative_to(folder).as_posix(), rules, whole)
            found += problems
            count += texts
    for text in found:
        print(text)
    print("%d messages, %d problems" % (count, len(found)))
    return 1 if found or count < 300 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
