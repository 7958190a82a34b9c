"""A new study from what there is of it: a REDCap dictionary or server, a file, a database. Drafted, never accepted.

origin.py is what is known; file.py, redcap.py and database.py find it; rows.py guesses keys, id_shape.py the pattern
of ids; draft.py places suggestions, text.py writes the files.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from omics_orchestrator.dictionary.similarity import spoken
from omics_orchestrator.errors import DeclarationError, NotConfigured, Problem
from omics_orchestrator.identifiers import speaks_of
from omics_orchestrator.sources.described import Described
from omics_orchestrator.steps.history import user_address
from omics_orchestrator.steps.new_study.draft import Draft, Ranked, drafted
from omics_orchestrator.steps.new_study.origin import Origin
from omics_orchestrator.steps.new_study.text import mapping_yaml, study_yaml
from omics_orchestrator.steps.suggest import synonyms, vectors_of
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.columns import source_columns
from omics_orchestrator.steps.suggest.fit import unit_in
from omics_orchestrator.steps.suggest.ranking import Candidate, Ranking
from omics_orchestrator.steps.suggest.rules import RULED
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies.reading import read_study
from omics_orchestrator.studies.study import NAME, Study

LOOKED_AT = 5  # candidates among which a variable of the column's own name is looked for
STEWARD = re.compile(r"[^@\s]+@[^@\s]+")


def refuse_name(workspace: Workspace, name: str) -> Path:
    """Return the folder of a study that is to be made.

    Raises:
        DeclarationError: the name is none, or there is a study of it.
    """
    folder = workspace.settings.dictionary / "studies" / name
    if not re.fullmatch(NAME, name):
        allowed = "small letters, digits and _, a letter first, at most 40: such as gidamps or north_2"
        raise DeclarationError([Problem(folder.parent, 0, "", f"{name!r} is no name of a study", allowed)])
    if folder.exists():
        allowed = "nothing was written; take another name, or remove the folder first"
        raise DeclarationError([Problem(folder, 0, "", "there is such a folder already", allowed)])
    return folder


def new_study(
    workspace: Workspace, name: str, origin: Origin, codebook: Mapping[str, Described], whence: str
) -> Draft:
    """Write the folder of a study: study.yaml and mapping.yaml, which `omics check` accepts.

    Args:
        workspace: where dictionary and studies lie.
        name: of the study.
        origin: what is known of it.
        codebook: column → what a codebook says of it.
        whence: from what it is drafted, in words.

    Raises:
        DeclarationError: the name is none or taken.
        DeliveryError: the source cannot be read.
    """
    folder = refuse_name(workspace, name)
    steward = _steward(workspace.settings.dictionary)
    here = Workspace(origin.settings)
    with tempfile.TemporaryDirectory() as place:
        trial = Path(place) / name
        empty = Draft(origin, dict(origin.guesses))
        study = _written(trial, name, empty, steward, whence, here)
        columns, notes = _columns(here, study, origin, codebook)
        origin = replace(origin, notes=[*origin.notes, *notes, *_coverage(columns, codebook)])
        found = _ranked(here, study, columns)
        draft = drafted(origin, columns, found, here.dictionary)
        _written(trial, name, draft, steward, whence, here)
        folder.mkdir(parents=True)
        for file in ("mapping.yaml", "study.yaml"):  # a folder is a study when it has study.yaml
            (folder / file).write_bytes((trial / file).read_bytes())
    return draft


def _written(
    folder: Path, name: str, draft: Draft, steward: str | None, whence: str, here: Workspace
) -> Study:
    """Write both files and return the study as it is read back."""
    folder.mkdir(exist_ok=True)
    (folder / "study.yaml").write_text(study_yaml(name, draft, steward, whence), encoding="utf-8")
    (folder / "mapping.yaml").write_text(mapping_yaml(name, draft), encoding="utf-8")
    return read_study(folder, here.dictionary)


def _columns(
    here: Workspace, study: Study, origin: Origin, codebook: Mapping[str, Described]
) -> tuple[list[SourceColumn], list[str]]:
    """Return the columns: as a data dictionary tells them, or as the source delivers them."""
    if origin.columns is None:
        return source_columns(here, study, codebook)
    units = here.dictionary.units
    columns = [
        SourceColumn(
            origin.source,
            one,
            identifying=speaks_of(one.name, one.told),
            unit=unit_in(f"{one.label} ({one.note})", units),
        )
        for one in origin.columns
    ]
    return columns, []


def _coverage(columns: Sequence[SourceColumn], codebook: Mapping[str, Described]) -> list[str]:
    """Return what a codebook does not tell, and what it tells of columns that there are not."""
    if not codebook:
        return []
    names = [one.about.name for one in columns]
    lacking = [name for name in names if name not in codebook]
    strange = [name for name, one in codebook.items() if name not in names and not one.option]
    said = [f"the codebook tells of {len(names) - len(lacking)} of {len(names)} columns"]
    said += [f"not in the codebook: {listed(lacking)}"] if lacking else []
    return said + ([f"in the codebook only: {listed(strange)}"] if strange else [])


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return the first names as text, and how many more there are."""
    more = f" … and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def _ranked(here: Workspace, study: Study, columns: Sequence[SourceColumn]) -> Ranked:
    ranking = Ranking(here.dictionary, synonyms(here, study), vectors=vectors_of(here))
    open_to = [one for one in columns if not one.identifying]
    found = ranking.of(open_to, LOOKED_AT)
    return [
        (one, sorted(best, key=lambda c: not _same(one, c))) for one, best in zip(open_to, found, strict=True)
    ]


def _same(column: SourceColumn, candidate: Candidate) -> bool:
    """Tell whether a column bears the variable's own name: then nothing that is only like it goes before."""
    return candidate.score >= RULED and spoken(candidate.variable) == spoken(column.about.name)


def _steward(folder: Path) -> str | None:
    try:
        address = user_address(folder)
    except NotConfigured:
        return None
    return address if STEWARD.fullmatch(address) else None
