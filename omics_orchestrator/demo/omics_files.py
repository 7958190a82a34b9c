"""Small omics files of the invented people: reads, counts, single cells; how bgzip is written. Variants: genomes.py.

Nothing here depends on the clock or on a format library's habits: the same dice give the same bytes.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator

from omics_orchestrator.demo.cohort import Sample
from omics_orchestrator.formats.text import BGZF_END

if TYPE_CHECKING:
    import h5py

Numbers = np.ndarray[Any, np.dtype[Any]]

BASES = np.frombuffer(b"ACGT", np.uint8)
READS, LENGTH, INSERT = 40, 76, 180
INFLAMED = (
    "S100A8",
    "S100A9",
    "CXCL8",
    "IL1B",
    "OSM",
    "DUOX2",
)  # genes that follow the activity of the disease
GENES = 250  # beside those that tell the sex
OF_X = {"XIST": "ENSG00000229807"}  # women's second X writes it
OF_Y = {
    "RPS4Y1": "ENSG00000129824",
    "DDX3Y": "ENSG00000067048",
    "KDM5D": "ENSG00000012817",
    "EIF1AY": "ENSG00000198692",
}
CELLS, MARKERS = 60, 150
BLOCK = 65_280  # bytes of text in a bgzip block


def fastq_pair(sample: str, number: int, dice: Generator) -> dict[str, bytes]:
    """Return the two mates of a paired-end run: file name → gzip."""
    letters = BASES[dice.integers(0, 4, (READS, INSERT))]
    quality = np.clip(dice.normal(36, 3, (2, READS, LENGTH)), 2, 41).astype(np.uint8) + 33
    ends = letters[:, :LENGTH], _reverse_complement(letters[:, -LENGTH:])
    places = dice.integers(1000, 30000, (READS, 2))
    files = {}
    for mate, (sequences, qualities) in enumerate(zip(ends, quality, strict=True), 1):
        reads = [
            f"@A00871:212:HDEMODSX3:1:1101:{x}:{y} {mate}:N:0:ATCACG+{number:03d}\n".encode()
            + sequence.tobytes()
            + b"\n+\n"
            + marks.tobytes()
            + b"\n"
            for (x, y), sequence, marks in zip(places, sequences, qualities, strict=True)
        ]
        files[f"{sample}_S{number}_L001_R{mate}_001.fastq.gz"] = gzip.compress(b"".join(reads), mtime=0)
    return files


def _reverse_complement(letters: Numbers) -> Numbers:
    pairs = np.zeros(256, np.uint8)
    pairs[list(b"ACGT")] = list(b"TGCA")
    return pairs[letters[:, ::-1]]


def bgzip(text: bytes) -> bytes:
    """Return blocked gzip: members that tell their own size, so that indexes can point into them."""
    blocks = []
    for start in range(0, len(text), BLOCK):
        part = text[start : start + BLOCK]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = packer.compress(part) + packer.flush()
        head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(packed) + 25)
        blocks.append(head + packed + struct.pack("<II", zlib.crc32(part), len(part)))
    return b"".join(blocks) + BGZF_END


def counts(samples: Sequence[Sample], male: Sequence[bool], dice: Generator) -> bytes:
    """Return bulk RNA counts, genes × samples, tab separated; `male`: the sex that each sample's genes show."""
    names = [*INFLAMED, *(f"GENE{number:03d}" for number in range(len(INFLAMED) + 1, GENES + 1))]
    level = dice.lognormal(4, 1.5, GENES)
    rise = np.zeros(GENES)
    rise[: len(INFLAMED)] = 3.0
    activity = np.array([sample.activity for sample in samples])
    depth = dice.lognormal(0, 0.25, len(samples))
    table = dice.poisson(level[:, None] * np.exp(rise[:, None] * activity) * depth)
    ids = [f"ENSG{number:011d}" for number in range(1, GENES + 1)]
    written = {gene: 600.0 * ~np.array(male) + 0.5 for gene in OF_X}
    written |= {gene: 300.0 * np.array(male) + 0.5 for gene in OF_Y}
    table = np.vstack([table, *(dice.poisson(level * depth) for level in written.values())])
    rows = zip([*ids, *OF_X.values(), *OF_Y.values()], [*names, *written], table.tolist(), strict=True)
    lines = ["\t".join(["gene_id", "gene_name", *(sample.id for sample in samples)])]
    lines += ["\t".join([id_, name, *map(str, row)]) for id_, name, row in rows]
    return ("\n".join(lines) + "\n").encode()


def h5ad(samples: Sequence[Sample], dice: Generator) -> bytes:
    """Return single cells of these samples as AnnData: sparse counts, `obs` with sample_id and cell_type."""
    import h5py

    cells = CELLS * len(samples)
    which = np.repeat(np.arange(len(samples), dtype=np.int8), CELLS)
    inflamed = np.array([sample.activity for sample in samples])[which] > dice.random(cells)
    matrix = dice.poisson(0.15, (cells, MARKERS))
    matrix[:, : len(INFLAMED)] += dice.poisson(4, (cells, len(INFLAMED))) * inflamed[:, None]
    genes = [*INFLAMED, *(f"GENE{number:03d}" for number in range(len(INFLAMED) + 1, MARKERS + 1))]
    stream = io.BytesIO()
    with h5py.File(stream, "w", track_order=False) as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        _sparse(file.create_group("X"), matrix)
        names = [f"cell{number:04d}" for number in range(cells)]
        obs = _frame(file, "obs", names, ["sample_id", "cell_type"])
        _categories(obs, "sample_id", [sample.id for sample in samples], which)
        _categories(obs, "cell_type", ["epithelial", "myeloid"], inflamed.astype(np.int8))
        _frame(file, "var", genes, [])
    return stream.getvalue()


def _sparse(group: h5py.Group, matrix: Numbers) -> None:
    group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": matrix.shape})
    rows, columns = np.nonzero(matrix)
    pointers = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(matrix)))])
    for name, values, kind in (
        ("data", matrix[rows, columns], np.float32),
        ("indices", columns, np.int32),
        ("indptr", pointers, np.int32),
    ):
        group.create_dataset(name, data=values.astype(kind), compression="gzip")


def _frame(file: h5py.File, name: str, index: Sequence[str], columns: Sequence[str]) -> h5py.Group:
    group = file.create_group(name)
    group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    group.attrs["column-order"] = np.array(columns, dtype=object) if columns else np.array([], dtype="S1")
    _texts(group, "_index", index)
    return group


def _categories(group: h5py.Group, name: str, labels: Sequence[str], codes: Numbers) -> None:
    part = group.create_group(name)
    part.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
    _texts(part, "categories", labels)
    part.create_dataset("codes", data=codes).attrs.update(
        {"encoding-type": "array", "encoding-version": "0.2.0"}
    )


def _texts(group: h5py.Group, name: str, texts: Sequence[str]) -> None:
    import h5py

    data = group.create_dataset(name, data=np.array(texts, dtype=object), dtype=h5py.string_dtype())
    data.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
