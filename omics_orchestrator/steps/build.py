"""Build: the registered files of one assay become a matrix in our own object store."""

from __future__ import annotations

from omics_orchestrator.matrices.build import build_matrix
from omics_orchestrator.steps.file_names import known_samples, names_of
from omics_orchestrator.steps.result import StepResult
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study


def build(workspace: Workspace, study: Study, assay: str) -> StepResult:
    """Write the matrix of `assay`; the same content is not written again."""
    names = names_of(workspace, study)
    built = build_matrix(
        workspace.database,
        workspace.stores,
        study=study.study,
        assay_name=assay,
        assay=study.assays[assay],
        known_samples=known_samples(workspace, study),
        key_of=names.original,
        sample_name=names.name if study.pseudonymise else None,  # also ids that no table knows
    )
    rows, features = built.shape
    cells = {"cells": rows} if study.assays[assay].format.matrix == "cells" else {}
    return StepResult(
        data_version=built.data_version,
        findings=built.findings,
        facts={
            **cells,
            "samples": built.samples,
            "features": features,
            "objects_written": built.written_objects,
        },
        touched=built.written_objects,
        rows=rows,
    )
