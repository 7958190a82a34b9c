"""The draft of a study: each suggestion in the block that can read its column, and all that has no suggestion.

Only where rows come from is declared; every rule is a comment until a person uncomments it. The text: text.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.steps.new_study.origin import Guess, Origin
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.ranking import Candidate
from omics_orchestrator.steps.suggest.rules import RULED, remark_of, rule_of

SECOND = 0.6  # the least score of a second column for a variable that is told
SEVERAL = "which of several rows? see reduce"
SMALL_WORDS = frozenset(
    {"of", "or", "to", "in", "on", "at", "for", "the", "and", "has", "is", "any", "other", "number", "type"}
)
Ranked = Sequence[tuple[SourceColumn, Sequence[Candidate]]]


@dataclass(frozen=True)
class Draft:
    """A study as it is drafted.

    Attributes:
        origin: what it is drafted from.
        rules: entity → lines of its block, comments all.
        joins: entity → table → how it is joined.
        guesses: entity → its rows, those that are written.
        elsewhere: suggestions for which no block has a place, a line each.
        identifiers: columns that seem to hold direct identifiers.
        undecided: columns without a suggestion.
        ruled: how many rules were suggested.
        by_hand: how many suggestions need a rule that a person writes.
    """

    origin: Origin
    guesses: dict[str, Guess]
    rules: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    joins: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    elsewhere: list[str] = field(default_factory=list)
    identifiers: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    ruled: int = 0
    by_hand: int = 0


def drafted(origin: Origin, columns: Sequence[SourceColumn], ranked: Ranked, dictionary: Dictionary) -> Draft:
    """Return the draft: each suggestion that scores enough in the block that can read its column."""
    keys = {(guess.table, name) for guess in origin.guesses.values() for name in guess.key}
    keys |= set(origin.keys)
    free = [one for one in columns if (one.table, one.about.name) not in keys]
    twice = _twice(columns)
    draft = Draft(origin, {entity: guess for entity, guess in origin.guesses.items() if guess.sure})
    draft.identifiers.extend(_called(one, twice) for one in free if one.identifying and not one.about.option)
    best = [
        (one, found[0])
        for one, found in ranked
        if found and _speaks(found[0]) and (one.table, one.about.name) not in keys
    ]
    placed = set()
    counts = {"ruled": 0, "by_hand": 0}
    owner = _owners(best)
    for column, one in best:
        first = owner[one.variable] == column.reference
        if first or one.score >= SECOND:
            name = _called(column, twice)
            counts[_place(draft, column, one, dictionary, first=first, name=name)] += 1
            placed.add(column.reference)
    boxes = {one.reference.rpartition("___")[0] for one in free if one.about.name.endswith("___*")}
    for left in free:
        box = bool(left.about.option) and left.reference.rpartition("___")[0] in boxes
        if not (left.identifying or left.reference in placed or box or _box_placed(left, placed)):
            draft.undecided.append(_called(left, twice))
    return replace(draft, ruled=counts["ruled"], by_hand=counts["by_hand"])


def _speaks(one: Candidate) -> bool:
    """Tell whether more than the score speaks for a candidate: words with a meaning, or other studies."""
    if one.score < RULED:
        return False
    reasons = [text for text in one.why if text.startswith(("words ", "so in "))]
    words = {word for text in reasons for word in text.removeprefix("words ").split(", ")}
    return bool(words - SMALL_WORDS)


def _owners(best: Sequence[tuple[SourceColumn, Candidate]]) -> dict[str, str]:
    """Return variable → the column that fits best: a variable has one rule."""
    owner: dict[str, str] = {}
    for column, one in sorted(best, key=lambda pair: -pair[1].score):
        owner.setdefault(one.variable, column.reference)
    return owner


def _place(
    draft: Draft, column: SourceColumn, one: Candidate, dictionary: Dictionary, *, first: bool, name: str
) -> str:
    """Put a suggestion where it belongs; return what it counts as."""
    variable = dictionary.variables[one.variable]
    reading = replace(column, about=replace(column.about, name=name))
    rule, remark = rule_of(reading, one, variable), remark_of(reading, one, variable)
    reached = _reach(draft, variable.entity, column.table)
    if reached and "one_to_many" in draft.joins[variable.entity].get(column.table, ""):
        remark = f"{remark}; {SEVERAL}" if remark else SEVERAL
    why = f"{one.score:.2f} {'; '.join(one.why)}" + (f" ! {remark}" if remark else "")
    said = (
        f"{rule}    # {why}" if rule else f"{variable.name}, from {name}: write the rule by hand    # {why}"
    )
    if rule and not first:
        said = f"or {said}"
    said = " ".join(said.splitlines())
    if reached:
        draft.rules[variable.entity].append(said if rule and first else f"({said})")
    else:
        draft.elsewhere.append(f"{variable.entity}, from {column.table}: {said}")
    return "ruled" if rule else "by_hand"


def _reach(draft: Draft, entity: str, table: str) -> bool:
    """Tell whether the block of an entity reads a table, if need be after joining it."""
    guess = draft.origin.guesses.get(entity)
    if guess is None:
        return False
    if guess.table != table:
        how = draft.origin.join(entity, table)
        if not how:
            return False
        draft.joins[entity][table] = how
    draft.guesses.setdefault(entity, guess)
    return True


def _twice(columns: Sequence[SourceColumn]) -> set[str]:
    """Return the names that several tables have: they are written with their table."""
    places: dict[str, set[str]] = defaultdict(set)
    for one in columns:
        places[one.about.name].add(one.table)
    return {name for name, tables in places.items() if len(tables) > 1}


def _called(column: SourceColumn, twice: set[str]) -> str:
    return column.reference if column.about.name in twice else column.about.name


def _box_placed(column: SourceColumn, placed: set[str]) -> bool:
    """Tell whether a rule was suggested for a box of a checkbox field."""
    stem = column.reference.removesuffix("*")
    return stem != column.reference and any(name.startswith(stem) for name in placed)
