"""Checking bgzip VCFs of 2,000 samples against plink2 reading the same file into its own format, one thread each.

Ours reads every byte: structure, alleles, genotypes, with DP and GQ also types and counts; plink2 also writes a
pgen. Then the genotypes alone, as identity checks ask for them. Needs plink2 (Debian package) and the extra `variants`.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

from bench.report import BenchRow, compare, show
from omics_orchestrator.formats.vcf import Vcf
from omics_orchestrator.formats.vcf_genotypes import genotypes

SAMPLES = 2_000
RECORDS = {"GT": 25_000, "GT:DP:GQ": 7_500}
REPEATS = 5
READ = 1024 * 1024  # bytes of a block


@dataclass(frozen=True)
class Local:
    """A file on disk, as the registry would hand it over."""

    file: Path

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def size(self) -> int:
        return self.file.stat().st_size

    def blocks(self) -> Iterator[bytes]:
        with self.file.open("rb") as stream:
            while block := stream.read(READ):
                yield block

    def path(self) -> Path:
        return self.file


def write(file: Path, form: str) -> None:
    """Write the records: allele frequencies as of a cohort, 1 % missing calls."""
    chance = np.random.default_rng(1)
    called = np.array([b"0/0", b"0/1", b"1/1", b"./."])
    keys = (("GT", "String"), ("DP", "Integer"), ("GQ", "Integer"))
    meta = "".join(f'##FORMAT=<ID={key},Number=1,Type={kind},Description="x">\n' for key, kind in keys)
    head = (
        f'##fileformat=VCFv4.3\n##contig=<ID=1>\n##INFO=<ID=AF,Number=A,Type=Float,Description="x">\n{meta}'
    )
    names = "\t".join(f"S{number:04}" for number in range(SAMPLES))
    with pysam.BGZFile(str(file), "wb") as out:
        out.write(f"{head}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}\n".encode())
        for number in range(RECORDS[form]):
            share = chance.beta(0.3, 1.5)
            dosage = chance.binomial(2, share, SAMPLES)
            dosage[chance.random(SAMPLES) < 0.01] = 3
            cells = called[dosage].tolist()
            if form != "GT":
                depths, qualities = chance.poisson(30, SAMPLES), chance.integers(0, 99, SAMPLES)
                cells = [b"%b:%d:%d" % cell for cell in zip(cells, depths, qualities, strict=True)]
            site = f"1\t{1000 + number * 97}\trs{number}\tA\tC\t50\tPASS\tAF={share:.4f}\t{form}\t"
            out.write(site.encode() + b"\t".join(cells) + b"\n")


def plink2(file: Path) -> None:
    command = [
        "plink2",
        "--vcf",
        str(file),
        "--make-pgen",
        "--threads",
        "1",
        "--out",
        str(file.with_suffix("")),
    ]
    subprocess.run(command, check=True, capture_output=True)


def checked(file: Path) -> None:
    found = Vcf().inspect(Local(file))
    assert found.verdict == "valid", found.problems


def rows() -> list[BenchRow]:
    """Return GT alone, GT:DP:GQ, and genotypes only."""
    if not shutil.which("plink2"):
        print("vcf: plink2 is not installed (apt-get install plink2): not measured")
        return []
    found = []
    with tempfile.TemporaryDirectory(prefix="omics-bench-") as folder:
        for form, goal in (("GT", 1.2), ("GT:DP:GQ", 3.0)):
            file = Path(folder, f"{form.replace(':', '_')}.vcf.gz")
            write(file, form)
            size = f"{SAMPLES:,} × {RECORDS[form]:,} {form}"
            name = f"check vcf.gz {size} : plink2 --make-pgen --threads 1"
            found.append(compare(name, lambda: checked(file), lambda: plink2(file), goal, REPEATS))  # noqa: B023
            name = f"genotypes of vcf.gz {size} : plink2 --make-pgen --threads 1"
            read = lambda: sum(len(block.positions) for block in genotypes(Local(file)))  # noqa: B023, E731
            found.append(compare(name, read, lambda: plink2(file), goal, REPEATS))  # noqa: B023
    return found


if __name__ == "__main__":
    show(rows())
