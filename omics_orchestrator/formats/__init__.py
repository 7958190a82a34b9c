"""The file formats that an assay may have. A new one: a module here and its name in `AnyFormat`."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from omics_orchestrator.formats.anndata_zarr import AnndataZarr
from omics_orchestrator.formats.bam import Bam
from omics_orchestrator.formats.base import Format
from omics_orchestrator.formats.biom import Biom
from omics_orchestrator.formats.bracken import Bracken
from omics_orchestrator.formats.diann import Diann
from omics_orchestrator.formats.dicom import Dicom
from omics_orchestrator.formats.fastq import Fastq
from omics_orchestrator.formats.feature_table import FeatureTable
from omics_orchestrator.formats.featurecounts import Featurecounts
from omics_orchestrator.formats.h5ad import H5ad
from omics_orchestrator.formats.h5mu import H5mu
from omics_orchestrator.formats.kraken import Kraken
from omics_orchestrator.formats.loom import Loom
from omics_orchestrator.formats.maxquant import Maxquant
from omics_orchestrator.formats.metaphlan import Metaphlan
from omics_orchestrator.formats.mwtab import Mwtab
from omics_orchestrator.formats.mztab import Mztab
from omics_orchestrator.formats.olink import Olink
from omics_orchestrator.formats.ome_tiff import OmeTiff
from omics_orchestrator.formats.opaque import Opaque
from omics_orchestrator.formats.plink import Plink
from omics_orchestrator.formats.rds import Rds
from omics_orchestrator.formats.rsem import Rsem
from omics_orchestrator.formats.salmon import Salmon
from omics_orchestrator.formats.svs import Svs
from omics_orchestrator.formats.tenx import Tenx
from omics_orchestrator.formats.vcf import Vcf

AnyFormat = Annotated[
    Bam
    | Dicom
    | Svs
    | OmeTiff
    | Plink
    | Fastq
    | Vcf
    | H5ad
    | H5mu
    | Loom
    | Tenx
    | AnndataZarr
    | Rds
    | Featurecounts
    | Salmon
    | Rsem
    | Biom
    | Metaphlan
    | Kraken
    | Bracken
    | Maxquant
    | Diann
    | Olink
    | Mztab
    | Mwtab
    | FeatureTable
    | Opaque,
    Field(discriminator="format"),
]
"""The register; a file of unknown format is recognised in this order, so what knows its content best comes first."""

FORMATS: dict[str, type[Format]] = {
    kind.model_fields["format"].default: kind for kind in get_args(get_args(AnyFormat)[0])
}

__all__ = ["FORMATS", "AnyFormat", "Format"]
