"""What became of each dictionary variable in one entity of a study: computed from ledger, findings and table.

`complete` is never claimed: it is what is left when nothing was lost. All studies together: steps/status.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from omics_orchestrator.dictionary import KEYS, Dictionary
from omics_orchestrator.findings import Finding
from omics_orchestrator.harmonise.ledger import IN
from omics_orchestrator.harmonise.steps import INVALID, UNMAPPED
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.dating import dated_rules
from omics_orchestrator.verbs import Verb

COMPLETE, PARTIAL, IMPOSSIBLE = "complete", "partial", "impossible"
UNDETERMINED, RESTRICTED, ERROR = "undetermined", "restricted", "error"
STATUSES = (COMPLETE, PARTIAL, IMPOSSIBLE, UNDETERMINED, RESTRICTED, ERROR)

COUNTS = ("n_source", "n_value", "n_unmapped", "n_invalid", "n_out_of_range", "n_conflict", "n_missing")
SCHEMA = pa.schema(
    [
        ("variable", pa.string()),
        ("status", pa.string()),
        ("why", pa.string()),
        *((name, pa.int64()) for name in COUNTS),
        ("coverage", pa.float64()),
    ]
)
LOSSES = {
    "n_unmapped": "codes that no rule names",
    "n_invalid": "cells that cannot be read",
    "n_out_of_range": "values out of bounds",
    "n_conflict": "keys whose answers disagree",
    "n_unbalanced": "values that are not accounted for",
}
CHECKS = {"codes": "n_unmapped", "values": "n_invalid", "bounds": "n_out_of_range", "conflicts": "n_conflict"}


def status_table(
    study: Study,
    entity: str,
    dictionary: Dictionary,
    table: pa.Table,
    ledger: pa.Table,
    findings: Iterable[Finding],
) -> pa.Table:
    """Return one row per dictionary variable of the entity, in the dictionary's order.

    Args:
        study: the study.
        entity: an entity of its mapping.
        dictionary: the data dictionary.
        table: the harmonised rows.
        ledger: variable, outcome, count.
        findings: what harmonising told.
    """
    counts = _counts(ledger, findings)
    rules = study.mapping.entities[entity].rules  # type: ignore[index]
    waiting = _waiting(study, entity)
    rows = []
    for name in (
        variable.name for variable in dictionary.of_entity(entity) if variable.name not in KEYS[entity]
    ):
        if name in rules and name in table.column_names:
            rows.append(_made(name, rules[name], table, counts.get(name, Counter()), waiting.get(name)))
        else:
            rows.append(absent(study, name))
    return pa.Table.from_pylist(rows, SCHEMA)


def absent(study: Study, name: str) -> dict[str, Any]:
    """Return the row of a variable that no rule of the study makes."""
    declared = study.mapping.none.get(name)
    if declared is None:
        return {"variable": name, "status": UNDETERMINED, "why": "neither a rule nor an entry under none:"}
    return {"variable": name, "status": declared.status, "why": declared.reason}


def _made(name: str, rule: Verb, table: pa.Table, counts: Counter[str], waits: str | None) -> dict[str, Any]:
    """Return the row of a variable that a rule makes."""
    values = table.num_rows - table[name].null_count
    lost = {what: counts[what] for what in LOSSES if counts[what]}
    why = [f"{LOSSES[what]}: {number}" for what, number in lost.items()]
    if waits:
        why.append(waits)
    elif not values and not lost:
        why.append("no row has a value")
    return {
        "variable": name,
        "status": PARTIAL if lost else COMPLETE,
        "why": " · ".join(why),
        **{what: counts[what] for what in COUNTS},
        "n_source": None if rule.reads_variables else counts["n_source"],
        "n_value": values,
        "n_missing": table.num_rows - values,
        "coverage": values / table.num_rows if table.num_rows else None,
    }


def _counts(ledger: pa.Table, findings: Iterable[Finding]) -> dict[str, Counter[str]]:
    """Return variable → what was counted of it. A finding also counts flaws that another column made good."""
    found: dict[str, Counter[str]] = {}
    sums: dict[str, Counter[bool]] = {}
    for row in ledger.to_pylist():
        name, outcome, number = row["variable"], row["outcome"], row["count"]
        sums.setdefault(name, Counter())[outcome == IN] += number
        if what := {IN: "n_source", UNMAPPED: "n_unmapped", INVALID: "n_invalid"}.get(outcome):
            found.setdefault(name, Counter())[what] = number
    for name, total in sums.items():
        found.setdefault(name, Counter())["n_unbalanced"] = abs(total[True] - total[False])
    for finding in findings:
        if finding.severity != "note" and (what := CHECKS.get(finding.check)):
            counter = found.setdefault(finding.subject, Counter())
            counter[what] = max(counter[what], finding.count)
    return found


def _waiting(study: Study, entity: str) -> Mapping[str, str]:
    """Return the variables that harmonising leaves pending → what they wait for."""
    dates = [name for name, dataset in study.datasets.items() if dataset.reference_date is not None]
    told = f"computed in {', '.join(dates)}" if dates else "no dataset gives the reference_date"
    return dict.fromkeys(dated_rules(study.mapping, entity), f"pending: {told}")
