"""A small file of word vectors as GloVe writes it: eight numbers a word; of each group of words all are near."""

from __future__ import annotations

from pathlib import Path

GROUPS = (
    ("smoking", "smoker", "smokes", "status", "tobacco", "pipe"),
    ("smoked", "stopped", "quit"),
    ("platelets", "clotting"),
    ("cells", "blood"),
    ("date", "day"),
    ("the", "of", "at", "for", "in"),
    ("score", "total"),
    ("report", "comment", "words"),
)


def lines() -> list[str]:
    """Return a line for each word: 1 at its group's place, and a little of its own beside it."""
    found = []
    for place, group in enumerate(GROUPS):
        for number, word in enumerate(group):
            numbers = [0.0] * len(GROUPS)
            numbers[place] = 1.0
            numbers[(place + 1 + number) % len(GROUPS)] += 0.1
            found.append(" ".join([word, *(f"{one:.3f}" for one in numbers)]))
    return found


def written(file: Path, header: str = "") -> Path:
    """Write the file and return where."""
    file.write_text("\n".join([header] * bool(header) + lines()) + "\n", encoding="utf-8")
    return file
