#!/usr/bin/env python3
"""C in the documentation is C that the tests run: every statement of a ```c block stands, in order, in an example. Links between
pages and to pictures lead to files.

    docs.py SOURCE_ROOT
"""
import pathlib
import re
import sys


def lines_of(text):
    """Statements, wherever their lines are broken, without comments."""
    text = " ".join(re.sub(r"/\*.*?\*/", "", text, flags=re.S).split())
    return [part.strip() for part in re.split(r"(?<=[;{}])", text.replace("( ", "(")) if part.strip()]


def stands_in(block, example):
    place = 0
    for line in block:
        if line not in example[place:]:
            return False
        place = example.index(line, place) + 1
    return True


def main(root):
    examples = [lines_of(path.read_text()) for path in sorted((root / "examples").glob("*.c"))]
    blocks = problems = 0
    for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for block in re.findall(r"```c\n(.*?)```", page.read_text(), flags=re.S):
            blocks += 1
            if not any(stands_in(lines_of(block), example) for example in examples):
                problems += 1
                print("%s: no example has these lines:\n%s" % (page.relative_to(root), block))
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", re.sub(r"```.*?```", "", page.read_text(), flags=re.S)):
            if not (page.parent / target).exists():
                problems += 1
                print("%s: there is no %s" % (page.relative_to(root), target))
    print("%d blocks, %d problems" % (blocks, problems))
    return 1 if problems or not blocks else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
