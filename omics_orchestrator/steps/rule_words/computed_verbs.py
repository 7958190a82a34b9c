"""The verbs over variables, in words: derive, when, score. The expression itself is shown as it stands."""

from __future__ import annotations

from collections.abc import Iterator

from omics_orchestrator.dictionary.thresholds import PREFIX
from omics_orchestrator.steps.rule_words.phrases import MOST, REASONS, Told, clean, code, listed
from omics_orchestrator.steps.rule_words.places import GROUP
from omics_orchestrator.steps.rule_words.speaker import Speaker
from omics_orchestrator.steps.unit_print import in_print
from omics_orchestrator.studies.dating import PARTICIPANT, REFERENCE_DATE
from omics_orchestrator.verbs import Verb
from omics_orchestrator.verbs.derive import Derive
from omics_orchestrator.verbs.expression import names, source_calls
from omics_orchestrator.verbs.score import Score
from omics_orchestrator.verbs.when import When

UNDECIDED = "Where a case cannot be decided because something is missing, there is no value"


def derive(speaker: Speaker, rule: Derive) -> Told:
    """Return the words of `derive`."""
    return Told(f"computed{_inputs(speaker, rule)}: {code(rule.expression)}")


def when(speaker: Speaker, rule: When) -> Told:
    """Return the words of `when`."""
    inputs = _inputs(speaker, rule, shown=False)
    return Told(f"decided{inputs} in this order: {_cases(speaker, rule)}", (UNDECIDED,))


def score(speaker: Speaker, rule: Score) -> Told:
    """Return the words of `score`; of a sum of items the items alone."""
    made, given = rule.rule, rule.definition
    label, source = f'the score "{clean(given.label)}"', f"Source: {clean(given.source)}"
    if isinstance(made, When):
        inputs = _inputs(speaker, made, shown=False)
        return Told(f"{label}, decided{inputs} in this order: {_cases(speaker, made)}", (UNDECIDED, source))
    told = f"{label}, computed{_inputs(speaker, made)}"
    if given.items:
        return Told(told, ("No value where one of them is missing", source))
    return Told(f"{told}: {code(given.formula)}", (source,))


def _cases(speaker: Speaker, rule: When) -> str:
    told = []
    for case in rule.cases:
        answer = f"no value ({REASONS[case.missing]})" if case.missing else speaker.value(case.then or "")
        told.append(f"{answer} where {code(case.condition)}")
    if len(told) > MOST + 1:
        told = [*told[:MOST], f"{len(told) - MOST} more cases"]
    default = "no value" if rule.otherwise is None else speaker.value(rule.otherwise)
    return "; ".join([*told, f"otherwise {default}"])


def _inputs(speaker: Speaker, rule: Verb, *, shown: bool = True) -> str:
    """Return ` from …`; what is decided case by case shows its variables there."""
    found = names_in(rule)
    columns = set(source_columns(speaker, rule))
    read = [name for name in found if name in columns or name.startswith(GROUP)]
    told = [speaker.columns(read)] if read else []
    told += [
        _told(speaker, name) for name in found if name not in read and (shown or name.startswith(PREFIX))
    ]
    return f" from {listed(told)}" if told else ""


def names_in(rule: Verb) -> list[str]:
    """Return every name in the expressions of a rule, each once."""
    return list(dict.fromkeys(name for text in rule.expressions() for name in names(text)))


def _told(speaker: Speaker, name: str) -> str:
    if name == REFERENCE_DATE:
        return "the reference date"
    return _cut_off(speaker, name.removeprefix(PREFIX)) if name.startswith(PREFIX) else code(name)


def source_columns(speaker: Speaker, rule: Verb) -> Iterator[str]:
    """Yield the source columns that the expressions of a rule read."""
    for text in rule.expressions():
        for _, name in source_calls(text):
            if name not in speaker.known and not name.startswith(PARTICIPANT):
                yield name


def _cut_off(speaker: Speaker, name: str) -> str:
    limit = speaker.dictionary.thresholds.get(name)
    told = f" ({limit.value:g} {in_print(limit.unit)}".rstrip() + ")" if limit else ""
    return f"the cut-off {code(name)}{told}"
