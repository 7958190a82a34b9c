"""A thousand random edits of the sheet `suggestions`, while files change here: taken over exactly or refused."""

from __future__ import annotations

import csv
import datetime
import io
import random
import re
from dataclasses import dataclass
from typing import Any

import pytest

from omics_orchestrator.steps.spreadsheet.complaints import Complaint
from omics_orchestrator.studies.suggestions import FILE, HEADER, STATES
from omics_orchestrator_tests.steps.spreadsheet.books import Desk
from omics_orchestrator_tests.steps.spreadsheet.decided import give

EDITS, BATCH = 1000, 50
STUDIES, NAMES, PEOPLE = (
    ("east", "north"),
    ("sex", "age", "crp", "grade", "note"),
    ("omics", "ann", 'B, "Bob"'),
)
DAY = "2026-11-0"
TWICE = re.compile(r"is given twice, first in row ([0-9]+)")
CELL = re.compile(r"^[A-Z]+[0-9]+$")
COLUMNS = ("study", *HEADER)
TYPED: tuple[Any, ...] = (
    *(*STATES, *STATES, *STATES, *PEOPLE, *NAMES, *STUDIES),
    *("Approved", "aproved", "  rejected ", "two\nlines", "=1", "MAR1", "2026-11-31", f"{DAY}9", ""),
    *(None, 7, True, "=A1+1", datetime.datetime(2026, 11, 9), datetime.time(12)),  # noqa: DTZ001 - as Excel has it
)
Key = tuple[str, str, str]
Decided = tuple[str, str, str]
Files = dict[str, list[tuple[str, Key, Decided]]]  # study → line of the file, pair, state and by and on


@dataclass(eq=False)
class Line:
    """One row of the sheet as somebody left it; `before` is what it was, None for a new one."""

    cells: list[Any]
    before: list[Any] | None
    changed: bool = False


def spelled(dice: random.Random, cells: list[str]) -> str:
    """Return a line as hands may write it."""
    text = io.StringIO()
    csv.writer(text, quoting=dice.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)), lineterminator="").writerow(
        cells
    )
    return text.getvalue() + "\n" * dice.choice((1, 1, 1, 2))


def decided(dice: random.Random) -> Decided:
    return dice.choice(STATES), dice.choice(PEOPLE), f"{DAY}{dice.randrange(1, 9)}"


def made(dice: random.Random) -> Files:
    found: Files = {}
    for study in STUDIES:
        pairs = [
            (f"clinic.clinic.{place:02d},é", name) for place in range(12) for name in dice.sample(NAMES, 2)
        ]
        rows = [((study, *pair), decided(dice)) for pair in pairs]
        found[study] = [(spelled(dice, [*key[1:], *cells]), key, cells) for key, cells in rows]
    return found


def write(desk: Desk, files: Files) -> None:
    for study, lines in files.items():
        text = ",".join(HEADER) + "\n" + "".join(line for line, _, _ in lines)
        (desk.folder / "studies" / study / FILE).write_text(text)


def elsewhere(dice: random.Random, files: Files) -> None:
    """Change something in the files, as others commit it."""
    lines = files[dice.choice(STUDIES)]
    at = dice.randrange(len(lines))
    key = lines[at][1]
    cells = decided(dice)
    if dice.random() < 0.2:
        lines.pop(at)
    elif dice.random() < 0.2:
        key = (key[0], f"new.{dice.randrange(10**6)}", "crp")
        lines.insert(at, (spelled(dice, [*key[1:], *cells]), key, cells))
    else:
        lines[at] = (spelled(dice, [*key[1:], *cells]), key, cells)


def edit(dice: random.Random, lines: list[Line]) -> None:
    """Do one thing that a person may do."""
    at = dice.randrange(len(lines))
    kind = dice.choices(("state", "type", "insert", "delete", "move"), (12, 6, 1, 1, 2))[0]
    if kind == "delete":
        lines.pop(at)
    elif kind == "move":
        lines.insert(dice.randrange(len(lines)), lines.pop(at))
    elif kind == "insert":
        study, _, *others = lines[at].cells
        lines.insert(at, Line([study, f"typed.{dice.randrange(10**6)}", *others], None, changed=True))
    else:
        place = 3 if kind == "state" else dice.choices(range(6), (1, 1, 1, 4, 5, 5))[0]
        lines[at].cells[place] = dice.choice(STATES if kind == "state" else TYPED)
        lines[at].changed = True


def take_back(lines: list[Line], complaints: list[Complaint]) -> None:
    """Undo what was complained about; each complaint names the cell of something that was done."""
    done = set()
    for one in complaints:
        assert (one.sheet, bool(CELL.match(one.cell))) == ("suggestions", True), one
        line = lines[one.row - 2]
        if not line.changed and (first := TWICE.search(one.message)):
            line = lines[int(first[1]) - 2]
        assert line.changed, one
        done.add(line)
    for line in done:
        if line.before is None:
            lines.remove(line)
        else:
            line.cells, line.changed = list(line.before), False


def text(value: Any) -> str:
    return value.date().isoformat() if isinstance(value, datetime.datetime) else str(value or "").strip()


def expected(cells: list[Any], base: Decided, here: Decided, today: str) -> Decided:
    """Return what a row that was not refused must have made of its pair."""
    state, by, on = map(text, cells[3:])
    if state in {base[0], here[0]}:
        return here
    assert here == base, "a decision that was taken meanwhile was overwritten"
    assert state in STATES
    fresh = ("ann@example.org", today)
    return state, by if by not in {"", base[1]} else fresh[0], on if on not in {"", base[2]} else fresh[1]


def fill(sheet: Any, lines: list[Line]) -> None:
    for number in range(2, max(sheet.max_row, len(lines) + 1) + 1):
        for place in range(6):
            cell = sheet.cell(number, place + 1)
            cell.number_format = "General"
            cell.value = lines[number - 2].cells[place] if number - 2 < len(lines) else None


@pytest.mark.parametrize("seed", range(EDITS // BATCH))
def test_taken_over_exactly_or_refused_with_the_cell(desk: Desk, seed: int) -> None:
    dice = random.Random(seed)
    give(desk)
    files = made(dice)
    write(desk, files)
    desk.export()
    base = {key: cells for lines in files.values() for _, key, cells in lines}
    sheet = [Line([*key, *cells], [*key, *cells]) for key, cells in base.items()]
    for _ in range(BATCH):
        edit(dice, sheet)
    for _ in range(seed % 12):
        elsewhere(dice, files)
    write(desk, files)
    raw = {study: (desk.folder / "studies" / study / FILE).read_bytes() for study in STUDIES}
    for _ in range(12):
        with desk.edited() as book:
            fill(book["suggestions"], sheet)
        found = desk.read()
        if not found.told.complaints:
            break
        take_back(sheet, found.told.complaints)
    assert found.told.complaints == []
    found.write()
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    mine = {tuple(map(text, line.cells[:3])): line.cells for line in sheet}
    for study, lines in files.items():
        wanted = {
            key: expected(mine[key], base[key], here, today) if key in mine else here
            for _, key, here in lines
        }
        after = (desk.folder / "studies" / study / FILE).read_text()
        listed = [tuple(row.values()) for row in csv.DictReader(io.StringIO(after))]
        assert listed == [(*key[1:], *cells) for key, cells in wanted.items()]
        assert all(line in after for line, key, here in lines if wanted[key] == here)
        if all(wanted[key] == here for _, key, here in lines):
            assert after.encode() == raw[study]
