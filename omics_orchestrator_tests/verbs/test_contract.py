"""What every verb promises; runs on each member of the register without being told."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, get_args

import pytest

from omics_orchestrator import verbs
from omics_orchestrator.verbs import VERBS, AnyVerb
from omics_orchestrator.verbs.base import Target
from omics_orchestrator_tests.verbs.cells import ADAPTER, rule

EXAMPLES: dict[str, Any] = {
    "copy": "a",
    "constant": {"constant": "yes"},
    "recode": {"recode": "a", "map": {"1": "yes"}, "missing": {"9": "unknown"}},
    "number": {"number": "a", "censored": "true", "decimal": ","},
    "date": {"date": "a", "formats": ["%d.%m.%Y"], "partial": {"01-01": "year"}},
    "derive": {"derive": "x or y"},
    "when": {"when": [{"if": "x > 1", "then": "yes"}], "else": "no"},
    "coalesce": {"coalesce": ["a", {"recode": "b", "map": {"1": "yes"}}]},
    "any_of": {"any_of": ["a", "b"], "yes": ["1"], "no": ["0"]},
    "one_of": {"one_of": "a", "map": {"0": "L1", "1": "L2"}, "missing": {"-1000": "unknown"}},
    "text": {"text": ["a", {"recode": "b", "map": {"1": "one"}}], "join": "; "},
    "reduce": {"reduce": {"recode": "a", "map": {"1": "yes"}}, "pick": "first", "by": "b"},
    "score": {
        "score": "s",
        "definition": {"label": "S", "source": "here", "missing": "unknown", "derive": "x or y"},
    },
    "ticked": {"ticked": "a", "option": "1"},
}
NOT_VERBS = {"__init__", "base", "expression", "functions", "nodes", "postgres", "threevalued"}


def test_the_register_is_the_union_and_the_folder():
    union = {member.model_fields["verb"].default: member for member in get_args(get_args(AnyVerb)[0])}
    modules = {path.stem for path in Path(verbs.__file__).parent.glob("*.py")} - NOT_VERBS
    assert union == VERBS
    assert set(VERBS) == modules == set(EXAMPLES)


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_lives_in_the_module_of_its_name_and_explains_itself(name):
    verb = VERBS[name]
    assert verb is getattr(importlib.import_module(f"omics_orchestrator.verbs.{name}"), verb.__name__)
    assert len(verb.explain()) > 20
    assert f"{{{name}:" in verb.__doc__ or f"{name}:" in verb.__doc__, "the docstring shows an example"
    undocumented = [
        field for field, info in verb.model_fields.items() if field != "verb" and not info.description
    ]
    assert undocumented == []


@pytest.mark.parametrize("name", VERBS)
def test_a_rule_survives_the_round_trip(name):
    first = rule(EXAMPLES[name])
    assert type(first) is VERBS[name]
    assert ADAPTER.validate_python(first.model_dump(by_alias=True)) == first
    assert ADAPTER.validate_json(first.model_dump_json(by_alias=True)) == first


@pytest.mark.parametrize("name", VERBS)
def test_an_unknown_option_is_refused(name):
    raw = EXAMPLES[name]
    raw = {"copy": raw} if isinstance(raw, str) else raw
    with pytest.raises(ValueError, match="extra_forbidden|Extra inputs"):
        rule({**raw, "no_such_option": "1"})


@pytest.mark.parametrize("name", VERBS)
def test_a_rule_is_frozen_and_writes_sql(name):
    made = rule(EXAMPLES[name])
    with pytest.raises(ValueError, match="frozen"):
        made.verb = "copy"
    assert made.cell(Target("x", "boolean")).value
