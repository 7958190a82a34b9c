"""Many files become one matrix: one sample per file, tables of tools, what is left out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.matrices.build import load_matrix
from omics_orchestrator.matrices.columns import FeatureColumns
from omics_orchestrator_tests.formats import tool_tables
from omics_orchestrator_tests.matrices.conftest import Bench

pytestmark = pytest.mark.parametrize("bench", ["folder"], indirect=True)
TAXPASTA = Path("microbiome", "taxpasta")
SALMON = {
    "format": "salmon",
    "location": "store+lab://salmon/",
    "link": r"(?P<sample>[^/]+)/(?:.+/)?[^/]+\.(?:sf|json|gz|log)",
}
ABSENT = "Name\tLength\tEffectiveLength\tTPM\tNumReads\nENST00000000233.10\t1000\t750\t1000000\t4\n"


def put(bench: Bench, key: str, raw: bytes | str) -> Path:
    path = bench.folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    return path


def matrix_of(bench: Bench) -> Any:
    return load_matrix(bench.stores, "demo", "counts")


def test_folders_of_salmon_are_stacked_by_their_links(bench: Bench) -> None:
    put(bench, "salmon/S2/quant.sf", tool_tables.SALMON)
    put(bench, "salmon/S1/quant.sf", ABSENT)
    put(bench, "salmon/S1/cmd_info.json", "{}")
    put(bench, "salmon/S1/aux_info/meta_info.json", "{}")
    built = bench.build(assay=SALMON, known=["S1", "S2"])
    assert (built.shape, built.samples, built.findings) == ((2, 2), 2, ())
    matrix = matrix_of(bench)
    assert list(matrix.obs_names) == ["S1", "S2"]
    assert list(matrix.var_names) == ["ENST00000000233.10", "ENST00000000412.8"]
    # a transcript that the file does not list was not asked for: no zero
    assert np.array_equal(matrix.X, np.array([[4, np.nan], [10, 10]]), equal_nan=True)
    assert list(matrix.var["Length"]) == ["1000", "500"]
    assert "TPM" not in matrix.var  # it differs between samples
    assert bench.build(assay=SALMON).written_objects == 0


def test_a_link_is_part_of_the_content(bench: Bench) -> None:
    first = put(bench, "salmon/S1/quant.sf", ABSENT)
    version = bench.build(assay=SALMON).data_version
    first.parent.rename(first.parent.with_name("S9"))
    assert bench.build(assay=SALMON).data_version != version
    assert list(matrix_of(bench).obs_names) == ["S9"]


def test_what_cannot_be_used_is_left_out_and_told(bench: Bench) -> None:
    put(bench, "salmon/S1/quant.sf", ABSENT)
    put(bench, "salmon/S2/quant.sf", ABSENT.replace("\t4", "\tfour"))
    put(bench, "salmon/S3/quant.sf", ABSENT)
    put(bench, "salmon/quant.sf", ABSENT)  # no folder, no sample
    gone = put(bench, "salmon/S4/quant.sf", ABSENT)
    bench.register(SALMON)
    gone.unlink()
    bench.register(SALMON)
    with bench.database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("update registry.file set damaged_since = now() where key like '%S3%'")
    built = bench.build_registered(assay=SALMON)
    assert built.shape == (1, 1)
    assert {finding.check for finding in built.findings} == {"files_usable"}
    whys = {finding.message.partition(" is ")[2].partition(":")[0] for finding in built.findings}
    assert whys == {"invalid", "damaged", "linked to no sample", "missing"}
    assert not any(sample in finding.message for finding in built.findings for sample in ("S2", "S3", "S4"))
    with bench.database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("update registry.file set damaged_since = now()")
    with pytest.raises(DeliveryError, match="no matrix is built: registry files? .* damaged"):
        bench.build_registered(assay=SALMON)


def test_a_file_that_changed_since_is_not_read(bench: Bench) -> None:
    put(bench, "salmon/S1/quant.sf", ABSENT)
    put(bench, "salmon/S2/quant.sf", ABSENT)
    bench.register(SALMON)
    put(bench, "salmon/S2/quant.sf", ABSENT.replace("\t4", "\t5"))
    with pytest.raises(DeliveryError, match="registry file 2 changed since"):
        bench.build_registered(assay=SALMON)


def test_genes_and_transcripts_are_not_mixed(bench: Bench) -> None:
    put(bench, "salmon/S1/quant.sf", ABSENT)
    put(bench, "salmon/S1/quant.genes.sf", ABSENT)
    with pytest.raises(DeliveryError, match="of several levels"):
        bench.build(assay=SALMON)


def test_two_files_of_one_sample_are_two_rows(bench: Bench) -> None:
    for lane in "12":
        put(bench, f"S1_L{lane}.genes.results", tool_tables.RSEM)
    assay = {"format": "rsem", "location": "store+lab://*.results", "link": r"(?P<sample>S1)_L.*"}
    built = bench.build(assay=assay)
    assert (built.shape, built.samples) == ((2, 2), 1)
    assert [finding.check for finding in built.findings] == ["samples_unique"]
    matrix = matrix_of(bench)
    assert list(matrix.obs_names) == ["S1", "S1#2"]
    assert list(matrix.obs["sample_id"]) == ["S1", "S1"]


def test_tables_of_many_samples_are_stacked_by_the_names_inside(bench: Bench) -> None:
    put(bench, "a.csv", "id,S1,S2\nf1,1,2\nf2,3,4\n")
    put(bench, "b.csv", "id,S3\nf2,5\nf3,6\n")
    built = bench.build(
        assay={"format": "feature_table", "samples": "columns", "location": "store+lab://*.csv"}
    )
    assert built.shape == (3, 3)
    matrix = matrix_of(bench)
    assert list(matrix.obs_names) == ["S1", "S2", "S3"]
    expected = [[1, 3, np.nan], [2, 4, np.nan], [np.nan, 5, 6]]
    assert np.array_equal(matrix.X, expected, equal_nan=True)


def test_a_taxon_that_is_not_listed_was_not_seen(bench: Bench, shared_data: Path) -> None:
    for folder, assay in (
        ("kraken2", {"format": "kraken", "link": r"(?P<sample>[^.]+)-db1\.kraken2\.report\.txt"}),
        ("bracken", {"format": "bracken", "link": r"(?P<sample>[^.]+)-db1_S\.tsv"}),
    ):
        shutil.copytree(shared_data / TAXPASTA / folder, bench.folder / folder)
        built = bench.build(assay={**assay, "location": f"store+lab://{folder}/*-db1*"})
        matrix = matrix_of(bench)
        samples = list(matrix.obs_names)
        assert built.shape == matrix.shape == (len(samples), matrix.n_vars)
        assert {finding.check for finding in built.findings} == {"files_usable"}  # the `invalid` ones
        assert not np.isnan(matrix.X).any()
        for sample, row in zip(samples, matrix.X, strict=True):
            found = dict(zip(matrix.var_names, row.tolist(), strict=True))
            expected = expected_reads(bench.folder / folder, folder, sample)
            assert {taxon: reads for taxon, reads in found.items() if reads} == expected


def expected_reads(folder: Path, tool: str, sample: str) -> dict[str, float]:
    """Read the reads per taxon by pandas."""
    if tool == "kraken2":
        table = pd.read_csv(folder / f"{sample}-db1.kraken2.report.txt", sep="\t", header=None)
        columns: tuple[Any, Any] = (table.columns[-2], 1)
    else:
        table = pd.read_csv(folder / f"{sample}-db1_S.tsv", sep="\t")
        columns = ("taxonomy_id", "new_est_reads")
    pairs = zip(table[columns[0]], table[columns[1]], strict=True)
    return {str(taxon): float(reads) for taxon, reads in pairs if reads}


PUBLIC: dict[str, tuple[str, tuple[int, int]]] = {
    "maxquant": ("proteomics/maxquant/proteinGroups.txt", (10, 882)),
    "diann": ("proteomics/diann/report_final.pg_matrix.tsv", (20, 10)),
    "mwtab": ("metabolomics/mwtab/ST000122_AN000204.txt", (42, 14)),
    "biom": ("microbiome/biom/rich_sparse_otu_table_hdf5.biom", (6, 5)),
    "metaphlan": ("microbiome/taxpasta/metaphlan/mpa_valid_complex.tsv", (1, 69)),
}


@pytest.mark.parametrize("kind", sorted(PUBLIC))
def test_public_tables_of_tools(bench: Bench, shared_data: Path, kind: str) -> None:
    key, shape = PUBLIC[kind]
    file = shared_data / key
    put(bench, file.name, file.read_bytes())
    assay: dict[str, Any] = {"format": kind, "location": f"store+lab://{file.name}"}
    if kind == "metaphlan":  # the only one that names no sample
        assay["link"] = r"(?P<sample>.+?)\..*"
    built = bench.build(assay=assay)
    matrix = matrix_of(bench)
    assert matrix.shape == built.shape == shape
    assert matrix.obs_names.is_unique
    assert matrix.var_names.is_unique
    assert "shape" not in {finding.check for finding in built.findings}
    assert bench.build(assay=assay).written_objects == 0


def test_controls_alone_are_no_matrix(bench: Bench, shared_data: Path) -> None:
    text = (shared_data / "proteomics/olink/npx_long_excerpt.csv").read_text()
    assay = {"format": "olink", "location": "store+lab://npx.csv"}
    put(bench, "npx.csv", text)
    with pytest.raises(DeliveryError, match="registry file 1 is linked to no sample"):
        bench.build(assay=assay)
    put(bench, "npx.csv", "\n".join(re.sub("CONTROL;", "SAMPLE;", line) if line.startswith("S0") else line
                                    for line in text.splitlines()))  # fmt: skip
    assert bench.build(assay=assay).shape[0] == 2
    assert list(matrix_of(bench).obs_names) == ["S01", "S02"]


def test_columns_are_kept_where_files_agree(bench: Bench) -> None:
    del bench
    columns = FeatureColumns()
    assert columns.add(("a", "b"), {"name": ["A", "B"], "length": ["1", "2"]}).tolist() == [0, 1]
    assert columns.add(
        ("c", "b"), {"name": ["C", "B"], "length": ["1", "3"], "new": ["x", "y"]}
    ).tolist() == [
        2,
        1,
    ]
    assert columns.agreeing() == {"name": ["A", "B", "C"], "new": ["", "y", "x"]}
