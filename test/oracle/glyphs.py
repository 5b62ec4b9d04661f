"""Outlines of DejaVu Sans as SVG path data, for captions that need no installed font.

    python test/oracle/glyphs.py /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf > src/imaging/glyphs.ts
"""
import json
import sys

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

CHARACTERS = (
    [chr(c) for c in range(0x20, 0x7F)]
    + [chr(c) for c in range(0xC0, 0x180) if c not in (0xD7, 0xF7)]
    + list("°±²³µ·×÷–—‘’“”…→←≤≥≈−αβγδΔμπστ�")
)

font = TTFont(sys.argv[1])
names, glyphs = font.getBestCmap(), font.getGlyphSet()
scale = 1000 / font["head"].unitsPerEm
print('''/**
 * @file Outlines of DejaVu Sans: captions are drawn as shapes, so that a machine without fonts (most containers) shows
 * the same text. Written by test/oracle/glyphs.py.
 *
 * DejaVu fonts are (c) Bitstream (Bitstream Vera is a trademark of Bitstream, Inc.), DejaVu changes are in the public
 * domain; the licence allows to use, copy, merge and embed them.
 */

/** [advance, SVG path data] in thousandths of the font size, y downwards from the baseline. */
export const GLYPHS: Readonly<Record<string, readonly [number, string]>> = {''')
for character in CHARACTERS:
    name = names[ord(character)]
    pen = SVGPathPen(glyphs, ntos=lambda v: str(round(v)))
    glyphs[name].draw(TransformPen(pen, (scale, 0, 0, -scale, 0, 0)))
    print(f"  {json.dumps(character, ensure_ascii=False)}: [{round(glyphs[name].width * scale)}, {json.dumps(pen.getCommands())}],")
print("};")
