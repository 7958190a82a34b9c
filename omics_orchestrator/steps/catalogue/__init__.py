"""The catalogue pages: a static site that tells what variables and studies there are. No value of a participant.

It opens from a folder, without server and network. How counts are made coarse: coarse.py, distribution.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from omics_orchestrator.dictionary.drugs import read_drugs
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.steps import search
from omics_orchestrator.steps.catalogue.coarse import LEAST, Coarse
from omics_orchestrator.steps.catalogue.distribution import distributions
from omics_orchestrator.steps.catalogue.drug_page import DrugPages
from omics_orchestrator.steps.catalogue.entries import Entries
from omics_orchestrator.steps.catalogue.exposure import exposures
from omics_orchestrator.steps.catalogue.held import held
from omics_orchestrator.steps.catalogue.pages import Site
from omics_orchestrator.steps.catalogue.site import refuse_foreign, write_site
from omics_orchestrator.steps.workspace import Workspace


@dataclass(frozen=True)
class Catalogued:
    """What was written.

    Attributes:
        start: the page to open.
        pages: how many there are.
        size: bytes of all files.
        unreached: why the database could not be asked; empty = it answered.
    """

    start: Path
    pages: int
    size: int
    unreached: str


def write_catalogue(workspace: Workspace, folder: Path, smallest: int = LEAST) -> Catalogued:
    """Write the site into `folder`, in the place of the last one.

    Args:
        workspace: the installation.
        folder: where; it may hold nothing but an earlier site.
        smallest: no smaller count is written, all others are rounded to multiples of it; at least 5.

    Raises:
        NotOurs: the folder holds something else.
        DeclarationError: the dictionary cannot be used (a broken study is no error: its page tells).
    """
    refuse_foreign(folder)
    coarse, known = Coarse(smallest), held(workspace)
    entries = Entries(workspace, known, coarse, dict(distributions(workspace, known.tables, coarse)))
    drugs = read_drugs(workspace.settings.dictionary, Problems())  # its mistakes are for `omics check`
    counts = dict(exposures(workspace, known.tables, drugs, coarse))
    written = site_files(Site(entries, DrugPages(drugs, counts)))
    write_site(folder, written)
    pages = sum(place.endswith(".html") for place in written)
    size = sum(map(len, written.values()))
    return Catalogued(folder / "index.html", pages, size, known.unreached)


def site_files(site: Site) -> dict[str, bytes]:
    """Return place → content of every file of the site."""
    return {page.place: page.html() for page in site.pages()} | _beside(site)


def _beside(site: Site) -> dict[str, bytes]:
    """Return style, scripts and what is searched."""
    ours = files("omics_orchestrator.steps.catalogue")
    index = search.index_of(site.entries.workspace).as_json()
    told = {"catalogueIndex": index, "catalogueShown": site.shown(), "catalogueStudies": site.shown_studies()}
    data = "".join(
        f"const {name} = {json.dumps(content, separators=(',', ':'), sort_keys=True)};\n"
        for name, content in told.items()
    )
    return {
        "style.css": ours.joinpath("style.css").read_bytes(),
        "pages.js": ours.joinpath("pages.js").read_bytes(),
        "search.js": Path(search.__file__).with_suffix(".js").read_bytes(),
        "index.js": f'"use strict";\n{data}'.encode(),
    }
