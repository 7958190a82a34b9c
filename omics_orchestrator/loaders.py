"""The notebook door: `load`, `fetch_file`, `search`, `list_studies`; reads what was materialised, without Dagster.

Answers show rows, because a person asked for them; nothing of them is logged or stored.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omics_orchestrator.dictionary import ENTITIES
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps import find
from omics_orchestrator.steps.annotated import annotated_matrix, as_frame
from omics_orchestrator.steps.caveats import caveats_of
from omics_orchestrator.steps.select import Selection
from omics_orchestrator.steps.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


def load(
    key: str,
    *,
    studies: Collection[str] | None = None,
    columns: Sequence[str] | None = None,
    where: Mapping[str, Any] | None = None,
    reasons: bool = False,
) -> pd.DataFrame | AnnData:
    """Load what bears the asset key `key`.

    Args:
        key: `warehouse/visit`, `harmonised/<study>/<entity>`, `dataset/<study>/<name>`, `raw/<study>/<source>/<table>`,
            `files/<study>[/<assay>]` or `matrix/<study>/<assay>` (an AnnData, samples or cells × features, with
            harmonised variables in `obs`; of cells also what their files tell of them, as `file_<name>`).
        studies: keep the rows of these studies (tables over several studies).
        columns: variables to load beside the keys; on visit and sample tables participant variables may be named too.
        where: variable → value, values (list, array, Series), or None (= has no value); all must hold.
        reasons: add `<name>_missing` beside each variable: why there is no value.

    Returns:
        A DataFrame (or AnnData). Codes are text, whole numbers `Int64`, yes/no `boolean`, dates `datetime64`. What
        may be inexact comes with `<name>_comparator` beside it (`<`, `>`; of a date `year`, `month`; empty =
        exact); a dataset writes such a value as its declaration says. Known limitations of the studies that are
        in it stand in `.attrs["caveats"]` (study, about, since, text), of an AnnData as lines in `.uns["caveats"]`.

    Raises:
        UnknownKey: nothing bears that key, or a column is not known; the nearest names are listed.
    """
    workspace = Workspace(Settings.from_environment())
    conditions = {name: _plain(value) for name, value in where.items()} if where else None
    asked = Selection(_listed(columns), conditions, _listed(studies), reasons)
    parts = tuple(part for part in key.split("/") if part)
    _refuse_unknown_words(workspace, asked, published=parts[:1] == ("dataset",))
    match parts:
        case ("files", study, *assay) if len(assay) < 2:
            frame = _files(workspace, key, study, assay[0] if assay else None, asked)
        case ("matrix", study, assay):
            return annotated_matrix(workspace, key, study, assay, asked)
        case _:
            frame = as_frame(find.read_key(workspace, key, asked))
    over = frame["study"].unique() if parts[0] == "warehouse" else ()
    frame.attrs["caveats"] = caveats_of(workspace, key, frame.columns, over)
    return frame


def fetch_file(number: int, folder: str | os.PathLike[str] = ".") -> Path:
    """Bring one registered file to a local folder, verified while it is read.

    Args:
        number: its registry number, as `load("files/<study>")` shows it.
        folder: where to put it; made when it is not there. A file that is there and the same is not fetched again.

    Returns:
        The path of the file.

    Raises:
        UnknownKey: no file has that number.
        DeliveryError: its bytes are not those that were registered; nothing is left in the folder.
    """
    from omics_orchestrator.steps.fetch import fetch

    return fetch(Workspace(Settings.from_environment()), number, Path(folder))


def search(text: str) -> pd.DataFrame:
    """Find variables by words of their name, label, codes or description, by synonyms, typing errors allowed.

    Returns:
        One row per variable that holds one of the words, the best first, those that hold all of them before the
        others: entity, type, unit, label, and per study the share of rows with a value (empty where the study does
        not have the variable). Without a word all variables. `.attrs["studies"]` names the studies that the text
        finds: by a word of name or title, or by all its words in title, assays and description.
    """
    import pandas as pd

    from omics_orchestrator.steps.search import index_of

    workspace = Workspace(Settings.from_environment())
    index, coverage = index_of(workspace), find.coverage(workspace)
    rows = [
        {
            "variable": variable.name,
            "entity": variable.entity,
            "type": variable.type,
            "unit": variable.unit,
            "label": variable.label,
            **{study: shares.get((variable.entity, variable.name)) for study, shares in coverage.items()},
        }
        for variable in index.find(text).variables
    ]
    names = ["variable", "entity", "type", "unit", "label", *coverage]
    shares = dict.fromkeys(coverage, "float64")
    frame = pd.DataFrame(rows, columns=names).set_index("variable").astype(shares)
    frame.attrs["studies"] = list(index.find_studies(text))
    return frame


def list_studies() -> pd.DataFrame:
    """List the studies of the data dictionary: title, state here, and how many participants, visits, samples, files."""
    import pandas as pd

    workspace = Workspace(Settings.from_environment())
    catalogue = workspace.catalogue
    tables = find.stored_tables(workspace)
    files = find.files_by_study(workspace)
    rows = []
    for name, study in catalogue.studies.items():
        missing = workspace.unavailable(study)
        state = f"not available here ({missing} is not set)" if missing else "available"
        states = {entity: tables.get(f"harmonised/{name}/{entity}") for entity in ENTITIES[:3]}
        entities = {f"{entity}s": state.rows if state else None for entity, state in states.items()}
        rows.append(
            {"study": name, "title": study.title, "state": state, **entities, "files": files.get(name, 0)}
        )
    rows += [{"study": name, "title": "", "state": "broken: omics check"} for name in catalogue.broken]
    names = ["study", "title", "state", *(f"{entity}s" for entity in ENTITIES[:3]), "files"]
    frame = pd.DataFrame(rows, columns=names).set_index("study")
    return frame.astype({f"{entity}s": "Int64" for entity in ENTITIES[:3]} | {"files": "Int64"})


def _listed(names: Collection[str] | None) -> list[str] | None:
    """Return names as a list; one text is one name, not its letters."""
    return None if names is None else [names] if isinstance(names, str) else list(names)


def _plain(value: Any) -> Any:
    """Return a condition's value in Python's own types: a notebook has it from NumPy or pandas."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_plain(one) for one in value]
    return value


