"""h5ad: AnnData in HDF5. Only what its header says; the matrix itself is not read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Format, Inspection, OpenFile

if TYPE_CHECKING:
    import h5py

HDF5 = b"\x89HDF\r\n\x1a\n"


class H5ad(Format):
    """Single-cell matrices (AnnData, .h5ad): shape, columns, layers and embeddings; `X` is not loaded.

    One file may hold cells of many samples: `sample_column` names the column of `obs` that tells them apart.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".h5ad",)
    holds_samples: ClassVar[bool] = True

    format: Literal["h5ad"] = "h5ad"
    """Annotated single-cell matrices."""
    sample_column: str | None = None
    """Column of `obs` with the sample of each cell; without it the file holds no sample names."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the suffix and the HDF5 signature."""
        return cls.bears_suffix(name) and head.startswith(HDF5)

    def inspect(self, file: OpenFile) -> Inspection:
        """Read the header and, where `sample_column` is given, that column."""
        facts: dict[str, JsonValue] = {}
        try:
            if next(iter(file.blocks()), b"")[: len(HDF5)] != HDF5:
                raise FormatError("not an HDF5 file")
            samples = self._read(file, facts)
        except FormatError as error:
            return Inspection.refused(error, facts)
        return Inspection.of(facts, samples)

    def _read(self, file: OpenFile, facts: dict[str, JsonValue]) -> tuple[str, ...]:
        """Fill `facts`, return the sample names; h5py's complaints may hold content and are not passed on."""
        import h5py

        try:
            with h5py.File(file.path(), "r") as content:
                facts |= _facts(content)
                return _samples(content["obs"], self.sample_column) if self.sample_column else ()
        except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
            raise FormatError(f"cut off, damaged or no AnnData ({type(error).__name__})") from None


def _facts(content: h5py.File) -> dict[str, JsonValue]:
    """Return shape, columns and parts of an AnnData file."""
    for part in ("X", "obs", "var"):
        if part not in content:
            raise FormatError(f"no {part}: not an AnnData file")
    n_obs, n_var = _rows(content["obs"], "obs"), _rows(content["var"], "var")
    matrix = content["X"]
    is_sparse = not hasattr(matrix, "shape")
    shape = tuple(int(side) for side in (_sparse_shape(matrix) if is_sparse else matrix.shape))
    if shape != (n_obs, n_var):
        raise FormatError(f"X has the shape {shape}, but obs and var have {n_obs} and {n_var} rows")
    return {
        "n_obs": n_obs,
        "n_vars": n_var,
        "x": _text(matrix.attrs.get("encoding-type", "csr_matrix")) if is_sparse else "dense",
        "obs_columns": _columns(content["obs"]),
        "var_columns": _columns(content["var"]),
        "layers": sorted(content.get("layers", ())),
        "obsm": sorted(content.get("obsm", ())),
        "raw": "raw" in content,
        "encoding_version": _text(content.attrs.get("encoding-version", "")),
    }


def _sparse_shape(matrix: h5py.Group) -> Any:
    """Return the shape of a sparse matrix, as today's or as old versions of anndata write it."""
    for name in ("shape", "h5sparse_shape"):
        if name in matrix.attrs:
            return matrix.attrs[name]
    raise FormatError("X is neither an array nor a sparse matrix")


def _rows(frame: Any, name: str) -> int:
    """Return the number of rows of `obs` or `var`; anndata before 0.7 wrote them as one compound array."""
    if hasattr(frame, "shape"):
        return int(frame.shape[0])
    index = _text(frame.attrs.get("_index", "_index"))
    if index not in frame:
        raise FormatError(f"{name} has no index")
    return len(_array(frame[index]))


def _array(column: Any) -> Any:
    """Return the values of a column; since 0.13 anndata writes text that may be missing as values beside a mask."""
    return column["values"] if not hasattr(column, "shape") and "values" in column else column


def _columns(frame: Any) -> list[JsonValue]:
    """Return the column names of `obs` or `var`, without the index."""
    if hasattr(frame, "shape"):
        return list(frame.dtype.names[1:])
    return [_text(name) for name in frame.attrs.get("column-order", ())]


def _samples(obs: Any, column: str) -> tuple[str, ...]:
    """Return the distinct values of a column of `obs`, in order of category or of appearance."""
    if column not in _columns(obs):
        raise FormatError(f'obs has no column "{column}"')
    values = _array(obs[column])
    if hasattr(values, "shape"):
        old = "__categories"
        if not hasattr(obs, "shape") and old in obs and column in obs[old]:
            return _used(obs[old][column], values)
        return tuple(dict.fromkeys(_text(value) for value in values[:]))
    if "categories" not in values or "codes" not in values:
        raise FormatError(f'the column "{column}" of obs holds no text')
    return _used(_array(values["categories"]), values["codes"])


def _used(categories: Any, codes: Any) -> tuple[str, ...]:
    """Return the categories that some cell has; the code -1 is a cell without a value."""
    used = set(codes[:].tolist()) - {-1}
    return tuple(_text(name) for code, name in enumerate(categories[:]) if code in used)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
