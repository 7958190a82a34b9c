"""A grid of names and coloured letters as a small PNG, for the UI. Written by hand: no drawing library is needed.

What the colours mean is the caller's matter; nothing but the names and words given is drawn.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Canvas = NDArray[np.uint8]

DOTS = {  # 3 × 5 dots a character, an octal digit a row, the leftmost dot the most significant
    "abcdefghi": "25755_65656_34443_65556_74647_74644_34553_55755_72227",
    "jklmnopqr": "11152_55655_44447_57755_65555_25552_65644_25563_65655",
    "stuvwxyz": "34216_72222_55557_55552_55775_55255_55222_71247",
    "0123456789": "75557_26227_61247_61216_55711_74616_34652_71222_25252_25316",
    "_/%=.-: ": "00007_11244_51245_07070_00002_00700_02020_00000",
}
GLYPHS = {
    character: dots
    for characters, listed in DOTS.items()
    for character, dots in zip(characters, listed.split("_"), strict=True)
}
SCALE, STEP, HEIGHT = 2, 8, 10  # pixels a dot, a character, a line of text
ROW, CELL, MARGIN = 14, 18, 8
TOP = 3 * ROW  # where the rows begin
TALL = 100  # rows above which the grid is put in blocks side by side
WHITE, BLACK, FIRST = 0, 1, 2  # places in the palette; from FIRST on the colours of the words


@dataclass(frozen=True)
class Grid:
    """What is drawn.

    Attributes:
        title: the line above.
        columns: names of the columns; they are numbered in the grid and named below it.
        rows: name and one word per column.
        colours: word → its colour; the word's first letter stands in each cell.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    colours: Mapping[str, Colour]


def draw(grid: Grid) -> bytes:
    """Return the grid as a PNG file."""
    blocks = [grid.rows[at : at + _tall(grid)] for at in range(0, len(grid.rows), _tall(grid))]
    names = [max(len(name) for name, _ in block) * STEP + MARGIN for block in blocks]
    cells = len(grid.columns) * CELL + 2 * MARGIN
    below = [*(f"{number} = {name}" for number, name in enumerate(grid.columns, 1)), *grid.colours]
    told = max(len(text) for text in (grid.title, *below)) * STEP + CELL + MARGIN
    width = max(sum(names) + cells * len(blocks), told) + 2 * MARGIN
    start = TOP + (_tall(grid) + 1) * ROW
    canvas = np.zeros((start + (len(below) + 1) * ROW, width), np.uint8)
    write(canvas, grid.title, MARGIN, MARGIN)
    left = MARGIN
    for block, name in zip(blocks, names, strict=True):
        _block(canvas, grid, block, left, left + name)
        left += name + cells
    _legend(canvas, grid, below, start)
    return png(canvas, [(255, 255, 255), (0, 0, 0), *grid.colours.values()])


def _tall(grid: Grid) -> int:
    """Return the rows of one block: all blocks are about equally tall."""
    blocks = max(1, -(-len(grid.rows) // TALL))
    return max(1, -(-len(grid.rows) // blocks))


def _block(
    canvas: Canvas, grid: Grid, rows: Sequence[tuple[str, Sequence[str]]], left: int, cells: int
) -> None:
    words = list(grid.colours)
    for number in range(len(grid.columns)):
        write(canvas, str(number + 1), cells + number * CELL + 2, TOP - ROW)
    for line, (name, row) in enumerate(rows):
        write(canvas, name, left, TOP + line * ROW + 2)
        for number, word in enumerate(row):
            cell(canvas, word, FIRST + words.index(word), cells + number * CELL, TOP + line * ROW)


def _legend(canvas: Canvas, grid: Grid, texts: Sequence[str], top: int) -> None:
    words = list(grid.colours)
    for line, text in enumerate(texts):
        coloured = text in grid.colours
        if coloured:
            cell(canvas, text, FIRST + words.index(text), MARGIN, top + line * ROW)
        write(canvas, text, MARGIN + (CELL + MARGIN) * coloured, top + line * ROW + 2)


def cell(canvas: Canvas, word: str, colour: int, left: int, top: int) -> None:
    """Fill one cell and write the word's first letter into it."""
    canvas[top : top + ROW - 1, left : left + CELL - 1] = colour
    write(canvas, word[0], left + (CELL - STEP) // 2, top + 2)


def write(canvas: Canvas, text: str, left: int, top: int) -> None:
    """Write a text in small capitals; what has no glyph is left blank."""
    for place, character in enumerate(text.lower()):
        rows = GLYPHS.get(character, GLYPHS[" "])
        dots = np.array([[int(row) >> shift & 1 for shift in (2, 1, 0)] for row in rows], bool)
        dots = dots.repeat(SCALE, 0).repeat(SCALE, 1)
        at = left + place * STEP
        part = canvas[top : top + HEIGHT, at : at + dots.shape[1]]
        part[dots[:, : part.shape[1]]] = BLACK


def png(canvas: Canvas, palette: Sequence[Colour]) -> bytes:
    """Return an image of palette numbers as PNG."""
    height, width = canvas.shape
    lines = b"".join(b"\0" + line.tobytes() for line in canvas)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colours = b"".join(bytes(colour) for colour in palette)
    parts = ((b"IHDR", head), (b"PLTE", colours), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )
