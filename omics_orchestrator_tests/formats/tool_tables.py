"""The smallest good file of each table that an omics tool writes, and what happens to one that is spoilt."""

from collections.abc import Callable
from typing import Any

import pytest

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import FORMATS, Format
from omics_orchestrator.formats.base import MemoryFile

FEATURECOUNTS = b"""# Program:featureCounts v2.0.6; Command:"featureCounts" "-p" "-s" "2" "-a" "a.gtf" "S1.bam"
Geneid\tChr\tStart\tEnd\tStrand\tLength\tS1.bam\tS2.bam
ENSG00000000003\t1;1\t100;300\t199;399\t+;+\t200\t7\t0
ENSG00000000005\tX\t5\t14\t-\t10\t0\t12
"""
SALMON = b"""Name\tLength\tEffectiveLength\tTPM\tNumReads
ENST00000000233.10\t1000\t750.000\t250000.000000\t10.000
ENST00000000412.8\t500\t250.000\t750000.000000\t10.000
"""
RSEM = b"""gene_id\ttranscript_id(s)\tlength\teffective_length\texpected_count\tTPM\tFPKM
ENSG00000000003\tENST1,ENST2\t1000.00\t750.00\t10.00\t250000.00\t1.00
ENSG00000000005\tENST3\t500.00\t250.00\t10.00\t750000.00\t3.00
"""
BIOM = b"""{"id": null, "format": "1.0.0", "format_url": "http://biom-format.org", "type": "OTU table",
"generated_by": "test", "date": "2020-01-01T00:00:00", "matrix_type": "sparse", "matrix_element_type": "int",
"rows": [{"id": "A", "metadata": {"taxonomy": ["k__Bacteria", "p__"]}}, {"id": "B", "metadata": null}],
"columns": [{"id": "S1", "metadata": null}, {"id": "S2", "metadata": null}],
"shape": [2, 2], "data": [[0, 0, 5], [1, 1, 7]]}"""
METAPHLAN = b"""#mpa_vOct22_CHOCOPhlAnSGB_202212
#100 reads processed
#SampleID\tS1
#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species
UNCLASSIFIED\t-1\t10.0\t
k__Bacteria\t2\t90.0\t
k__Bacteria|p__Firmicutes\t2|1239\t60.0\t
k__Bacteria|p__Bacteroidetes\t2|976\t30.0\t
"""
KRAKEN = b""" 75.00\t75\t75\tU\t0\tunclassified
 25.00\t25\t0\tR\t1\troot
 25.00\t25\t5\tD\t2\t  Bacteria
 20.00\t20\t20\tP\t1239\t    Firmicutes
"""
BRACKEN = b"""name\ttaxonomy_id\ttaxonomy_lvl\tkraken_assigned_reads\tadded_reads\tnew_est_reads\tfraction_total_reads
Escherichia coli\t562\tS\t20\t10\t30\t0.75000
Homo sapiens\t9606\tS\t10\t0\t10\t0.25000
"""
MAXQUANT = b"""Protein IDs\tMajority protein IDs\tIntensity\tIntensity S1\tIntensity S2\tReverse\tContaminant\tid
P01834\tP01834\t30\t10\t20\t\t+\t0
Q9Y6R7\tQ9Y6R7\t1.5E+08\t0\t1.5E+08\t\t\t1
"""
DIANN = b"""Protein.Group\tProtein.Ids\tGenes\tC:\\S1.raw\tC:\\S2.raw
P01834\tP01834\tIGKC\t380503.0\t
Q9Y6R7\tQ9Y6R7\tFCGBP\t12.5\t7.25
"""
OLINK = b"""SampleID;OlinkID;UniProt;Assay;Panel;PlateID;QC_Warning;LOD;NPX;Assay_Warning;Sample_Type
S1;OID31341;Q14204;DYNC1H1;Oncology;P1;PASS;-3.8;-3.9;PASS;SAMPLE
S2;OID31341;Q14204;DYNC1H1;Oncology;P1;WARN;-3.8;1.25;PASS;SAMPLE
C1;OID31341;Q14204;DYNC1H1;Oncology;P1;PASS;-3.8;0;PASS;CONTROL
"""
MZTAB = b"""MTD\tmzTab-version\t2.0.0-M
MTD\tmzTab-ID\tX1
MTD\tsoftware[1]\t[MS, MS:1001583, MaxQuant, 1.6.3.4]
MTD\tms_run[1]-location\tfile:///a.mzML
MTD\tassay[1]\tS1
MTD\tassay[2]\tS2
COM\tmade by hand
SMH\tSML_ID\tchemical_name\tabundance_assay[1]\tabundance_assay[2]
SML\t1\tAlanine\t5\tnull
SML\t2\tButyrate\t1.5E3\t7
"""
MWTAB = b"""#METABOLOMICS WORKBENCH STUDY_ID:ST000001 ANALYSIS_ID:AN000001
VERSION\t1
#PROJECT
PR:PROJECT_TITLE\tA
#STUDY
ST:STUDY_TITLE\tA
#SUBJECT
SU:SUBJECT_TYPE\tHuman
#SUBJECT_SAMPLE_FACTORS:\tSUBJECT(optional)[tab]SAMPLE[tab]FACTORS
SUBJECT_SAMPLE_FACTORS\t-\tS1\tGroup:A
SUBJECT_SAMPLE_FACTORS\t-\tS2\tGroup:B
#COLLECTION
CO:COLLECTION_SUMMARY\t-
#ANALYSIS
AN:ANALYSIS_TYPE\tMS
#MS_METABOLITE_DATA
MS_METABOLITE_DATA:UNITS\tpg/ml
MS_METABOLITE_DATA_START
Samples\tS1\tS2
Factors\tGroup:A\tGroup:B
Alanine\t1.5\t2
Butyrate\t\t0
MS_METABOLITE_DATA_END
#END
"""


def _tiny(tag: str, name: str, raw: bytes) -> Callable[[], tuple[Format, str, bytes]]:
    return lambda: (FORMATS[tag].model_validate({"format": tag}), name, raw)


TABLES: dict[str, Callable[[], tuple[Any, str, bytes]]] = {
    "featurecounts": _tiny("featurecounts", "counts.txt", FEATURECOUNTS),
    "salmon": _tiny("salmon", "quant.sf", SALMON),
    "biom": _tiny("biom", "table.biom", BIOM),
    "metaphlan": _tiny("metaphlan", "S1_profile.txt", METAPHLAN),
    "kraken": _tiny("kraken", "S1.kreport.txt", KRAKEN),
    "bracken": _tiny("bracken", "S1.bracken.tsv", BRACKEN),
    "maxquant": _tiny("maxquant", "proteinGroups.txt", MAXQUANT),
    "diann": _tiny("diann", "report.pg_matrix.tsv", DIANN),
    "olink": _tiny("olink", "npx.csv", OLINK),
    "mztab": _tiny("mztab", "a.mztab", MZTAB),
    "mwtab": _tiny("mwtab", "a.mwtab", MWTAB),
    "rsem": _tiny("rsem", "S1.genes.results", RSEM),
}


def is_refused(tag: str, old: bytes, new: bytes, problem: str) -> None:
    """Spoil the good file of a format: looking at it tells the problem, reading it fails."""
    declared, name, raw = TABLES[tag]()
    assert raw.count(old)
    spoilt = raw.replace(old, new, 1)
    found = declared.inspect_bytes(name, spoilt)
    assert found.verdict == "invalid"
    assert problem in found.problems[0]
    with pytest.raises(FormatError):
        declared.read(MemoryFile(name, spoilt))
