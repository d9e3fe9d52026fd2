"""Compares what a binding believes about the headers with what the C compiler says."""
import pathlib
import subprocess


def differences(lines, compiler, words, work):
    """lines: "EXPRESSION VALUE" as a binding prints them, such as "sizeof(aenc_matrix) 32"; words: more arguments of the
    compiler. Returns the texts of those that C has otherwise."""
    pairs = [line.rsplit(" ", 1) for line in lines.splitlines()]
    rows = "".join('    printf("%%lld\\n", (long long)(%s));\n' % what for what, _ in pairs)
    source, program = pathlib.Path(work) / "layout.c", pathlib.Path(work) / "layout"
    source.write_text("#include <autoenc/autoenc.h>\n#include <autoenc/ops.h>\n#include <stdio.h>\n"
                      "int main(void) {\n%s    return 0;\n}\n" % rows)
    subprocess.run([*compiler, str(source), "-o", str(program), *words], check=True)
    numbers = subprocess.run([str(program)], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    if len(numbers) != len(pairs) or len(pairs) < 100:
        return ["%d lines, %d numbers" % (len(pairs), len(numbers))]
    return ["%s is %s in C, %s in the binding" % (what, now, then) for (what, then), now in zip(pairs, numbers)
            if now != then]
