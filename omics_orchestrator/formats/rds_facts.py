"""What is said of an R object without building it: class, versions, assays with their shapes, columns, cells."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue
from rdata.parser import RObject, RObjectType

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_assay import Assay, variable_features
from omics_orchestrator.formats.rds_matrix import Matrix, is_matrix, matrix
from omics_orchestrator.formats.rds_objects import (
    Experiment,
    Seurat,
    experiment,
    is_experiment,
    is_seurat,
    seurat,
)
from omics_orchestrator.formats.rds_plain import version
from omics_orchestrator.formats.rds_values import (
    Frame,
    attributes,
    classes,
    elements,
    frame,
    is_frame,
    is_plain,
    length,
    text,
    texts,
    vector,
)

Facts = dict[str, JsonValue]


class Look:
    """What a look at an object found: `facts`, `warnings`, `cells` (their metadata, where there is one)."""

    def __init__(self, root: RObject) -> None:
        self.facts: Facts = {"class": (classes(root) or (_basic(root),))[0]}
        self.warnings: list[str] = []
        self.cells: Frame | None = None
        self.headers: list[tuple[str, str, str]] = []
        self._root = root

    def take(self) -> None:
        """Fill the facts.

        Raises:
            FormatError: the object's parts do not fit together; what was found so far stays in `facts`.
        """
        root = self._root
        if root.info.type == RObjectType.S4 and not classes(root):
            raise FormatError("an S4 object without a class: the file is damaged")
        if is_seurat(root):
            self._seurat(seurat(root))
        elif is_experiment(root):
            self._experiment(experiment(root))
        elif "seurat" in classes(root):
            self.warnings.append(
                "a Seurat object of version 2: only its class is known; update it with Seurat"
            )
        elif is_frame(root):
            self.cells = frame(root, "the data frame")
            columns: list[JsonValue] = [*self.cells.columns]
            self.facts |= {"n_rows": self.cells.n_rows, "columns": columns}
        elif is_matrix(root):
            self.facts["shape"] = _shape(matrix(root, "the matrix"))
        elif root.info.type == RObjectType.VEC:
            self.facts |= {"length": length(root), "elements": [*list(elements(root))[:50]]}
        else:
            self.facts["length"] = length(root)

    def _seurat(self, read: Seurat) -> None:
        slots = read.slots
        self.cells = read.metadata
        commands = elements(slots.get("commands"))
        self.facts |= {
            "object_version": version(slots.get("version")),
            "n_cells": len(read.cells),
            "assays": {name: _assay(one) for name, one in read.assays.items()},
            "active_assay": read.active_assay,
            "metadata_columns": [*read.metadata.columns],
            "reductions": {
                name: {"dimensions": one.cells.shape[1], "cells": one.cells.shape[0], "assay": one.assay}
                for name, one in read.reductions.items()
            },
            "graphs": [*read.graphs],
            "neighbors": [*elements(slots.get("neighbors"))],
            "images": [*elements(slots.get("images"))],
            "commands": [*commands],
        }
        if read.other:
            self.facts["assays_not_read"] = dict(read.other)
        self._outside({f"assay {n}": one.outside for n, one in enumerate(read.assays.values(), start=1)})
        self.headers.append(("project.name", "project", text(slots.get("project.name"))))
        self.headers += [
            (f"command {n}", "call", " ".join(texts(attributes(one).get("call.string"))))
            for n, one in enumerate(commands.values(), start=1)
        ]

    def _experiment(self, read: Experiment) -> None:
        self.cells = frame(read.columns, "the metadata of samples") if read.columns else None
        self.facts |= {
            "object_version": version(elements(read.slots.get("int_metadata")).get("version")),
            **_experiment(read),
            "metadata_columns": [*(self.cells.columns if self.cells else ())],
            "alternative_experiments": {name: _experiment(one) for name, one in read.others.items()},
        }
        self._outside({"the experiment": read.outside})

    def _outside(self, layers: dict[str, list[str]]) -> None:
        for what, names in layers.items():
            if names:
                self.warnings.append(
                    f"{what}: {len(names)} of its matrices are of a class that is not read here"
                    " (values in another file, or computed when asked for)"
                )

    def samples(self, column: str) -> tuple[str, ...]:
        """Return the distinct values of a metadata column: levels that some cell has, or texts as they appear.

        Raises:
            FormatError: no such column, or none of texts or levels.
        """
        found = self.cells.columns.get(column) if self.cells else None
        if found is None:
            raise FormatError(f'the metadata of cells has no column "{column}"')
        if not is_plain(found) or not (found.info.type == RObjectType.STR or "factor" in classes(found)):
            raise FormatError(f'the column "{column}" of the metadata of cells holds no text')
        values: Any = vector(found, "the column of samples")
        if "factor" in classes(found):
            return tuple(str(one) for one in values.remove_unused_categories().categories)
        return tuple(dict.fromkeys(one for one in values if one is not None))

    def entries(self) -> list[tuple[str, str, str]]:
        """Return what may hold a direct identifier: project, calls, a value of each text column of the metadata."""
        found = list(self.headers)
        for name, column in (self.cells.columns if self.cells else {}).items():
            source = attributes(column).get("levels", column)
            if first := next((one for one in texts(source) if one not in {"", "NA"}), ""):
                found.append((f"metadata column {name}", name, first))
        return found


def _basic(node: RObject) -> str:
    names = {
        RObjectType.VEC: "list",
        RObjectType.STR: "character",
        RObjectType.INT: "integer",
        RObjectType.REAL: "numeric",
        RObjectType.LGL: "logical",
        RObjectType.CLO: "function",
        RObjectType.NILVALUE: "NULL",
    }
    return "matrix" if is_matrix(node) else names.get(node.info.type, node.info.type.name.lower())


def _assay(read: Assay) -> JsonValue:
    return {
        "class": read.kind,
        "key": read.key,
        "n_features": len(read.features),
        "n_cells": len(read.cells),
        "layers": {name: _shape(one.matrix) for name, one in read.layers.items()},
        "layers_not_read": [*read.outside],
        "variable_features": len(variable_features(read)),
        "feature_columns": [*(read.feature_frame.columns if read.feature_frame else ())],
    }


def _experiment(read: Experiment) -> Facts:
    shape = next(iter(read.assays.values())).shape if read.assays else (len(read.features), len(read.samples))
    return {
        "n_features": shape[0],
        "n_cells": shape[1],
        "assays": {name: _shape(one) for name, one in read.assays.items()},
        "assays_not_read": [*read.outside],
        "reductions": {name: {"dimensions": one.shape[1]} for name, one in read.reductions.items()},
        "feature_columns": [name for rows in read.rows for name in frame(rows, "features").columns],
    }


def _shape(read: Matrix) -> JsonValue:
    return {"shape": [*read.shape], "class": read.kind, "stored": read.elements}
