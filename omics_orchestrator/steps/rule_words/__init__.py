"""A rule as one or two plain sentences, for readers who know no YAML: where a value comes from, how it is read.

What stands between backticks is code. As it is written in mapping.yaml: steps/rule_text.py.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as Dict

from omics_orchestrator.dictionary import Dictionary, Variable
from omics_orchestrator.steps.rule_words import column_verbs, computed_verbs, joined_verbs
from omics_orchestrator.steps.rule_words.phrases import REASONS, Told
from omics_orchestrator.steps.rule_words.places import Places
from omics_orchestrator.steps.rule_words.speaker import Speaker, Speech
from omics_orchestrator.studies.mapping import EntityBlock, Mapping
from omics_orchestrator.verbs import VERBS, Verb

SPEECHES: dict[str, Speech] = {
    "copy": column_verbs.copied,
    "constant": column_verbs.constant,
    "recode": column_verbs.recode,
    "number": column_verbs.number,
    "date": column_verbs.date,
    "ticked": column_verbs.ticked,
    "one_of": column_verbs.one_of,
    "any_of": column_verbs.any_of,
    "derive": computed_verbs.derive,
    "when": computed_verbs.when,
    "score": computed_verbs.score,
    "coalesce": joined_verbs.coalesce,
    "text": joined_verbs.text,
    "reduce": joined_verbs.reduce,
}


def rule_in_words(
    rule: Verb,
    variable: Variable,
    mapping: Mapping,
    dictionary: Dictionary,
    delivered: Dict[str, Collection[str]] | None = None,
) -> str:
    """Return a rule as sentences.

    Args:
        rule: the rule of the variable.
        variable: what it makes.
        mapping: the study's mapping.yaml, in which it stands.
        dictionary: labels of codes, units, cut-offs.
        delivered: table (`<source>.<table>`) → its columns; without it the words name every table in which a
            column may lie.
    """
    speeches = {VERBS[name]: speech for name, speech in SPEECHES.items()}
    block = mapping.entities[variable.entity]
    places = Places(block, delivered or {})
    speaker = Speaker(variable, places, dictionary, {*block.rules, *mapping.none}, speeches)
    told = speaker.tell(rule)
    read = [*rule.references(), *computed_verbs.source_columns(speaker, rule)]
    return str(Told(told.phrase, (*told.remarks, *_blank(rule, block), *places.remarks(read))))


def _blank(rule: Verb, block: EntityBlock) -> tuple[str, ...]:
    """Return the sentence on empty cells, where they mean more than that nobody collected it."""
    if rule.reads_variables:
        return ()
    said = getattr(rule, "blank", None)
    own = said if said != "no" else None  # of any_of: its own words tell it
    told = own is not None or block.blank != "not_collected"
    return (f"Where nothing is written: {REASONS[own or block.blank]}",) if told else ()
