#!/usr/bin/env python3
"""Writes font_outlines.c from DejaVuSans.ttf (Debian's fonts-dejavu-core), with python3-fonttools.

    python3 make_font.py /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf /usr/share/doc/fonts-dejavu-core/copyright \\
        > font_outlines.c

The outlines of the ASCII characters in units of the font, curves replaced by lines that are nowhere farther from them than
TOLERANCE. Nothing is needed of it at run time.
"""
import re
import sys

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

TOLERANCE = 5.0


def curve(start, control, end):
    """Points behind start. A quadratic curve cut into n parts is off its chords by |start - 2 control + end| / (8 n^2) * 2."""
    bend = max(abs(a - 2 * c + b) for a, c, b in zip(start, control, end))
    parts = 1
    while bend / (4 * parts * parts) > TOLERANCE:
        parts += 1
    for k in range(1, parts + 1):
        t = k / parts
        yield tuple(round((1 - t) ** 2 * a + 2 * t * (1 - t) * c + t * t * b) for a, c, b in zip(start, control, end))


def contours(glyphs, name):
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    done, now = [], []
    for kind, arguments in pen.value:
        if kind == "moveTo":
            now = [arguments[0]]
        elif kind == "lineTo":
            now.append(arguments[0])
        elif kind == "qCurveTo":
            points = list(arguments)
            if points[-1] is None:  # no point of the outline lies on the curve
                points = points[:-1]
                first = tuple((a + b) / 2 for a, b in zip(points[-1], points[0]))
                now = [first]
                points.append(first)
            for i, control in enumerate(points[:-1]):
                end = points[-1] if i + 2 == len(points) else tuple((a + b) / 2 for a, b in zip(control, points[i + 1]))
                now.extend(curve(now[-1], control, end))
        elif kind == "closePath":
            done.append([tuple(round(v) for v in point) for point in now])
    return done


def licence(path):
    text = open(path).read().split("License: bitstream-vera\n")[1].split("\nFiles: debian")[0]
    return [" * " + line.strip(" .") if line.strip() == "." else " *" + line for line in text.rstrip().splitlines()]


def main(font_path, copyright_path):
    font = TTFont(font_path)
    glyphs, names = font.getGlyphSet(), font.getBestCmap()
    points, rows = [], []
    for code in range(32, 127):
        first = len(points)
        for contour in contours(glyphs, names[code]):
            points += contour + [None]
        rows.append("{%d, %d, %d}" % (glyphs[names[code]].width, first, len(points) - first))
    print("/* font_outlines.c - the ASCII glyphs of DejaVu Sans %s, as make_font.py writes them; not to be edited.\n *"
          % re.search(r"[\d.]+", font["name"].getDebugName(5)).group())
    print(" * Copyright (c) 2003 by Bitstream, Inc. All Rights Reserved. Bitstream Vera is a trademark of Bitstream, Inc.\n"
          " * DejaVu changes are in public domain.\n *")
    print("\n".join(line.rstrip() for line in licence(copyright_path)))
    print(" */\n#include \"font.h\"\n")
    print("const struct font_glyph tool_font[FONT_GLYPHS] = {")
    for at in range(0, len(rows), 6):
        print("    %s," % ", ".join(rows[at:at + 6]))
    print("};\n\nconst short tool_font_points[][2] = {")
    words = ["{FONT_END, 0}" if point is None else "{%d, %d}" % point for point in points]
    line = "   "
    for word in words:
        if len(line) + len(word) + 2 > 120:
            print(line)
            line = "   "
        line += " " + word + ","
    print(line + "\n};")


main(*sys.argv[1:])
