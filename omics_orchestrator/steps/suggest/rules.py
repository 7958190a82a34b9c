"""The rule that a suggestion would become, as YAML for mapping.yaml. Nothing is written: a person pastes it.

Codes stand in it only where a codebook states them; cells never do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from omics_orchestrator.dictionary import Variable
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.ranking import Candidate

PLAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.+/ -]*[A-Za-z0-9_.+/-])?")
NUMBERS = {"integer", "decimal", "censored"}
RULED = 0.4  # the least score of a suggestion that is written as a rule


def rule_of(column: SourceColumn, candidate: Candidate, variable: Variable) -> str:
    """Return the line of a block: `sex: {recode: sex, map: {1: male, 2: female}}`; '' = a person must write it."""
    rule = _rule(column, candidate, variable)
    return f"{variable.name}: {rule}" if rule else ""


def remark_of(column: SourceColumn, candidate: Candidate, variable: Variable) -> str:
    """Return what a person must still decide about the rule, '' = nothing."""
    about = column.about
    if variable.type in {"code", "boolean"} and column.words and not about.choices:
        return "its codes stand in no codebook: write the map by hand"
    if candidate.codes.map and (candidate.codes.open or candidate.codes.alike):
        said = {code: f"{code} ({about.choices.get(code, '')})" for code in about.choices}
        alike = ", ".join(f"{said[code]} = {candidate.codes.map[code]}" for code in candidate.codes.alike)
        left = ", ".join(said[code] for code in candidate.codes.open)
        parts = (f"only alike: {alike}" if alike else "", f"fits no code: {left}" if left else "")
        return "; ".join(filter(None, parts))
    if variable.type in NUMBERS and variable.unit and not column.unit and not variable.unit.startswith("{"):
        return f"in which unit? the dictionary has {variable.unit}"
    return ""


def _rule(column: SourceColumn, candidate: Candidate, variable: Variable) -> str:
    about, codes = column.about, candidate.codes
    name = about.name
    if about.option:
        field = name.partition("___")[0]
        return _flow({"ticked": field, "option": about.option}) if variable.type == "boolean" else ""
    if variable.type in {"code", "boolean"}:
        if not about.choices or not codes.map:
            return ""
        verb = {"one_of": name.removesuffix("___*")} if about.kind == "several" else {"recode": name}
        missing = {"missing": dict(codes.missing)} if codes.missing else {}
        return _flow({**verb, "map": dict(codes.map), **missing})
    if about.kind == "several" or variable.type in {"set", "file"}:
        return ""
    if variable.type in NUMBERS:
        return _flow({"number": name, **({"unit": column.unit} if column.unit else {})})
    return _flow({"date": name}) if variable.type in {"date", "partial_date"} else scalar(name)


def _flow(mapping: Mapping[str, object]) -> str:
    cells = (
        f"{scalar(key)}: {_flow(value) if isinstance(value, dict) else scalar(str(value))}"
        for key, value in mapping.items()
    )
    return "{" + ", ".join(cells) + "}"


def scalar(text: str) -> str:
    """Return a text as YAML reads it back, quoted where a sign could mean something else."""
    return text if PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
