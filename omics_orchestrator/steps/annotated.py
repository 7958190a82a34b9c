"""A matrix with what is known of its samples: the harmonised variables beside the arrays. How arrays lie: matrices/.

Also tables as the pandas frames that analysts expect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from omics_orchestrator.steps import find
from omics_orchestrator.steps.caveats import caveats_of, in_words
from omics_orchestrator.steps.select import Selection, select_with_borrowed
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import table_state
from omics_orchestrator.studies.places import table_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from anndata import AnnData


def annotated_matrix(workspace: Workspace, key: str, study: str, assay: str, asked: Selection) -> AnnData:
    """Return a matrix, samples or cells × features, with sample, visit and participant variables in `obs`.

    Known limitations stand in `uns["caveats"]`, a line each; the entry is not there where none is known.

    Raises:
        UnknownKey: there is no such matrix, or a variable is not known.
    """
    import numpy as np

    if (study, assay) not in find.stored_matrices(workspace):
        raise find.unknown_key(workspace, key)
    matrix = _with_variables(workspace, study, assay, asked)
    if lines := [in_words(one) for one in caveats_of(workspace, key, matrix.obs.columns)]:
        matrix.uns["caveats"] = np.array(lines, dtype=object)
    return matrix


def _with_variables(workspace: Workspace, study: str, assay: str, asked: Selection) -> AnnData:
    import numpy as np
    import pandas as pd

    from omics_orchestrator.matrices.build import load_matrix

    matrix = load_matrix(workspace.stores, study, assay)
    obs = _sample_variables(workspace, study, asked)
    if obs is None:
        return matrix
    told = "sample_id" in matrix.obs.columns  # otherwise rows are named by their samples
    if asked.where:
        samples = matrix.obs["sample_id"] if told else matrix.obs_names
        matrix = matrix[np.asarray(samples.isin(obs.index))].copy()
    if not told:
        matrix.obs = obs.reindex(matrix.obs_names)
        return matrix
    variables = obs.reindex(matrix.obs["sample_id"].astype(object)).set_axis(matrix.obs_names)
    matrix.obs = pd.concat(
        [matrix.obs[["sample_id"]], variables, matrix.obs.drop(columns="sample_id")], axis=1
    )
    return matrix


def _sample_variables(workspace: Workspace, study: str, asked: Selection) -> pd.DataFrame | None:
    """Return sample, visit and participant variables by sample_id; None for a study without samples."""
    import pandas as pd

    state = table_state(workspace.database, *table_of(("harmonised", study, "sample")))
    if state is None:
        return None
    inexact = find.inexact_variables(workspace.dictionary)
    frame = as_frame(select_with_borrowed(workspace.database, state, asked, inexact)).set_index("sample_id")
    frame = frame[
        ~frame.index.duplicated(keep=False)
    ]  # an ambiguous sample gets no variables rather than wrong ones
    for name in frame.columns:  # what AnnData can write: text as categories, dates as ISO text
        if pd.api.types.is_datetime64_any_dtype(frame[name]):
            frame[name] = frame[name].dt.strftime("%Y-%m-%d")
        if not pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name]):
            frame[name] = frame[name].astype("category")
    return frame


def as_frame(table: pa.Table) -> pd.DataFrame:
    """Return a table with whole numbers as `Int64`, yes/no as `boolean` and dates as `datetime64`."""
    import pandas as pd
    import pyarrow as pa

    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=nullable.get, date_as_object=False)
    return frame
