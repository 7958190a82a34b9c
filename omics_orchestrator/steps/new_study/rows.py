"""What the rows of tables seem to be: which column names the participant, which the visit, which the sample.

Only counts and names of columns leave here. REDCap's projects say themselves what their rows are: redcap.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.dictionary.similarity import spoken
from omics_orchestrator.findings import counted
from omics_orchestrator.identifiers import detect, speaks_of
from omics_orchestrator.steps.new_study.origin import Guess
from omics_orchestrator.steps.suggest.cells import cells_of
from omics_orchestrator.steps.suggest.rules import scalar

NUMBER = "id|ids|no|nr|num|number|code|identifier|key"
PEOPLE = "participant|patient|subject|person|proband|case|record|study|individual|donor|subj|pat|pt"
PERSON = re.compile(
    rf"({PEOPLE})( ?({NUMBER}))?|(study )?({PEOPLE}) ({NUMBER})|id|pid|uid|subjid|usubjid|seqn|src subject id"
)
VISITS = "visit|event|time ?point|wave|session|round|week|month|encounter|episode|cycle|follow ?up"
VISIT = re.compile(
    rf"({VISITS})( ?({NUMBER}|name|label|date|day|index|instance))?|(study )?day|redcap event name"
)
SAMPLE = re.compile(
    rf"(sample|specimen|aliquot|tube|biosample|library|biopsy)( ?({NUMBER}|name|barcode))?|barcode"
    rf"|accession( ?({NUMBER}))?"
)
CALLED_ID = re.compile(r"[a-z]{2,8} ?id")
NO_ID = frozenset(
    {"valid", "paid", "covid", "steroid", "thyroid", "acid", "lipid", "fluid", "said", "did", "rapid"}
)
NO_KEY = re.compile(r"row name|column \d+|row|rows|index|unnamed( \d+)?|x|obs ?no")
FEW = 3  # rows in which each cell differs say little
DECIMAL = r"^\s*[-+]?[0-9]*[.,][0-9]+\s*$"


@dataclass(frozen=True)
class Rows:
    """One table and the columns of it that may be keys.

    Attributes:
        table: as the mapping writes it.
        data: its cells.
        person: the column that names the participant, None = none was found.
        why: how it was found.
    """

    table: str
    data: pa.Table
    person: str | None
    why: str = ""

    @property
    def unique(self) -> bool:
        """Whether each participant has one row."""
        return self.person is not None and _distinct(self.data, [self.person]) == self.data.num_rows


def rows_of(table: str, data: pa.Table) -> Rows:
    """Return a table with the column that names the participant: by its name, else the first that is unique."""
    if not data.num_rows:
        return Rows(table, data, None, "it has no rows")
    full = [name for name in data.column_names if _is_full(data[name])]
    named = [name for name in full if PERSON.fullmatch(spoken(name))]
    if named:
        best = min(named, key=lambda name: (spoken(name) not in _people(), _distinct(data, [name]) < 2))
        return Rows(table, data, best, "its name")
    for name in full:
        if FEW <= data.num_rows == _distinct(data, [name]) and _may_be_key(name, data[name]):
            return Rows(table, data, name, "the first column whose cells are all filled and all different")
    for name in full:
        if (
            CALLED_ID.fullmatch(spoken(name))
            and spoken(name) not in NO_ID
            and _may_be_key(name, data[name], plain=True)
        ):
            return Rows(table, data, name, "its name, which ends in id")
    return Rows(table, data, None, "no column is called like an id, and none holds another word in each row")


def guesses(tables: Sequence[Rows]) -> dict[str, Guess]:
    """Return entity → the rows that seem to be it."""
    known = [one for one in tables if one.person]
    found: dict[str, Guess] = {}
    if not known:
        return found
    people = next((one for one in known if one.unique), known[0])
    found["participant"] = _participant(people)
    for one in sorted(known, key=lambda one: one.unique):
        visit, sample = _visit(one), _sample(one)
        found |= {entity: guess for entity, guess in (("visit", visit), ("sample", sample)) if guess} | found
    return found


def joins(tables: Sequence[Rows], found: Mapping[str, Guess], entity: str, table: str) -> str:
    """Return how the block of an entity reads another table too; '' = the two share no key."""
    there = next((one for one in tables if one.table == table), None)
    guess = found.get(entity)
    if guess is None or there is None or there.person is None or guess.table == table:
        return ""
    here = next(one for one in tables if one.table == guess.table)
    if entity != "participant" and not there.unique:
        return (
            ""  # rows of two tables that both repeat meet by more than the participant: a person says by what
        )
    kind = ("one_to_one" if there.unique else "one_to_many") if entity == "participant" else "many_to_one"
    return f"{{cardinality: {kind}, on: {{{scalar(here.person or '')}: {scalar(there.person)}}}}}"


def ids_of(one: Rows) -> list[str]:
    """Return the distinct ids of a table."""
    if one.person is None:
        return []
    cells = pc.unique(pc.utf8_trim_whitespace(one.data[one.person]))
    return [cell for cell in cells.to_pylist() if cell]


def seems_identifying(one: Rows) -> bool:
    """Tell whether the cells of the key themselves look like direct identifiers."""
    return one.person is not None and bool(detect(one.data.select([one.person])))


def _participant(one: Rows) -> Guess:
    people = counted(_distinct(one.data, [one.person or ""]), "participant")
    how = (
        "each in one row"
        if one.unique
        else f"in {counted(one.data.num_rows, 'row')}: rows of one are put together"
    )
    return Guess(one.table, f"{one.person} names {people}, {how} (found by {one.why})", (one.person or "",))


def _visit(one: Rows) -> Guess | None:
    """Return the visits: the participant's key repeats, or a column says which visit it was."""
    person, data = one.person or "", one.data
    named, dated = [], []
    for name in data.column_names:
        if name == person or not _is_full(data[name]):
            continue
        if VISIT.fullmatch(spoken(name)) and _may_be_key(name, data[name], plain=True):
            named.append(name)
        elif not speaks_of(name, {}) and cells_of(data[name]).kind == "date":
            dated.append(name)
    candidates = [*named, *dated]
    if not candidates or (one.unique and not named):
        return None
    best = max(candidates, key=lambda name: (_distinct(data, [person, name]), -candidates.index(name)))
    pairs = _distinct(data, [person, best])
    why = (
        f"{person} repeats, and {best} tells its rows apart"
        if not one.unique
        else f"{best} says which visit it was"
    )
    if surplus := data.num_rows - pairs:
        rows = counted(surplus, "row shares", "rows share")
        why += f"; {rows} both with another one, so cells that disagree become conflicts"
    return Guess(one.table, why, (person, best))


