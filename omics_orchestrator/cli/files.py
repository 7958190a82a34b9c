"""`omics files`, `omics register`, `omics verify`: the registered files, as a person asks for them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from omics_orchestrator.cli.tables import print_rows
from omics_orchestrator.cli.words import omics
from omics_orchestrator.errors import NotConfigured, StorageError, UnknownKey
from omics_orchestrator.findings import counted
from omics_orchestrator.registry.barred import BarredFile, barred_of
from omics_orchestrator.registry.query import files_of
from omics_orchestrator.registry.whose import REASONS
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.register import register
from omics_orchestrator.steps.verify import verify
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.barred import escaped

WIDE = ("number", "study", "assay", "file_set", "size", "verdict")
EXPORTED = (
    "study", "assay", "file_set", "number", "store", "key", "version", "size", "sha256", "verdict", "missing",
    "participant_id", "sample_id", "rule", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which files a person asks for.

    Attributes:
        unlinked: only those without a known sample or participant.
        verdict: only those with this verdict (`valid`, `warnings`, `invalid`, `unreadable`, `unverified`, `damaged`,
            `barred`).
        missing: only those that their store lists no more.
        identifying: only those whose name or header seems to hold a direct identifier.
    """

    study: str | None = None
    assay: str | None = None
    unlinked: bool = False
    verdict: str | None = None
    missing: bool = False
    identifying: bool = False

    def keeps(self, row: dict[str, Any]) -> bool:
        """Tell whether a file is asked for."""
        return (
            (not self.unlinked or bool(row["reason"]))
            and (self.verdict is None or row["verdict"] == self.verdict)
            and (not self.missing or row["missing"])
            and (not self.identifying or bool(row["identifying"]))
        )


VERDICTS = ("valid", "warnings", "invalid", "unreadable", "unverified", "damaged", "barred")


def show_files(wanted: Wanted, manifest: Path | None = None) -> None:
    """Print the files that are asked for, or write them into a manifest."""
    workspace = Workspace(Settings.from_environment())
    _refuse_unknown(workspace, wanted)
    found = files_of(workspace.database, wanted.study, wanted.assay).to_pylist()
    rows = [row for row in found if wanted.keeps(row)]
    rows += [
        row
        for row in map(_barred, barred_of(workspace.database, wanted.study, wanted.assay))
        if wanted.keeps(row)
    ]
    if manifest is not None:
        _write_manifest(rows, manifest)
        return
    samples: dict[int, list[str]] = {}
    files = {}
    for row in rows:
        files[row["number"] or row["key"]] = row
        if row["sample_id"] or row["participant_id"]:
            samples.setdefault(row["number"], []).append(row["sample_id"] or row["participant_id"])
    print_rows(
        [*WIDE, "sample", "state"],
        (
            [*(_shown(row[name]) for name in WIDE), _samples(samples.get(number, [])), _state(row)]
            for number, row in files.items()
        ),
    )
    if wanted.unlinked and files:
        _explain(rows)


def _refuse_unknown(workspace: Workspace, wanted: Wanted) -> None:
    known = [*workspace.catalogue.studies, *workspace.catalogue.broken]
    if wanted.study is not None and wanted.study not in known:
        raise UnknownKey("study", wanted.study, known)
    if wanted.verdict is not None and wanted.verdict not in VERDICTS:
        raise UnknownKey("verdict", wanted.verdict, VERDICTS)
    if wanted.assay is not None:
        assays = sorted({assay for study in workspace.catalogue.studies.values() for assay in study.assays})
        if wanted.assay not in assays:
            raise UnknownKey("assay", wanted.assay, assays)


def _barred(one: BarredFile) -> dict[str, Any]:
    """Return what a store lists and nobody can reach as a row like those of files."""
    row = dict.fromkeys([*EXPORTED, "nearest", "problems", "identifying"])
    about = {"study": one.study, "assay": one.assay, "file_set": one.key, "store": one.store, "key": one.key}
    return {**row, **about, "verdict": "barred", "missing": False, "reason": "barred", "problems": one.why}


