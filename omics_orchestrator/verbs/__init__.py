"""The verbs of the mapping language: one module each, and the union that is their register.

`normalise` turns what stands in YAML into what the models read. Tables, keys and joins belong to harmonise/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.verbs.any_of import AnyOf
from omics_orchestrator.verbs.base import Cell, Target, Verb
from omics_orchestrator.verbs.coalesce import Coalesce
from omics_orchestrator.verbs.constant import Constant
from omics_orchestrator.verbs.copy import Copy
from omics_orchestrator.verbs.date import Date
from omics_orchestrator.verbs.derive import Derive
from omics_orchestrator.verbs.number import Number
from omics_orchestrator.verbs.one_of import OneOf
from omics_orchestrator.verbs.recode import Recode
from omics_orchestrator.verbs.reduce import Reduce
from omics_orchestrator.verbs.score import Score
from omics_orchestrator.verbs.text import Text
from omics_orchestrator.verbs.ticked import Ticked
from omics_orchestrator.verbs.when import When

AnyVerb: TypeAlias = Annotated[
    Copy
    | Constant
    | Recode
    | Number
    | Date
    | Derive
    | When
    | Coalesce
    | AnyOf
    | OneOf
    | Text
    | Reduce
    | Score
    | Ticked,
    Field(discriminator="verb"),
]
VERBS: dict[str, type[Verb]] = {
    "copy": Copy,
    "constant": Constant,
    "recode": Recode,
    "number": Number,
    "date": Date,
    "derive": Derive,
    "when": When,
    "coalesce": Coalesce,
    "any_of": AnyOf,
    "one_of": OneOf,
    "text": Text,
    "ticked": Ticked,
    "reduce": Reduce,
    "score": Score,
}
LISTS = frozenset({"columns", "parts", "cases"})

for _holder in (Coalesce, Text, Reduce):
    _holder.model_rebuild(_types_namespace={"AnyVerb": AnyVerb})

__all__ = ["VERBS", "AnyVerb", "Cell", "Target", "Verb", "normalise"]


def normalise(raw: object, missing: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a rule as a model reads it: `{recode: sex, map: …}` → `{verb: recode, columns: [sex], map: …}`.

    Args:
        raw: the rule as it stands in YAML; a bare text is a copy.
        missing: the block's own `missing:` words. They are added to the rule's, unless the rule names the
        word
            itself (in `missing`, `map`, `yes`, `no`) or says `missing: {}`.

    Raises:
        ValueError: when not exactly one known verb is named.
    """
    if isinstance(raw, str):
        raw = {"copy": raw}
    if not isinstance(raw, Mapping):
        raise ValueError("a rule is a column name or {<verb>: <columns>, options}")  # noqa: TRY004 - for pydantic
    named = [key for key in raw if key in VERBS]
    if len(named) != 1:
        if named:
            raise ValueError(f"a rule has one verb, this one names {' and '.join(named)}")
        known = suggest(str(next(iter(raw), "")), VERBS)
        raise ValueError(f"a rule begins with its verb; {known}")
    verb = VERBS[named[0]]
    rule = {"verb": named[0], **{key: value for key, value in raw.items() if key != named[0]}}
    rule[verb.argument] = _argument(raw[named[0]], verb, missing)
    if missing and verb.argument == "columns":
        _add_missing(rule, missing)
    return rule


def _argument(value: object, verb: type[Verb], missing: Mapping[str, Any] | None) -> object:
    """Return what follows the verb, as a list where the model wants one; coalesce, text and reduce hold rules."""
    if verb.argument == "inner":
        return normalise(value, missing)
    if verb.argument not in LISTS:
        return value
    listed = list(value) if isinstance(value, list | tuple) else [value]
    return [normalise(part, missing) for part in listed] if verb.argument == "parts" else listed


def _add_missing(rule: dict[str, Any], missing: Mapping[str, Any]) -> None:
    own = rule.get("missing")
    if own is None or (isinstance(own, Mapping) and own):
        named = {word for key in ("map", "yes", "no") for word in _words(rule.get(key))}
        rule["missing"] = {word: why for word, why in missing.items() if word not in named} | dict(own or {})


def _words(value: object) -> list[str]:
    return [str(word) for word in value] if isinstance(value, Mapping | list | tuple) else []
