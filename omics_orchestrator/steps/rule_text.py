"""A rule as one would write it in mapping.yaml, from the model that was stored of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omics_orchestrator.verbs import VERBS


def readable(rule: Any) -> str:
    """Return a rule as one would write it in mapping.yaml.

    >>> readable({"verb": "number", "columns": ["crp"], "unit": "mg/L"})
    '{number: crp, unit: mg/L}'
    """
    if isinstance(rule, Mapping) and rule.get("verb") in VERBS:
        argument = VERBS[rule["verb"]].argument
        options = {name: one for name, one in rule.items() if name not in {"verb", argument, "definition"}}
        given = rule.get(argument)
        if rule["verb"] == "copy" and not options:
            return readable(given)
        return readable({rule["verb"]: given, **options})
    if isinstance(rule, Mapping):
        return "{" + ", ".join(f"{name}: {readable(one)}" for name, one in rule.items()) + "}"
    if isinstance(rule, list):
        return readable(rule[0]) if len(rule) == 1 else f"[{', '.join(map(readable, rule))}]"
    return {True: "yes", False: "no"}.get(rule, str(rule)) if isinstance(rule, bool) else str(rule)
