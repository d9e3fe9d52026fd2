#!/usr/bin/env python3
"""Keeps the rooms of lib/ one-way, and the system's doors where they belong.

    layering.py SOURCE_ROOT            includes, listed files, lengths, floating-point modes
    layering.py SOURCE_ROOT ARCHIVE    and what the objects of the static library ask of the outside

A module includes only itself and modules above it in ROOMS, and no two files of lib/ have the same name. What an object may ask of the outside is an allow-list: a new
function of the C library is a line here, with the files that may call it, and never one that prints, ends the process, or
reads the environment or the locale.
"""
import pathlib
import re
import subprocess
import sys

ROOMS = ["base", "math", "io", "tape", "op", "layer", "loss", "penalty", "corruption", "bottleneck", "optim", "model", "train",
         "use", "api"]
LINES = 600  # the wall for one file

ANYWHERE = """atan2 bcmp memchr memcmp memcpy memmove memset strchr strcmp strlen strncmp strrchr strstr strspn strcspn strnlen
    acos ceil ceilf copysign cos cosf erf erfc erff exp exp2 exp2f expf expm1 expm1f fabs floor floorf fmax fmaxf fmin fminf
    fmod frexp hypot ldexp llround log log10 log1p log1pf log2 log2f logf lrint nearbyint nextafterf pow powf rint round roundf sin
    sincos sincosf sinf sqrt sqrtf tanh tanhf trunc truncf""".split()
SOME_FILES = {
    # the default allocator
    r"free|aligned_alloc": ["api/call_context.c"],
    # integers and words
    r"snprintf": ["api/call_context.c", "base/format.c", "io/file.c", "io/json_write.c", "io/message_text.c", "io/npy.c",
                  "io/settings.c", "layer/container.c", "train/checkpoint_read.c", "train/pretrain.c", "train/step.c"],
    # numbers with a fraction, in a form in which no locale has a say
    r"snprintf|strtod|strtol": ["io/number_text.c"],
    r"cblas_\w+|openblas_\w+|bli_\w+|MKL_\w+": ["math/blas.c"],
    r"pthread_(self|equal)": ["api/call.c"],
    r"pthread_(create|sigmask|attr_\w+)|sigfillset|getpid": ["base/thread.c"],
    r"pthread_(join|mutex_\w+|cond_\w+)": ["base/pool.c", "train/read_ahead.c"],
    r"clock_gettime|strerror_r": ["base/pool.c"],
    # where the processor's mode is not set by instructions
    r"feholdexcept|fesetround|fesetenv": ["base/cpu_mode.c"],
    r"open|close|read|write|fsync|rename|unlink|stat|fstat|lseek|fchmod|getpid|strerror_r|mmap|munmap": ["io/file.c"],
    r"clock_gettime": ["base/report.c"],
}
# Written by the compiler or the linker, not by us.
OF_THE_COMPILER = re.compile(r"__(stack_chk_fail|stack_chk_guard|tls_get_addr|assert_fail"
                             r"|errno_location)|_GLOBAL_OFFSET_TABLE_")
# Sections that can be written to while the library runs; .data.rel.ro is constant once it is loaded.
STATE = re.compile(r"\.(data(?!\.rel\.ro)|bss|tdata|tbss)|\*COM\*")
# What the processor has, a constant that no compiler knows: the one variable that is written to.
CONSTANTS = {("base/cpu.c", "levels")}

problems = []


def problem(text, *arguments):
    problems.append(text % arguments)


def room_of(path, lib):
    return path.relative_to(lib).parts[0]


def check_includes(path, lib):
    room = room_of(path, lib)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if match is None:
            continue
        name = match.group(1)
        other = name.split("/")[0]
        where = "%s:%d" % (path.relative_to(lib.parent), number)
        if name.endswith(".c"):
            problem("%s includes the source file %s", where, name)
        elif "/" not in name or other not in ROOMS or not (lib / name).is_file():
            problem("%s: %s is not room/file.h below lib/", where, name)
        elif ROOMS.index(other) > ROOMS.index(room):
            problem("%s: room %s includes %s, which is below it", where, room, name)


def check_lists(root):
    """Every source file stands in the list of its room, every test in tests/meson.build."""
    for folder, pattern in (("lib", "*.c"), ("tests", "*_test.c")):
        text = (root / folder / "meson.build").read_text()
        for path in sorted((root / folder).glob("*/" + pattern)):
            room, stem = path.parts[-2], path.stem.removesuffix("_test")
            lists = re.findall(r"'%s':\s*\[([^\]]*)\]" % re.escape(room), text)
            if not any("'%s'" % stem in names for names in lists):
                problem("%s is not listed in %s/meson.build", path.relative_to(root), folder)


