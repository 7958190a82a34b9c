"""docs/formats.md, made from the formats themselves: what each is, what is checked, which options it takes.

Written by `python -m omics_orchestrator.studies.schema` beside the schemas.
"""

from __future__ import annotations

import inspect

from omics_orchestrator.formats import FORMATS, Format
from omics_orchestrator.settings import WORKING_COPY

FORMATS_PAGE = WORKING_COPY / "docs" / "formats.md"
HEAD = """\
# File formats

What an assay of `study.yaml` may name under `format:`. `make schemas` writes this page from the formats themselves.
What counts as valid, as a warning, as invalid: [adr/0016](adr/0016-valid-warnings-invalid.md).
The first bytes of a file decide which format it seems to have, not its name.

| word | names end in | sample names inside |
|---|---|---|
"""


def formats_page() -> str:
    """Return the page as Markdown."""
    rows = [
        f"| [`{tag}`](#{tag}) | {_suffixes(kind)} | {'yes' if kind.holds_samples else 'no'} |"
        for tag, kind in sorted(FORMATS.items())
    ]
    sections = [_section(tag, kind) for tag, kind in sorted(FORMATS.items())]
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join(sections)


def _suffixes(kind: type[Format]) -> str:
    return ", ".join(f"`{suffix}`" for suffix in kind.suffixes) or "anything"


def _section(tag: str, kind: type[Format]) -> str:
    lines = [f"## {tag}", "", inspect.cleandoc(kind.__doc__ or ""), ""]
    if kind.companions:
        lines += ["Registered with it: " + ", ".join(f"`{suffix}`" for suffix in kind.companions) + ".", ""]
    options = {name: field for name, field in kind.model_fields.items() if name != "format"}
    if options:
        lines += ["| option | meaning |", "|---|---|"]
        for name, field in options.items():
            needed = "" if not field.is_required() else " (must be given)"
            lines.append(f"| `{name}` | {' '.join((field.description or '').split())}{needed} |")
        lines.append("")
    return "\n".join(lines)
