"""What chance makes of HDF5 files by their own library: wrong kinds of objects, loops of links, endless sizes."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable
from typing import Any

MAGIC = b"\x89HDF\r\n\x1a\n"


def rebuilt(raw: bytes, chance: random.Random) -> bytes:
    """Return a file of which one to three objects or attributes were exchanged; as it was where it does not open."""
    import h5py

    buffer = io.BytesIO(raw)
    try:
        with h5py.File(buffer, "r+") as file:
            for _ in range(chance.choice([1, 1, 2, 3])):
                places: list[str] = []
                file.visit(places.append)
                if places:
                    _change(file, chance.choice(places), chance)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return raw
    return buffer.getvalue()


def _change(file: Any, place: str, chance: random.Random) -> None:
    attributes = list(file[place].attrs)
    if attributes and chance.random() < 0.4:
        _attribute(file[place].attrs, chance.choice(attributes), chance)
        return
    before = file[place]
    shape = getattr(before, "shape", None) or (3,)
    shape = shape if math.prod(shape) < 10**6 else (3,) * len(shape)
    if chance.random() < 0.2:  # the same under another name
        file.move(
            place, chance.choice([place + "2", f"{place.rpartition('/')[0]}/a\nb", "deep/er/" + "x" * 300])
        )
        return
    values = before[()] if hasattr(before, "shape") and before.size < 10_000 else None
    del file[place]
    chance.choice(_objects(file, place, shape, values, chance))()


def _objects(
    file: Any, place: str, shape: Any, values: Any, chance: random.Random
) -> list[Callable[[], Any]]:
    """Return ways to put something else into the place of an object."""
    import h5py
    import numpy as np

    huge = (2**40,) * len(shape)
    bigger = tuple(one + 1 for one in shape)
    text = h5py.string_dtype()

    def link(to: Any) -> None:
        file[place] = to

    return [
        lambda: None,
        lambda: file.create_group(place),
        lambda: file.create_dataset(
            place, data=chance.choice([7, -1, 2**62, 1.5, float("nan"), "Zz9Canary", b"\xff"])
        ),
        lambda: file.create_dataset(place, huge, "f4", chunks=(1,) * len(shape)),
        lambda: file.create_dataset(place, (2**33,), "i1", chunks=(2**20,), compression="gzip"),
        lambda: file.create_dataset(place, (2**24,), text, chunks=(2**16,)),
        lambda: file.create_dataset(
            place, bigger, "i4", data=np.full(bigger, chance.choice([-1, 0, 2**31 - 1]), "i4")
        ),
        lambda: file.create_dataset(
            place, shape, "f8", data=np.full(shape, chance.choice([np.nan, np.inf, -1, 1e308]))
        ),
        lambda: file.create_dataset(place, data=h5py.Empty("f4")),
        lambda: file.create_dataset(place, (0,) * len(shape), "f4"),
        lambda: file.create_dataset(place, (*shape, 2), "u1"),
        lambda: file.create_dataset(place, shape, [("a", "i4"), ("b", "S5")]),
        lambda: file.create_dataset(place, shape, h5py.vlen_dtype(np.dtype("i4"))),
        lambda: file.create_dataset(place, shape, h5py.ref_dtype),
        lambda: file.create_dataset(place, shape, "c16"),
        lambda: file.create_dataset(
            place, shape, text, data=np.full(shape, "x\ud800".encode("utf-8", "replace").decode(), object)
        ),
        lambda: file.create_dataset(
            place,
            shape,
            "S9",
            data=np.full(shape, chance.choice([b"\xff\xfe", b"Zz9Canary", b"", b"\xed\xa0\x80"])),
        ),
        lambda: file.create_dataset(place, data=np.repeat(values, 2, 0)) if np.ndim(values) else None,
        lambda: link(
            h5py.SoftLink("/" + chance.choice([place, "", "nowhere", place.split("/", maxsplit=1)[0]]))
        ),
        lambda: link(h5py.ExternalLink(chance.choice(["/etc/passwd", "/dev/zero", "nowhere.h5"]), "/")),
        lambda: link(file["/"]),
        lambda: link(np.dtype("i4")),
    ]


def _attribute(attributes: Any, name: str, chance: random.Random) -> None:
    import h5py
    import numpy as np

    values = (
        None, 0, -1, 2**62, 1.5, "", "Zz9Canary", "x" * 60_000, b"\xff\xfe", h5py.Empty("S1"), [2**40, 2**40], [-1, 3],
        np.array(["a", "Zz9Canary"], object), np.zeros((2, 2)), float("nan"), "csr_matrix", "csc_matrix", "dataframe",
        "categorical", "array", "anndata", "9.9.9", [0, 0], [2**31, 2], "nullable-integer", "dict",
    )  # fmt: skip
    value = chance.choice(values)
    if value is None:
        del attributes[name]
    else:
        attributes[name] = value
