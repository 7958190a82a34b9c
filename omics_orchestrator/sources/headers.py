"""Headers of several lines, for text files and sheets: into one name a column."""

from __future__ import annotations

from collections.abc import Sequence

from omics_orchestrator.sources.files import Sheet


def joined(lines: Sequence[Sequence[str]], sheet: Sheet) -> list[str]:
    """Return one name a column: the words of its header lines from above, each once, joined by a blank.

    Above the last line a blank cell belongs to the group at its left, as in `Blood, , Stool` over `CRP, Hb, FC`.
    """
    if len(lines) == 1:
        return list(lines[0])
    width = max(len(line) for line in lines)
    groups = [_spread([*line, *[""] * (width - len(line))]) for line in lines[:-1]]
    last = [*lines[-1], *[""] * (width - len(lines[-1]))]
    sheet.decisions["header"] = f"{len(lines)} lines, joined"
    return [
        " ".join(
            dict.fromkeys(
                word for word in (*(" ".join(line[i].split()) for line in groups), last[i].strip()) if word
            )
        )
        for i in range(width)
    ]


def _spread(line: Sequence[str]) -> list[str]:
    found: list[str] = []
    for cell in line:
        found.append(cell if cell.strip() or not found else found[-1])
    return found
