#!/usr/bin/env python3
"""Every public header compiles alone and before any other, without a warning.

    header.py INCLUDE_DIR LANGUAGE STANDARD COMPILER...        LANGUAGE: c, c++
"""
import pathlib
import subprocess
import sys
import tempfile

FLAGS = ["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
TWICE = """#include <autoenc/%s>
#include <autoenc/%s>
int main(void) { return 0; }
"""


def main(include, language, standard, *compiler):
    headers = sorted(path.name for path in (pathlib.Path(include) / "autoenc").glob("*.h"))
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "alone.c"
        for header in headers:
            source.write_text(TWICE % (header, header))
            command = [*compiler, "-x", language, "-std=" + standard, *FLAGS, "-I", include, str(source)]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode != 0:
                failed += 1
                print("%s as %s:\n%s" % (header, standard, result.stderr))
    print("%d headers as %s, %d failed" % (len(headers), standard, failed))
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