def _shown(value: object) -> str:
    """Return a cell; of a name that holds control characters, which a terminal would obey, its escaped form."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else escaped(text)


def _samples(found: list[str]) -> str:
    return found[0] if len(found) == 1 else f"{len(found)} samples" if found else ""


def _state(row: dict[str, Any]) -> str:
    if row["missing"]:
        return "gone from its store"
    if row["verdict"] == "barred":
        return f"cannot be registered: {row['problems']}"
    wrong = "".join(f"; {row[name]}" for name in ("problems", "identifying") if row[name])
    if not row["reason"]:
        return ("linked" if row["rule"] != "settled" else "linked by hand") + wrong
    near = f" (did the name mean {row['nearest']}?)" if row["nearest"] else ""
    return f"quarantine: {row['reason']}{near}{wrong}"


def _explain(rows: list[dict[str, Any]]) -> None:
    """Say what each reason of quarantine means, and what a person can do."""
    console = Console()
    for reason in sorted({row["reason"] for row in rows}):
        console.print(f"{reason}: {REASONS.get(reason, '')}", highlight=False)
    console.print(
        "settle one by a line in the study's links.csv: assay,file,participant_id,sample_id,reason "
        "(file: its file_set)",
        highlight=False,
        soft_wrap=True,
    )


def _write_manifest(rows: list[dict[str, Any]], file: Path) -> None:
    """Write the files as a table (.csv, .tsv), or as `sha256sum -c` reads them (.sha256: keys below their store)."""
    kept = {row["number"]: row for row in rows if not row["missing"] and row["sha256"]}
    if file.suffix == ".sha256":
        lines = [_gnu_line(row["sha256"], row["key"]) for row in kept.values()]
        file.write_text("".join(lines), "utf-8", "surrogateescape")
        written = len(lines)
    elif file.suffix in {".csv", ".tsv"}:
        with file.open("w", newline="", encoding="utf-8") as stream:
            table = csv.DictWriter(
                stream, EXPORTED, extrasaction="ignore", delimiter="\t" if file.suffix == ".tsv" else ","
            )
            table.writeheader()
            table.writerows(rows)
        written = len(rows)
    else:
        raise StorageError("a manifest's name ends in .csv, .tsv or .sha256")
    Console().print(f"{counted(written, 'line')} in {escape(str(file))}", highlight=False)


def _gnu_line(sha256: str, key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != key else ""
    return f"{mark}{sha256}  {escaped}\n"


def run_register(study: str, assays: list[str], *, quick: bool) -> int:
    """Register the files of a study now; return 1 when some cannot be used."""
    workspace = Workspace(Settings.from_environment())
    declared = workspace.catalogue.studies.get(study)
    if study in workspace.catalogue.broken:
        raise workspace.catalogue.broken[study]
    if declared is None:
        raise UnknownKey("study", study, [*workspace.catalogue.studies])
    if variable := workspace.unavailable(declared):
        raise NotConfigured(f"{study} is not available here: {variable} is not set")
    for assay in assays:
        if assay not in declared.assays:
            raise UnknownKey("assay", assay, declared.assays)
    console = Console()
    worst = 0
    for assay in assays or declared.assays:
        done = register(workspace, declared, assay, run_id="by hand", quick=quick)
        facts = ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in done.facts.items())
        console.print(f"{study}/{assay}: {facts}", highlight=False, soft_wrap=True)
        for finding in done.findings:
            console.print(f"  {finding.severity}: {escape(finding.message)}", highlight=False, soft_wrap=True)
            worst |= finding.severity != "note"
    return int(worst)


def run_verify(study: str | None, assay: str | None, *, share: float) -> int:
    """Read registered files again; return 1 when one is damaged, missing or unreadable."""
    workspace = Workspace(Settings.from_environment())
    _refuse_unknown(workspace, Wanted(study, assay))
    found = verify(workspace, study, assay, share=share)
    console = Console()
    total = sum(found.outcomes.values())
    console.print(f"{counted(total, 'file')} looked at, {found.size / 1e6:,.1f} MB read", highlight=False)
    told = {
        "same": "hold the bytes that were registered",
        "changed": "have another size, time or etag: the next run registers them anew",
        "missing": "are not there any more",
        "unreadable": "are not handed out by their store: check the rights",
        "damaged": f"hold OTHER bytes, unannounced: get them back from a copy ({omics()} files --verdict damaged)",
    }
    for outcome, words in told.items():
        if count := found.outcomes[outcome]:
            numbers = ", ".join(map(str, found.numbers.get(outcome, [])[:20]))
            named = f" (registry files {numbers}{' …' if count > 20 else ''})" if numbers else ""
            console.print(f"{count:>8,} {words}{named}", highlight=False, soft_wrap=True)
    return int(any(found.outcomes[one] for one in ("damaged", "missing", "unreadable")))