def _refuse_unknown_words(workspace: Workspace, asked: Selection, *, published: bool) -> None:
    """A study or code that nobody declared would silently match no row: say so instead."""
    known = {*workspace.catalogue.studies, *workspace.catalogue.broken}
    for study in asked.studies or ():
        if study not in known:
            raise UnknownKey("study", study, sorted(known))
    if published:  # a dataset has names and codes of its own
        return
    for name, value in (asked.where or {}).items():
        variable = workspace.dictionary.variables.get(name)
        codes = workspace.dictionary.codes(name) if variable else ()
        for code in value if isinstance(value, list) else [value]:
            if codes and code is not None and not isinstance(code, bool) and code not in codes:
                raise UnknownKey(f"code of {name}", str(code), codes)


def _files(workspace: Workspace, key: str, study: str, assay: str | None, asked: Selection) -> pd.DataFrame:
    from omics_orchestrator.registry.query import files_of

    table = files_of(workspace.database, study=study, assay=assay)
    if not table.num_rows:
        raise find.unknown_key(workspace, key)
    frame = as_frame(table)
    for name in (*(asked.columns or ()), *(asked.where or {})):
        if name not in frame.columns:
            raise UnknownKey("column", name, frame.columns)
    for name, value in (asked.where or {}).items():
        values = value if isinstance(value, list) else [value]
        frame = frame[frame[name].isna() if value is None else frame[name].isin(values)]
    kept = frame if asked.columns is None else frame[["file_set", *asked.columns]]
    return kept.reset_index(drop=True)
