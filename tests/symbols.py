#!/usr/bin/env python3
"""What the library shows of itself is what its headers say, and what it needs is what it may need.

    symbols.py map MAP HEADER...               the version script lists the functions of the headers, no more, no less
    symbols.py write MAP HEADER...             writes it
    symbols.py exports LIBRARY HEADER...       the shared library exports the same
    symbols.py needs LIBRARY CBLAS             it needs libc, libm, threads and a CBLAS; CBLAS is the name it was found by
    symbols.py size LIBRARY LIMIT              stripped, it has fewer bytes than LIMIT
    symbols.py frozen TEST HEADER...           every struct member and enum constant of the headers has a line in TEST
    symbols.py called FOLDER HEADER...         every function of the headers is called by a C file of FOLDER
    symbols.py refused FOLDER HEADER...        every function of the headers that returns a status is called wrongly by a file
                                               of FOLDER, in a row WRONG(function(...), ...) or, without a message, MUTE
    symbols.py reentered FOLDER HEADER...      every function that returns a status is called within a callback by a file of FOLDER
    symbols.py used FOLDER HEADER...           every function that accepts a model or a detector is called by a file of the
                                               target `structure` of FOLDER
"""
import pathlib
import re
import subprocess
import sys
import tempfile

NEEDS = r"libc\.so\.\d+|libc\.musl-.*|libm\.so\.\d+|libpthread\.so\.\d+|libgcc_s\.so\.\d+|ld-linux.*"
CBLAS = r"lib(\w*blas\w*|blis[\w-]*|mkl_\w+|%s)([\w.-]*)\.so[\d.]*"

# What has no context to write a message to; the runner's own is looked at elsewhere in the same test.
MUTE = {"aenc_context_create", "aenc_runner_run", "aenc_runner_run_arrays", "aenc_runner_refresh"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def plain_text(header):
    """A header without comments and preprocessor lines."""
    text = re.sub(r"/\*.*?\*/", " ", pathlib.Path(header).read_text(), flags=re.S)
    return re.sub(r"^\s*#.*?(?<!\\)$", " ", text, flags=re.S | re.M)


def declared(headers):
    """The functions that the headers declare with AENC_API."""
    names = set()
    for header in headers:
        names.update(re.findall(r"\bAENC_API\b[^;{}]*?\b(aenc_\w+)\s*\(", plain_text(header)))
    return names


def laid_out(headers):
    """The structs that callers see into, as "struct" and "struct.member", and the constants of enums."""
    names = set()
    for header in headers:
        text = plain_text(header)
        for body, struct in re.findall(r"typedef struct \w* ?\{(.*?)\} (\w+);", text, flags=re.S):
            names.add(struct)
            for declaration in filter(str.strip, body.split(";")):
                pointer = re.search(r"\(\*(\w+)\)\s*\(", declaration)
                members = [pointer.group(1)] if pointer else re.findall(r"(\w+)\s*(?:\[\w+\])?\s*(?:,|$)", declaration)
                names.update("%s.%s" % (struct, member) for member in members)
        for body in re.findall(r"\benum\s*\w*\s*\{(.*?)\}", text, flags=re.S):
            names.update(re.findall(r"\b(AENC_\w+)\b", body))
    return names


def difference(what, got, want):
    for name in sorted(want - got):
        print("%s lacks %s, which is in the headers" % (what, name))
    for name in sorted(got - want):
        print("%s has %s, which is not in the headers" % (what, name))
    print("%s: %d names" % (what, len(got)))
    return got == want and len(want) > 0


def abi_version(headers):
    for header in headers:
        match = re.search(r"#define AENC_ABI_VERSION (\d+)", pathlib.Path(header).read_text())
        if match:
            return match.group(1)
    sys.exit("no AENC_ABI_VERSION in " + " ".join(headers))


def map_text(headers):
    names = "".join("    %s;\n" % name for name in sorted(declared(headers)))
    return "AUTOENC_%s {\nglobal:\n%slocal:\n    *;\n};\n" % (abi_version(headers), names)


def check_map(path, *headers):
    text = pathlib.Path(path).read_text()
    same = difference(path, set(re.findall(r"^\s*(aenc_\w+);", text, flags=re.M)), declared(headers))
    if text != map_text(headers):
        print("%s is not as `symbols.py write` leaves it: python3 tests/symbols.py write %s %s"
              % (path, path, " ".join(headers)))
        return False
    return same


def write_map(path, *headers):
    pathlib.Path(path).write_text(map_text(headers))
    return True


def check_exports(library, *headers):
    lines = run("nm", "-D", "--defined-only", library).splitlines()
    names = [line.split() for line in lines]
    got = {fields[-1].split("@")[0] for fields in names if len(fields) == 3 and fields[1] != "A"}
    return difference(pathlib.Path(library).name, got, declared(headers))


def check_needs(library, cblas):
    needed = re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", library))
    print("needs " + ", ".join(needed))
    strange = [name for name in needed if not re.fullmatch(NEEDS, name) and not re.fullmatch(CBLAS % re.escape(cblas), name)]
    for name in strange:
        print("%s needs %s, which is neither libc, libm, threads nor CBLAS" % (library, name))
    return not strange and len(needed) > 0


def check_size(library, limit):
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / "stripped"
        run("strip", "-o", str(stripped), library)
        size = stripped.stat().st_size
    print("%d bytes stripped, limit %s" % (size, limit))
    return size < int(limit)


def check_frozen(test, *headers):
    got = set(re.findall(r'^\s*\{"([\w.]+)", ', pathlib.Path(test).read_text(), flags=re.M))
    return difference(pathlib.Path(test).name, got, laid_out(headers))


def check_called(folder, *headers):
    text = "".join(plain_text(path) for path in sorted(pathlib.Path(folder).glob("*.[ch]")))
    names = declared(headers)
    return difference(folder, names & set(re.findall(r"\b(aenc_\w+)\s*\(", text)), names)


def check_refused(folder, *headers):
    text = "".join(path.read_text() for path in sorted(pathlib.Path(folder).glob("arguments*_test.c")))
    names = set()
    for header in headers:
        names.update(re.findall(r"\bAENC_API\s+aenc_status\s+(aenc_\w+)\s*\(", plain_text(header)))
    rows = set(re.findall(r"\bWRONG\((aenc_\w+)\(", text))
    rows |= {name for name in re.findall(r"\bMUTE\((aenc_\w+)\(", text) if name in MUTE}
    return difference(folder, rows, names)


def check_reentered(folder, *headers):
    text = "".join(plain_text(path) for path in sorted(pathlib.Path(folder).glob("reentry*_test.c")))
    names = set()
    for header in headers:
        names.update(re.findall(r"\bAENC_API\s+aenc_status\s+(aenc_\w+)\s*\(", plain_text(header)))
    return difference(folder, names & set(re.findall(r"\b(aenc_\w+)\s*\(", text)), names)


def check_used(folder, *headers):
    text = "".join(plain_text(path) for path in sorted(pathlib.Path(folder).glob("*structure*.[ch]")))
    names = set()
    for header in headers:
        for name, parameters in re.findall(r"\bAENC_API\b[^;{}]*?\b(aenc_\w+)\s*\(([^;]*)\)\s*;", plain_text(header)):
            if re.search(r"\baenc_(model|detector)\s*\*\s*\w", parameters):
                names.add(name)
    return difference(folder, names & set(re.findall(r"\b(aenc_\w+)\s*\(", text)), names)


CHECKS = {"map": check_map, "write": write_map, "exports": check_exports, "needs": check_needs, "size": check_size,
          "frozen": check_frozen, "called": check_called, "refused": check_refused,
          "reentered": check_reentered, "used": check_used}

if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in CHECKS:
        sys.exit(__doc__)
    sys.exit(0 if CHECKS[sys.argv[1]](*sys.argv[2:]) else 1)
