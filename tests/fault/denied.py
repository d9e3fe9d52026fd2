#!/usr/bin/env python3
"""Shows that tests/layering.py can fail: for each function that the library must not call, an object that calls it.

    denied.py SOURCE_ROOT ARCHIVE COMPILER...

The object goes under the name of a file of lib/. The archive of the library itself must hold an object of every source file.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

DENIED = """malloc calloc realloc printf puts putchar fprintf vprintf perror fopen fwrite exit _Exit abort atexit getenv setenv
    setlocale localeconv rand srand time system signal longjmp strtok strerror sprintf""".split()
STATE = ["int counter = 1;", "static int counter; int next(void); int next(void) { return counter++; }"]


def layering(root, archive):
    answer = subprocess.run([sys.executable, str(root / "tests" / "layering.py"), str(root), str(archive)],
                            capture_output=True, text=True)
    return answer.returncode, answer.stdout


def archive_of(folder, compiler, text):
    source, made, archive = folder / "a.c", folder / "base_status.c.o", folder / "a.a"
    source.write_text(text)
    archive.unlink(missing_ok=True)
    subprocess.run(compiler + ["-w", "-O0", "-fno-builtin", "-c", str(source), "-o", str(made)], check=True)
    subprocess.run(["ar", "rc", str(archive), str(made)], check=True)
    return archive


def main(root, archive, compiler):
    failures = []
    held = subprocess.run(["ar", "t", archive], check=True, capture_output=True, text=True).stdout.split()
    sources = list((root / "lib").rglob("*.c"))
    for path in sources:
        name = re.escape("_".join(path.relative_to(root / "lib").parts))
        if not any(re.search(r"(^|[_/])%s\.o$" % name, member) for member in held):
            failures.append("%s has no object in the archive" % path)
    with tempfile.TemporaryDirectory() as folder:
        def verdict(text):
            return layering(root, archive_of(pathlib.Path(folder), compiler, text))
        status, output = verdict("int aenc_good(void); int aenc_good(void) { return 0; }")
        if status != 0:
            failures.append("an innocent object is reported: " + output)
        for name in DENIED:
            status, output = verdict("void %s(void); void aenc_bad(void) { %s(); }" % (name, name))
            if status == 0 or name not in output:
                failures.append("%s is not reported" % name)
        for text in STATE:
            status, output = verdict(text)
            if status == 0 or "no state of its own" not in output:
                failures.append("not reported: " + text)
    print("\n".join(failures))
    print("%d sources, %d functions, %d kinds of state, %d failures" % (len(sources), len(DENIED), len(STATE), len(failures)))
    return 1 if failures or not sources else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3:]))
