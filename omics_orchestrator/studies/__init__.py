"""Studies as data: study.yaml and mapping.yaml become a `Study`, or messages with file and line.

`places` knows where an asset's table lies, `versions` what it depends on, `schema` writes the JSON Schemas.
"""

from __future__ import annotations

from omics_orchestrator.studies.assay import Assay, InFile, NamesInFile, SampleSheet
from omics_orchestrator.studies.catalogue import Catalogue, load_studies
from omics_orchestrator.studies.grammar import IdGrammar
from omics_orchestrator.studies.mapping import EntityBlock, Join, Mapping, NoneRule
from omics_orchestrator.studies.reading import read_study
from omics_orchestrator.studies.study import Schedule, Study

__all__ = [
    "Assay",
    "Catalogue",
    "EntityBlock",
    "IdGrammar",
    "InFile",
    "Join",
    "Mapping",
    "NamesInFile",
    "NoneRule",
    "SampleSheet",
    "Schedule",
    "Study",
    "load_studies",
    "read_study",
]
