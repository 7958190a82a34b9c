"""HDF5 files opened safely, read in pieces of bounded size; Python pickles inside are found, never opened.

What groups and datasets mean is said by the formats beside this module (h5ad, h5mu, loom, tenx).
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.text import BOMB, BOMB_RATIO

MAGIC = b"\x89HDF\r\n\x1a\n"
USER_BLOCKS = (0, 512, 1024, 2048)  # bytes that may stand before the signature (HDF5 specification III.A)
LARGEST_CHUNK = 512 * 1024**2  # bytes; HDF5 inflates a chunk as a whole
LONGEST_TEXT = 1024 * 1024  # bytes of one value of fixed length
PIECE = 1024 * 1024  # values read at once
PIECE_BYTES = 32 * PIECE
DEFLATE_MOST = 1032  # deflate inflates no more; beyond it, values were never written
SMALL_TEXT = 200  # characters of an attribute or a text that is looked at for identifiers
SMALL_BYTES = 1024 * 1024  # bytes of a value that is looked at as a pickle
PICKLE = "it holds a Python pickle, which may run code when opened: refused, not opened"
MOST_ENTRIES = 40  # texts that are looked at for identifiers


def is_hdf5(head: bytes) -> bool:
    """Tell by the signature, which may stand behind a user block."""
    return any(head[start : start + len(MAGIC)] == MAGIC for start in USER_BLOCKS)


@contextmanager
def opened(file: OpenFile, what: str) -> Iterator[Any]:
    """Open an HDF5 file for reading; what h5py complains of may hold content and is not passed on.

    Args:
        file: the file; it is read through `path`.
        what: what the file should be, for the message (`AnnData`).

    Raises:
        FormatError: no HDF5, cut off or damaged; it points to other files; it holds pickles.
    """
    import h5py

    if not is_hdf5(next(iter(file.blocks()), b"")):
        raise FormatError("not an HDF5 file")
    try:
        with h5py.File(file.path(), "r") as content:
            _refuse_unsafe(content)
            yield content
    except (  # SystemError: what went wrong in a loop of HDF5's own
        OSError, LookupError, ValueError, RuntimeError, TypeError, AttributeError, ArithmeticError, MemoryError,
        SystemError,
    ) as error:  # fmt: skip
        raise FormatError(f"cut off, damaged or no {what} ({type(error).__name__})") from None


def _refuse_unsafe(content: Any) -> None:
    """Refuse what leads out of the file, cannot be read in bounded memory, or would be unpickled elsewhere."""
    import h5py

    def of_link(_: str, link: Any) -> str | None:
        return "it links to another file: refused" if isinstance(link, h5py.ExternalLink) else None

    def of_object(_: str, item: Any) -> str | None:
        if isinstance(item, h5py.Dataset) and (wrong := _unsafe(item)):
            return wrong
        return PICKLE if holds_pickle(item) else None

    # an exception would not pass through HDF5's own loops: the first answer ends them
    wrong = content.visititems_links(of_link) or of_object("", content) or content.visititems(of_object)
    if wrong:
        raise FormatError(str(wrong))


def _unsafe(dataset: Any) -> str | None:
    """Say why the values of a dataset must not, or cannot, be read."""
    import h5py

    if dataset.external or dataset.is_virtual:
        return "the values of a dataset lie in another file: refused"
    size = max(dataset.dtype.itemsize, 1)
    for side in dataset.chunks or ():
        size *= side
    if dataset.chunks and size > LARGEST_CHUNK:
        return f"a dataset has chunks of more than {LARGEST_CHUNK >> 20} MiB"
    if dataset.dtype.kind in "SV" and dataset.dtype.itemsize > LONGEST_TEXT:
        return f"a dataset has texts of more than {LONGEST_TEXT >> 20} MiB each"
    made = dataset.id.get_create_plist()
    for number in range(made.get_nfilters()):
        if not h5py.h5z.filter_avail(made.get_filter(number)[0]):
            return f"compressed by the HDF5 filter {made.get_filter(number)[0]}, which is not here"
    return None


def holds_pickle(item: Any) -> bool:
    """Tell whether an attribute or a small value of a group or dataset is a Python pickle; none is opened.

    PyTables pickles attributes and the rows of its `object` arrays; others keep pickles as opaque values.
    """
    attributes = dict(islice(item.attrs.items(), 1000))
    if text(attributes.get("PSEUDOATOM", "")) == "object":
        return True
    if any(_is_pickle(value) for value in attributes.values()):
        return True
    if not hasattr(item, "dtype") or item.dtype.kind not in "VSOu" or item.dtype.names or item.shape is None:
        return False
    if item.dtype.kind == "u" and item.dtype.itemsize > 1:
        return False
    is_small = item.ndim < 2 and item.size * max(item.dtype.itemsize, 1) <= SMALL_BYTES
    return is_small and _is_pickle(item[()])


def _is_pickle(value: Any) -> bool:
    """Tell whether a value, or the first items of an array, would be read as a pickle that builds an object."""
    import numpy as np

    if isinstance(value, np.ndarray):
        if value.dtype == np.uint8:
            return _is_pickled(value.tobytes())
        if value.dtype.kind not in "OSV" or value.dtype.names:
            return False
        return any(_is_pickle(one) for one in islice(value.flat, 100))
    if isinstance(value, np.void):
        return _is_pickled(value.tobytes().rstrip(b"\0"))
    if isinstance(value, str):
        return _is_pickled(value.encode("utf-8", "surrogateescape"))
    return isinstance(value, bytes) and _is_pickled(bytes(value))


def _is_pickled(raw: bytes) -> bool:
    """Tell by its opcodes, which are read and not executed (pickletools)."""
    if len(raw) < 4 or len(raw) > SMALL_BYTES or not raw.rstrip(b"\0").endswith(b"."):
        return False
    names = set()
    try:
        for opcode, _, _ in pickletools.genops(raw):
            names.add(opcode.name)
    except (ValueError, LookupError, struct.error, ArithmeticError):
        return False
    return bool(
        names & {"PROTO", "GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "REDUCE", "PUT", "BINPUT", "MEMOIZE"}
    )


def text(value: Any) -> str:
    """Return an attribute or a cell as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def texts(values: Any) -> list[str]:
    """Return an attribute that lists texts; one text counts as a list of one."""
    import numpy as np

    return [text(value) for value in np.atleast_1d(np.asarray(values, dtype=object)).flat]


