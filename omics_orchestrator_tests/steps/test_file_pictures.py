"""Pictures of an assay: mean qualities over files of different lengths and widths, and thumbnails of slides."""

from __future__ import annotations

import gzip
import io

import pytest

from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.steps.file_pictures import mean_profile, pictures
from omics_orchestrator.steps.register import register
from omics_orchestrator_tests.installation import Installation

ASSAYS = """\
study: tiny
title: Tiny study
stewards: [tiny@example.org]
participant_id: {pattern: "P[0-9]+"}
sources:
  files: {kind: delimited, location: "store+tiny://", tables: {people: people.csv, visits: visits.csv}}
assays:
  mgx: {format: fastq, location: "store+tiny://reads/", link: "(?P<sample>S[0-9]+)\\\\.fastq\\\\.gz"}
  slides: {format: ome_tiff, location: "store+tiny://slides/", link: "(?P<sample>S[0-9]+)\\\\.ome\\\\.tif"}
"""


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        ([], []),
        ([([30.0, 20.0], 1)], [30, 20]),
        ([([30.0, 20.0], 1), ([10.0], 1)], [20, 20]),
        ([([30.0, 20.0, 10.0], 1), ([10.0], 2)], [20, 10]),
    ],
)
def test_means_over_files(profiles: list[tuple[list[float], int]], expected: list[float]) -> None:
    assert mean_profile(profiles) == expected


def test_what_the_page_shows(installation: Installation) -> None:
    import numpy as np
    import tifffile
    from PIL import Image

    installation.declare("tiny", study=ASSAYS)
    for folder in ("reads", "slides"):
        (installation.source / folder).mkdir()
    text = "".join(f"@r{number}\nACGTACGT\n+\nIIIIFF,,\n" for number in range(40))
    (installation.source / "reads" / "S1.fastq.gz").write_bytes(gzip.compress(text.encode()))
    pixels = np.full((64, 64, 3), 200, np.uint8)
    tifffile.imwrite(installation.source / "slides" / "S1.ome.tif", pixels, photometric="rgb", ome=True)
    session = Session(installation.workspace())
    assert session.materialise(session.assets(["files", "harmonised", "raw"])).failed == {}
    workspace = installation.workspace()
    quality = pictures(workspace, "tiny", "mgx")
    assert list(quality) == ["quality by position"]
    assert Image.open(io.BytesIO(quality["quality by position"])).size[0] > 300
    slides = pictures(workspace, "tiny", "slides")
    assert list(slides) == ["thumbnails"]
    sheet = np.asarray(Image.open(io.BytesIO(slides["thumbnails"])).convert("RGB"))
    assert (sheet == 200).all(axis=2).any()
    result = register(workspace, workspace.catalogue.studies["tiny"], "mgx", run_id="again")
    assert (result.facts["verdict_valid"], result.touched) == (1, 0)
    assert result.facts["bytes"] == (installation.source / "reads" / "S1.fastq.gz").stat().st_size