def _sample(one: Rows) -> Guess | None:
    """Return the samples: a second identifier beside the participant's."""
    person, data = one.person or "", one.data
    for name in data.column_names:
        if name != person and SAMPLE.fullmatch(spoken(name)) and _distinct(data, [name]) > 1:
            why = f"{name} is a second identifier"
            if blank := data.num_rows - _filled(data[name]):
                why += f", blank in {counted(blank, 'row')}"
            return Guess(one.table, why, (person, name))
    return None


def _people() -> frozenset[str]:
    """Return the names that are the participant's beyond doubt."""
    words = [word for word in PEOPLE.split("|") if word not in {"case", "record", "study"}]
    return frozenset([*words, *(f"{word} {number}" for word in words for number in NUMBER.split("|"))])


def _may_be_key(name: str, cells: pa.ChunkedArray, *, plain: bool = False) -> bool:
    """Tell whether a column may be a key by what it holds: no fraction, no identifier, and unless `plain` no number."""
    if NO_KEY.fullmatch(spoken(name)) or speaks_of(name, {}) or detect(pa.table({name: cells})):
        return False
    kind = cells_of(cells).kind
    return not pc.any(pc.match_substring_regex(cells, DECIMAL)).as_py() and (
        plain or kind not in {"number", "date"}
    )


def _filled(cells: pa.ChunkedArray) -> int:
    return int(pc.sum(pc.not_equal(pc.utf8_trim_whitespace(cells), "")).as_py() or 0)


def _is_full(cells: pa.ChunkedArray) -> bool:
    return _filled(cells) == len(cells)


def _distinct(data: pa.Table, names: Sequence[str]) -> int:
    return int(data.select(list(names)).group_by(list(names)).aggregate([]).num_rows)
