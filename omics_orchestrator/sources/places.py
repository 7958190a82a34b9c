"""Columns of a sheet by their letters."""

from __future__ import annotations


def number(name: str) -> int:
    """Return the number of a column, from 0."""
    found = 0
    for letter in name:
        found = 26 * found + ord(letter) - 64
    return found - 1


def letters(column: int) -> str:
    """Return the letters of a column, counted from 0."""
    name, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name