def in_mode(body):
    """Whether the function sets the mode in its first line and restores it on every way out: by itself, or as a call between
    aenc_call_begin and aenc_call_end, before which it does no more than look for a NULL."""
    if body.startswith("\n    CPU_MODE_RESTORED struct cpu_mode "):
        return True
    frame = re.fullmatch(r"\n    struct call call = \{.*?\};\n(.*)aenc_call_begin\(&call, (.*)"
                         r"return aenc_call_end\(&call, status\);\n", body, re.S)
    if frame is None or re.search(r"\breturn\b", frame.group(2)):
        return False
    return not re.search(r"\breturn\b(?! (aenc_null\(|AENC_))", frame.group(1))


def check_modes(root):
    """Every public function that returns a status computes in the library's floating-point mode."""
    public = set(re.findall(r"\baenc_\w+", (root / "lib" / "autoenc.map").read_text()))
    for path in sorted((root / "lib" / "api").glob("*.c")):
        for name, body in re.findall(r"^aenc_status (aenc_\w+)\([^{;]*\) \{(.*?)^\}|$", path.read_text(), re.M | re.S):
            if name in public and not in_mode(body):
                problem("%s: %s neither begins with CPU_MODE_RESTORED nor is the frame of a call", path.relative_to(root), name)


def check_sources(root):
    lib = root / "lib"
    paths = sorted(path for path in lib.rglob("*") if path.suffix in (".c", ".h"))
    named = {}
    for path in paths:
        other = named.setdefault(path.name, path)
        if other is not path:
            problem("%s has the name of %s", path.relative_to(root), other.relative_to(root))
        if room_of(path, lib) not in ROOMS:
            problem("%s is in no room", path.relative_to(root))
        else:
            check_includes(path, lib)
    for path in paths + sorted((root / "include").rglob("*.h")):
        lines = len(path.read_text().splitlines())
        if lines > LINES:
            problem("%s has %d lines, more than %d", path.relative_to(root), lines, LINES)
    check_lists(root)
    check_modes(root)
    return len(paths)


def may_ask(source, name):
    """As the source wrote it, __snprintf_chk of fortified builds is snprintf, __xpg_strerror_r strerror_r, open64 open."""
    name = re.sub(r"^__(\w+)_chk$", r"\1", name.replace("__xpg_", ""))
    name = re.sub(r"^(open|stat|fstat|lseek|mmap)64$", r"\1", name)
    if name in ANYWHERE or OF_THE_COMPILER.fullmatch(name):
        return True
    return any(re.fullmatch(pattern, name) and source in files for pattern, files in SOME_FILES.items())


def check_symbol(source, scope, section, name):
    """scope: objdump's flag letters; section: where the symbol lies, *UND* when another object has it."""
    if section == "*UND*":
        if not name.startswith("aenc_") and not may_ask(source, name):
            problem("lib/%s asks for %s, which is not its to use", source, name)
    elif (STATE.match(section) and not name.startswith(section)
          and (source, re.sub(r"\.\d+$", "", name.removeprefix("has."))) not in CONSTANTS):
        problem("lib/%s has the variable %s in %s: the library keeps no state of its own", source, name, section)
    elif scope[0] in "gu!" and not name.startswith("aenc_"):
        problem("lib/%s defines %s, which has no aenc_ in front", source, name)


def check_archive(root, archive):
    known = {str(path.relative_to(root / "lib")).replace("/", "_"): str(path.relative_to(root / "lib"))
             for path in (root / "lib").rglob("*.c")}
    listing = subprocess.run(["objdump", "-t", archive], check=True, capture_output=True, text=True).stdout
    count, source = 0, ""
    for line in listing.splitlines():
        opened = re.match(r"(?:.*/)?(\S+\.c)\.o:", line)
        symbol = re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+[0-9a-f]+ (?:\.\w+ )?(\S+)$", line)
        if opened:
            source = known.get(opened.group(1), opened.group(1))
        elif symbol:
            count += 1
            check_symbol(source, *symbol.groups())
    return count


def main(arguments):
    root = pathlib.Path(arguments[0]).resolve()
    files = check_sources(root)
    symbols = check_archive(root, arguments[1]) if len(arguments) > 1 else 0
    for text in problems:
        print(text)
    print("%d files, %d symbols, %d problems" % (files, symbols, len(problems)))
    return 1 if problems or files == 0 or (len(arguments) > 1 and symbols == 0) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
