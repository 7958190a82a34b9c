"""Kinds of source, one module each; a new kind is its module, its test and one word in this union."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from omics_orchestrator.sources.base import Delivery, Source
from omics_orchestrator.sources.delimited import Delimited
from omics_orchestrator.sources.excel import Excel
from omics_orchestrator.sources.redcap import Redcap
from omics_orchestrator.sources.redcap_export import RedcapExport
from omics_orchestrator.sources.sql import Sql

AnySource = Annotated[Delimited | Excel | Redcap | RedcapExport | Sql, Field(discriminator="kind")]
SOURCES: dict[str, type[Source]] = {
    kind.model_fields["kind"].default: kind for kind in get_args(get_args(AnySource)[0])
}

__all__ = [
    "SOURCES",
    "AnySource",
    "Delimited",
    "Delivery",
    "Excel",
    "Redcap",
    "RedcapExport",
    "Source",
    "Sql",
]
