"""The verbs that hold other rules, in words: coalesce, text, reduce."""

from __future__ import annotations

from omics_orchestrator.steps.rule_words.phrases import Told, listed, numbered, quoted, separator, small
from omics_orchestrator.steps.rule_words.speaker import Speaker
from omics_orchestrator.verbs.coalesce import Coalesce
from omics_orchestrator.verbs.constant import Constant
from omics_orchestrator.verbs.copy import Copy
from omics_orchestrator.verbs.reduce import Reduce
from omics_orchestrator.verbs.text import Text


def coalesce(speaker: Speaker, rule: Coalesce) -> Told:
    """Return the words of `coalesce`; a constant at its end is what all others get."""
    parts = [speaker.tell(part) for part in rule.parts]
    last = rule.parts[-1]
    if isinstance(last, Constant) and len(parts) > 1:
        default = f"otherwise {speaker.value(last.value)}"
        parts.pop()
        if len(parts) == 1:
            return Told(f"{parts[0].within()}; {default}")
        told, shared = numbered(parts)
        return Told(f"the first of these that has a value: {told}; {default}", shared)
    told, shared = numbered(parts)
    return Told(f"the first of these that has a value: {told}", shared)


def text(speaker: Speaker, rule: Text) -> Told:
    """Return the words of `text`."""
    plain = speaker.as_text()
    parts = [plain.tell(part) for part in rule.parts]
    shared: tuple[str, ...] = ()
    if len(parts) == 1:
        phrase, shared = parts[0].phrase.removesuffix(", as it is"), parts[0].remarks
    elif all(isinstance(part, Copy) and not part.missing for part in rule.parts):
        columns = plain.columns(name for part in rule.parts for name in part.references())
        phrase = f"the texts in {columns}, joined by {separator(rule.join)}"
    else:
        told, shared = numbered(parts)
        phrase = f"the texts that there are of these, joined by {separator(rule.join)}: {told}"
    if rule.split is not None:
        phrase += f", split into items at {separator(rule.split)}"
    elif len(parts) == 1 and phrase != parts[0].phrase:
        phrase += ", as it is"
    spellings = [f"{quoted(old)} is read as {quoted(new)}" for old, new in rule.synonyms.items()]
    return Told(phrase, (*shared, *([listed(spellings)] if spellings else [])))


def reduce(speaker: Speaker, rule: Reduce) -> Told:
    """Return the words of `reduce`."""
    inner = speaker.tell(rule.inner)
    if rule.pick == "count":
        phrase = f"how many rows have a value: {inner.phrase}"
    else:
        phrase = f"{inner.phrase}; {_picked(speaker, rule)}"
    return Told(phrase, tuple(f"In each row: {small(one)}" for one in inner.remarks))


def _picked(speaker: Speaker, rule: Reduce) -> str:
    """Return which of several rows counts."""
    of_rows, kind = "of several rows", speaker.variable.type
    dated = kind in {"date", "partial_date"}
    if rule.pick == "nearest":
        near = f"the one whose {speaker.columns([rule.by or ''])} is nearest to {speaker.columns([rule.to or ''])}"
        return f"{of_rows} {near}" + (f", at most {rule.within} away" if rule.within else "")
    if rule.pick in {"first", "last"}:
        return f"{of_rows} the {rule.pick}, in the order of {speaker.columns([rule.by or ''])}"
    ends = {"min": "earliest" if dated else "lowest", "max": "latest" if dated else "highest"}
    coded = {"worst": "last", "best": "first"}
    if rule.pick in {"worst", "best"}:
        end = f"{coded[rule.pick]} in the order of the codes"
        if kind in {"integer", "decimal", "censored"}:
            end = "highest" if rule.pick == "worst" else "lowest"
        return f"{of_rows} the {rule.pick} ({end})"
    told = {"mean": "the mean of all rows", "median": "the median of all rows"}
    told["any"] = "yes where any row says yes"
    return told.get(rule.pick) or f"{of_rows} the {ends[rule.pick]}"
