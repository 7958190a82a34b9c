"""What an identity check says of a file, a sample or a pair; how outcomes become a table and findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from omics_orchestrator.findings import Finding, counted

if TYPE_CHECKING:
    import pyarrow as pa

Check = Literal["sex_genotype", "sex_expression", "concordance", "one_content"]
Answer = Literal["agrees", "differs", "undetermined"]
CHECKS: dict[Check, tuple[str, str]] = {
    "sex_genotype": ("genome has another sex than the record", "genomes have another sex than the record"),
    "sex_expression": (
        "sample's expression has another sex than the record",
        "samples' expression has another sex than the record",
    ),
    "concordance": (
        "pair of genomes contradicts its participants",
        "pairs of genomes contradict their participants",
    ),
    "one_content": ("content stands under two", "contents stand under two"),
}
MOST_NAMED = 8  # registry file numbers in one message
KEY = ("check", "file_number", "place", "other_file_number", "other_place")
COLUMNS = {
    "check": "which identity check",
    "file_number": "registry number of the file",
    "place": "which sample inside the file (of sex_expression: which row of the matrix), from 1; 0 = the whole file",
    "other_file_number": "the other file of a pair; 0 = no pair",
    "other_place": "which sample inside the other file",
    "participant_id": "whose it is by its link",
    "sample_id": "the sample that it is linked to",
    "other_participant_id": "whose the other file is by its link",
    "other_sample_id": "the sample that the other file is linked to",
    "outcome": "agrees, differs, undetermined",
    "recorded": "sex in the clinical record",
    "found": "sex by the file",
    "measure": "sex_genotype: share of heterozygous among alternate calls on X; sex_expression: Y genes over XIST in "
    "log2; concordance: share of identical genotypes",
    "sites": "sites (or genes) that the measure rests on",
    "reason": "why, in words",
}


class Owner(NamedTuple):
    """A sample inside a registered file (`place` from 1; 0 = the file as a whole), and whose it is by its link."""

    file_number: int
    place: int
    participant_id: str | None
    sample_id: str | None


class Measured(NamedTuple):
    """What a file says by itself: `found` None = it cannot be told, for the `reason` given."""

    found: str | None
    reason: str
    measure: float | None = None
    sites: int = 0


@dataclass(frozen=True)
class Outcome:
    """One row of the table of outcomes; `other` is the second of a pair."""

    check: Check
    owner: Owner
    answer: Answer
    reason: str
    other: Owner | None = None
    recorded: str | None = None
    found: str | None = None
    measure: float | None = None
    sites: int = 0


def against_record(check: Check, owner: Owner, recorded: str | None, told: Measured) -> Outcome:
    """Compare what was found with the sex of the clinical record (`female`, `male`; None = not recorded)."""
    answer: Answer = "undetermined"
    reason = told.reason
    if told.found is not None:
        if recorded is None:
            reason = "the record gives no sex"
        else:
            answer = "agrees" if recorded == told.found else "differs"
    return Outcome(
        check,
        owner,
        answer,
        reason,
        recorded=recorded,
        found=told.found,
        measure=told.measure,
        sites=told.sites,
    )


def findings(outcomes: Sequence[Outcome]) -> tuple[Finding, ...]:
    """Return, check by check, how many differ (a warning) and how many could not be decided, and why (a note)."""
    found = []
    for check, (one, many) in CHECKS.items():
        of_check = [outcome for outcome in outcomes if outcome.check == check]
        differing = [outcome for outcome in of_check if outcome.answer == "differs"]
        if differing:
            message = f"{counted(len(differing), one, many)}{_whom(check)}: {_files(differing)}"
            found.append(Finding(check, message, len(differing)))
        open_ = Counter(outcome.reason for outcome in of_check if outcome.answer == "undetermined")
        if open_:
            reasons = "; ".join(f"{number}: {reason}" for reason, number in sorted(open_.items()))
            message = f"{open_.total()} of {len(of_check)} could not be decided ({reasons})"
            found.append(Finding(check, message, open_.total(), "note"))
    return tuple(found)


def _whom(check: Check) -> str:
    return " participants or samples" if check == "one_content" else ""


def _files(outcomes: Sequence[Outcome]) -> str:
    """Name the registry files concerned, never what they or their people are called."""
    numbers = sorted({one.file_number for o in outcomes for one in (o.owner, o.other) if one})
    shown = ", ".join(map(str, numbers[:MOST_NAMED])) + (" …" if len(numbers) > MOST_NAMED else "")
    return f"registry {'file' if len(numbers) == 1 else 'files'} {shown}"


def as_table(outcomes: Sequence[Outcome]) -> pa.Table:
    """Return the outcomes as a table; its columns are those of `COLUMNS`, its key `KEY`."""
    import pyarrow as pa

    types = {"measure": pa.float64()} | dict.fromkeys(
        ("file_number", "place", "other_file_number", "other_place", "sites"), pa.int64()
    )
    schema = pa.schema(
        [
            pa.field(name, types.get(name, pa.string()), metadata={"description": text})
            for name, text in COLUMNS.items()
        ]
    )
    return pa.Table.from_pylist([_row(outcome) for outcome in outcomes], schema=schema)


def _row(outcome: Outcome) -> dict[str, object]:
    owner, other = outcome.owner, outcome.other or Owner(0, 0, None, None)
    values = (
        outcome.check,
        *owner[:2],
        *other[:2],
        *owner[2:],
        *other[2:],
        outcome.answer,
        outcome.recorded,
        outcome.found,
        None if outcome.measure is None else round(outcome.measure, 4),
        outcome.sites,
        outcome.reason,
    )
    return dict(zip(COLUMNS, values, strict=True))
