"""`omics trace`: the way of one value on one page. It shows a participant's data to the person who asked."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console

from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.trace import TraceRow, trace
from omics_orchestrator.steps.workspace import Workspace


def show_trace(
    study: str, participant: str, variable: str, *, visit: str | None = None, sample: str | None = None
) -> None:
    """Print each value, the cells that it comes from, and below it what it is computed from."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    workspace = Workspace(Settings.from_environment())
    rows = trace(workspace, study, participant, visit_id=visit, sample_id=sample, variable=variable)
    for _, group in groupby(
        rows, key=lambda row: (row.variable, row.input_of, row.depth, row.visit_id, row.sample_id)
    ):
        _show(console, list(group), workspace)


def _show(console: Console, rows: list[TraceRow], workspace: Workspace) -> None:
    row = rows[0]
    pad = "    " * row.depth
    where = " · ".join(filter(None, [row.participant_id, row.visit_id, row.sample_id]))
    known = workspace.dictionary.variables.get(row.variable)
    unit = f" {known.unit.strip('{}')}" if known and known.unit and row.value is not None else ""
    console.print(
        f"{pad}{row.variable} = {_value(row)}{unit}" + (f"    {where}" if not row.depth else ""), style="bold"
    )
    if row.rule:
        version = (
            f"    (rule {row.rule_version}, dictionary {row.dictionary_version})" if row.rule_version else ""
        )
        console.print(f"{pad}  rule     {row.rule}{version}")
    for cell in rows:
        if cell.column:
            text = "(empty)" if cell.raw_text is None or not cell.raw_text.strip() else repr(cell.raw_text)
            console.print(
                f"{pad}  from     {cell.source_table}, {cell.record}: {cell.column} {text} → {cell.outcome}"
            )
    if row.harmonise_run:
        read = ", ".join(sorted({cell.extract_run for cell in rows if cell.extract_run}))
        told = f"; raw rows stored in run {read}" if read else ""
        written = f", table written {row.written_at:%Y-%m-%d %H:%M} UTC" if row.written_at else ""
        console.print(f"{pad}  run      {row.harmonise_run}{written}{told}")
    if row.agrees is False:
        again = "the raw table or the rules changed since; run omics materialize"
        console.print(f"{pad}  differs  read again, the raw text gives another value: {again}", style="red")
    elif row.agrees:
        console.print(f"{pad}  agrees   read again, the raw text gives the same value", style="green")


def _value(row: TraceRow) -> str:
    """Return a value as people write it, or why there is none."""
    if row.value is None:
        return f"missing ({row.missing or 'unknown'})"
    shown = {True: "yes", False: "no"}.get(row.value, row.value) if isinstance(row.value, bool) else row.value
    if row.comparator in {"year", "month"}:
        return str(shown)[: 4 if row.comparator == "year" else 7]
    return f"{row.comparator or ''}{shown}"
