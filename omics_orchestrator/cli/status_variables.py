"""`omics status --variables`: study × variable, what became of each; in colours on a terminal, plain text elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from omics_orchestrator.harmonise.status import COUNTS
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.status import COLOURS, Status, StatusMatrix, legend, status_matrix
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study

WIDTH = 400  # columns of a redirected terminal: a table in a file or pipe is never cut


def show_variables_status(study: str | None, entity: str | None) -> None:
    """Print the matrix; of one study also the counts and the reason."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=WIDTH, highlight=False)
    workspace = Workspace(Settings.from_environment())
    matrix = status_matrix(workspace, study=study, entity=entity)
    table = Table(box=None, pad_edge=False, header_style="bold")
    one = matrix.studies[0] if study else None
    for name in ("entity", "variable", *(("status", "coverage", *COUNTS, "why") if one else matrix.studies)):
        table.add_column(name, overflow="fold")
    for (group, variable), row in matrix.cells.items():
        cells = _full(row[one]) if one else [_short(row[name]) for name in matrix.studies]
        table.add_row(group, variable, *cells)
    if not one:
        console.print("  ".join(legend()), "  share of rows with a value")
    console.print(table)
    console.print(summary(matrix))
    if one:
        _caveats(console, workspace.catalogue.studies[one])


def _caveats(console: Console, study: Study) -> None:
    """Print what is known to limit a study."""
    if study.caveats:
        console.print("\nKnown limitations", style="bold")
    for caveat in study.caveats:
        console.print(f"- {escape(str(caveat))}", soft_wrap=True)


def _short(status: Status) -> Text:
    """Return `P 94%`: the status by its letter, then the coverage."""
    return _coloured(f"{status.status[0].upper()} {_percent(status):<4}", status)


def _full(status: Status) -> list[Text]:
    counts = status.counts or {}
    numbers = ["" if counts.get(name) is None else str(counts[name]) for name in COUNTS]
    return [_coloured(status.status, status), *map(Text, (_percent(status), *numbers, status.why))]


def _coloured(text: str, status: Status) -> Text:
    red, green, blue = COLOURS[status.status]
    return Text(text, style=f"black on rgb({red},{green},{blue})")


def _percent(status: Status) -> str:
    return "" if status.coverage is None else f"{status.coverage:.0%}"


def summary(matrix: StatusMatrix) -> str:
    """Return `61 % complete · 8 % partial · …` over all cells of the matrix."""
    counted = matrix.counted()
    total = sum(counted.values()) or 1
    shares = " · ".join(f"{number / total:.0%} {word}".replace("%", " %") for word, number in counted.items())
    variables = f"{len(matrix.cells)} variable{'' if len(matrix.cells) == 1 else 's'}"
    studies = f"{len(matrix.studies)} stud{'y' if len(matrix.studies) == 1 else 'ies'}"
    return f"{shares}  ({variables} in {studies})"
