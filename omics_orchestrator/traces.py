"""The notebook door to the way of one value: `trace`. What it finds out is in steps/trace.py.

Answers show a participant's data, because a person asked for them; nothing of them is logged or stored.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.trace import TraceRow
from omics_orchestrator.steps.trace import trace as trace_rows
from omics_orchestrator.steps.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd


def trace(
    study: str,
    participant_id: str,
    *,
    visit_id: str | None = None,
    sample_id: str | None = None,
    variable: str,
) -> pd.DataFrame:
    """Show where a harmonised value comes from, one row per source cell.

    Args:
        study: the study.
        participant_id: in any spelling that the study knows.
        visit_id: the visit; without it a variable of visits is traced on each of them.
        sample_id: the sample; likewise. With it, a variable of visits is that of the sample's visit.
        variable: a variable of the dictionary that the study has.

    Returns:
        The value as it is stored (with comparator, or the reason why it is missing), then source table, record,
        column, raw text and what became of it, the rule, versions and runs. The raw text is read again by today's
        rule: where `agrees` is False, raw table or rules changed since, and `omics materialize` mends it. What a
        computed variable is made of follows below it, named in `input_of`.

    Raises:
        UnknownKey: no such study, variable, participant, visit or sample.
    """
    import pandas as pd

    workspace = Workspace(Settings.from_environment())
    rows = trace_rows(
        workspace, study, participant_id, visit_id=visit_id, sample_id=sample_id, variable=variable
    )
    names = [one.name for one in fields(TraceRow) if one.name != "depth"]
    frame = pd.DataFrame([asdict(row) for row in rows], columns=names, dtype=object)
    frame["agrees"] = frame["agrees"].astype("boolean")
    frame["written_at"] = pd.to_datetime(frame["written_at"], utc=True)
    return frame
