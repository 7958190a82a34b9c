"""How a REDCap project is laid out: instruments, events, repeats, and which rows that makes.

Whence it comes: redcap.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from omics_orchestrator.findings import counted
from omics_orchestrator.sources.described import Described
from omics_orchestrator.steps.new_study.origin import Guess

SOURCE = "redcap"
RECORD = "record_id"  # what the first column of a raw table's key is called, whatever the project calls it
ARM = re.compile(r"_arm_\d+[a-z]?$")  # how REDCap ends the names of events


@dataclass(frozen=True)
class Layout:
    """A project as far as it is known.

    Attributes:
        columns: of the data dictionary, the record id first.
        form_events: form → its events; None = a classic project, or not known.
        repeating: forms that repeat, or lie at an event that does.
        known: whether the project itself told of events and repeats.
    """

    columns: Sequence[Described]
    form_events: Mapping[str, Collection[str]] | None = None
    repeating: Collection[str] = ()
    known: bool = False

    @cached_property
    def forms(self) -> list[str]:
        """The instruments, in their order."""
        return list(dict.fromkeys(one.table for one in self.columns))

    def often(self, form: str) -> bool:
        """Tell whether a record may have several rows of a form; it is in one arm, mostly."""
        return form in self.repeating or self.events(form) > 1

    def events(self, form: str) -> int:
        """Return at how many events of one arm a form lies."""
        arms = Counter(_arm(event) for event in (self.form_events or {}).get(form, ()))
        return max(arms.values(), default=1)

    def within(self, here: str, there: str) -> bool:
        """Tell whether a form has rows only where another one has its rows, and one for each."""
        if here in self.repeating or there in self.repeating:
            return False
        events = self.form_events
        return events is None or set(events.get(there, ())) <= set(events.get(here, ()))

    def said(self) -> list[str]:
        """Return a line for each instrument."""
        counts = {
            form: sum(one.table == form and not one.option for one in self.columns) for form in self.forms
        }
        return [
            f"{SOURCE}.{form}: {counted(counts[form], 'field')}{self._how_often(form)}" for form in self.forms
        ]

    def _how_often(self, form: str) -> str:
        if not self.known:
            return ""
        events = (self.form_events or {}).get(form)
        at = "" if events is None else f", at {', '.join(sorted(events)) or 'no event'}"
        return f"{at}, repeats" if form in self.repeating else at


def guesses(layout: Layout) -> dict[str, Guess]:
    """Return entity → the rows that seem to be it: one per record are participants, several are visits."""
    record = layout.columns[0].name
    once = [form for form in layout.forms if not layout.often(form)]
    often = [form for form in layout.forms if layout.often(form)]
    first = once[0] if once else layout.forms[0]
    told = "one row per record" if first in once else "rows of one record are put together"
    found = {"participant": Guess(f"{SOURCE}.{first}", f"{record} is the record id: {told}", (RECORD,))}
    if often:
        form = max(often, key=lambda one: (one not in layout.repeating, layout.events(one)))
        events = layout.events(form)
        why = f"{form} lies at {events} events" if events > 1 else f"{form} repeats"
        found["visit"] = Guess(f"{SOURCE}.{form}", f"{why}: one row per record, event and repeat")
    else:
        form = _dated(layout) or first
        why = (
            "each record has one row: one visit each"
            if layout.known
            else "if it repeats or lies at several events"
        )
        found["visit"] = Guess(f"{SOURCE}.{form}", why, sure=False)
    return found


def _dated(layout: Layout) -> str | None:
    """Return the first instrument after the first one that asks for a date."""
    dated = (one.table for one in layout.columns if one.kind == "date" and not one.identifier)
    return next((form for form in dated if form != layout.forms[0]), None)


def join(layout: Layout, found: Mapping[str, Guess], entity: str, table: str) -> str:
    """Return how the block of an entity reads another instrument too; '' = they have different rows."""
    guess = found.get(entity)
    if guess is None or guess.table == table:
        return ""
    here, there = (text.partition(".")[2] for text in (guess.table, table))
    if layout.within(here, there):
        return "one_to_one"
    if entity == "participant":
        return (
            f"{{cardinality: one_to_many, on: {RECORD}}}"
            if layout.often(there)
            else f"{{cardinality: one_to_one, on: {RECORD}}}"
        )
    return "" if layout.often(there) else f"{{cardinality: many_to_one, on: {RECORD}}}"


def _arm(event: str) -> str:
    found = ARM.search(event)
    return found[0] if found else ""