def pieces(dataset: Any) -> Iterator[Any]:
    """Yield the values of a list in order, at most about a million, or 32 MiB, at once (or one chunk).

    Raises:
        FormatError: a long list of which nothing was stored, or a decompression bomb.
    """
    if not is_written(dataset):
        raise FormatError("a list of which no value was ever stored")
    step = PIECE if dataset.dtype.kind != "O" else PIECE // 8
    each = getattr(
        dataset.dtype, "itemsize", 8
    )  # an array of Zarr (zarr_array.py) may hold texts of any length
    step = max(min(step, PIECE_BYTES // max(each, 1)), 1)
    if dataset.chunks:
        step = max(step // dataset.chunks[0], 1) * dataset.chunks[0]
    for start in range(0, dataset.shape[0], step):
        yield dataset[start : start + step]


def tiles(dataset: Any, *, columns: bool = False) -> Iterator[tuple[int, Any]]:
    """Yield (first row, values) of a table, about a million values at once (or one chunk); no chunk is read twice.

    With `columns` it yields (first column, values).
    """
    rows, across = dataset.shape
    high, wide = dataset.chunks or (1, max(across, 1))
    if high * across > 16 * PIECE:
        wide *= max(PIECE // (high * wide), 1)
    else:
        wide = max(across, 1)
        high *= max(PIECE // (high * wide), 1)
    for top in range(0, rows, high):
        for left in range(0, across, wide):
            yield left if columns else top, dataset[top : top + high, left : left + wide]


def is_written(dataset: Any) -> bool:
    """Tell whether the values were stored: a dataset may claim any shape and store nothing.

    An array of Zarr (zarr_array.py) says so itself.

    Raises:
        FormatError: they inflate so much that it is a decompression bomb.
    """
    if hasattr(dataset, "is_written"):
        return bool(dataset.is_written())
    stored = dataset.id.get_storage_size()
    if dataset.nbytes <= PIECE or dataset.nbytes <= BOMB_RATIO * stored:
        return True
    if dataset.nbytes > DEFLATE_MOST * stored:
        return False
    if dataset.nbytes > BOMB:
        raise FormatError(f"values inflate to more than {BOMB_RATIO} times their size: a decompression bomb?")
    return True


def attribute_texts(item: Any, place: str) -> Iterator[tuple[str, str, str]]:
    """Yield (place, name, text) of the short texts among the attributes, for `header_scan.suspicious`."""
    for number, (name, value) in enumerate(islice(item.attrs.items(), 1000), 1):
        shown = text(value) if isinstance(value, str | bytes) else ""
        if 0 < len(shown) <= SMALL_TEXT:
            yield f"{place} attribute {number}", name, shown
