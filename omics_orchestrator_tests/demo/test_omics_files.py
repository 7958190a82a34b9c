"""Omics files: what other programs read in them, and that only the planted ones are bad."""

from __future__ import annotations

import gzip
from pathlib import Path

import anndata
import numpy as np
import pysam

from omics_orchestrator.demo import genomes, omics_files
from omics_orchestrator.demo.cohort import FIRST_DAY, Sample, people
from omics_orchestrator.demo.generate import SEED
from omics_orchestrator.demo.spreadsheet import PLAN
from omics_orchestrator.formats.base import Format, Inspection, MemoryFile
from omics_orchestrator.formats.fastq import Fastq
from omics_orchestrator.formats.feature_table import FeatureTable
from omics_orchestrator.formats.h5ad import H5ad
from omics_orchestrator.formats.text import BGZF_END
from omics_orchestrator.formats.vcf import Vcf


def inspect(form: Format, file: Path) -> Inspection:
    return form.inspect_bytes(file.name, file.read_bytes())


def planted(demo, kind: str) -> set[str]:
    return {fault.subject for fault in demo.faults if fault.kind == kind}


def test_all_reads_are_valid_but_the_planted(demo):
    fastq = Fastq()
    files = [*demo.folder.glob("*/mgx/*")]
    verdicts = {file.name: inspect(fastq, file) for file in files}
    bad = {name for name, inspection in verdicts.items() if inspection.verdict != "valid"}
    assert bad == planted(demo, "truncated_fastq")
    assert len(fastq.file_set(verdicts)) * 2 == len(files) > 250


def test_mates_bear_the_same_titles(mgx):
    first, second = sorted(mgx.iterdir())[:2]
    titles = [
        [line.split()[0] for line in gzip.decompress(file.read_bytes()).splitlines()[::4]]
        for file in (first, second)
    ]
    assert titles[0] == titles[1]
    assert len(titles[0]) == omics_files.READS


def test_mates_read_the_same_fragment_from_both_ends():
    letters = np.frombuffer(b"AACGT", np.uint8).reshape(1, -1)
    assert omics_files._reverse_complement(letters).tobytes() == b"ACGTT"


def test_every_genome_bears_the_name_of_its_file_but_the_planted(demo):
    vcf = Vcf()
    found = {file.name: inspect(vcf, file) for file in (demo.folder / "demo_adult" / "wgs").iterdir()}
    assert {inspection.verdict for inspection in found.values()} == {"valid"}
    foreign = {name for name, inspection in found.items() if inspection.samples != (name.split(".")[0],)}
    assert foreign == planted(demo, "foreign_vcf_sample")
    cohort = inspect(vcf, demo.folder / "demo_child" / "wgs" / "cohort.vcf.gz")
    assert (cohort.verdict, len(cohort.samples)) == ("valid", 120)
    assert cohort.facts["compression"] == "bgzip"


def test_htslib_reads_and_indexes_the_variants(demo, tmp_path):
    file = tmp_path / "cohort.vcf.gz"
    file.write_bytes((demo.folder / "demo_child" / "wgs" / "cohort.vcf.gz").read_bytes())
    pysam.tabix_index(str(file), preset="vcf")
    with pysam.VariantFile(str(file)) as variants:
        records = list(variants.fetch("chr2"))
    assert len(records) == genomes.SITES["chr2"]
    assert len(records[0].samples) == 120


def test_genomes_tell_person_and_sex():
    one, other = (next(p for p in people(PLAN, SEED) if p.male == male) for male in (True, False))
    sites = genomes.panel(np.random.default_rng(1))
    assert genomes.genotypes(sites, one) == genomes.genotypes(sites, one)
    on_x = {
        person.male: [
            call
            for contig, position, call in zip(
                sites.contigs, sites.positions, genomes.genotypes(sites, person), strict=True
            )
            if contig == "chrX" and position > genomes.PAIRED_ENDS
        ]
        for person in (one, other)
    }
    assert "0/1" not in on_x[True]
    assert on_x[False].count("0/1") > 50
    assert set(genomes.genotypes(sites, other)[-genomes.SITES["chrY"] :]) == {"./."}


def test_bgzip_of_more_than_one_block():
    text = bytes(range(256)) * 1000
    assert gzip.decompress(omics_files.bgzip(text)) == text
    assert omics_files.bgzip(b"") == BGZF_END


def test_anndata_reads_the_single_cells(demo):
    for file in sorted((demo.folder / "demo_registry" / "single_cell").iterdir()):
        cells = anndata.read_h5ad(file)
        assert cells.shape == (4 * omics_files.CELLS, omics_files.MARKERS)
        assert list(cells.obs.columns) == ["sample_id", "cell_type"]
        inspection = inspect(H5ad(sample_column="sample_id"), file)
        assert inspection.verdict == "valid"
        assert inspection.samples == tuple(cells.obs["sample_id"].cat.categories)


def test_counts_follow_the_activity(demo):
    table = FeatureTable(samples="columns", feature_columns=("gene_id", "gene_name"))
    data = table.read(
        MemoryFile("counts.tsv", (demo.folder / "demo_registry/rnaseq/counts.tsv").read_bytes())
    )
    activity = {s.id: s.activity for person in people(PLAN, SEED) for s in person.samples}
    inflamed = data.features["gene_name"].index("S100A8")
    followed = [activity[name] for name in data.sample_ids]
    assert np.corrcoef(followed, np.log1p(data.x[:, inflamed]))[0, 1] > 0.8
    assert data.x.shape == (40, omics_files.GENES + 5)


def test_the_same_dice_give_the_same_bytes():
    samples = [Sample("a", "biopsy", 1, FIRST_DAY, 0.5), Sample("b", "biopsy", 1, FIRST_DAY, 0.1)]
    for write in (omics_files.h5ad, lambda taken, dice: omics_files.counts(taken, [True, False], dice)):
        assert write(samples, np.random.default_rng(1)) == write(samples, np.random.default_rng(1))
