"""The status matrix over all studies: read from what is stored, and what is not there is told as an error."""

from __future__ import annotations

import zlib

import pytest
from dagster import AssetKey, DagsterInstance

from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.orchestration.describe import LARGEST, pictures
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.steps.find import coverage
from omics_orchestrator.steps.picture import GLYPHS, Grid, draw
from omics_orchestrator.steps.status import COLOURS, status_matrix
from omics_orchestrator_tests.cli.test_commands import omics
from omics_orchestrator_tests.installation import MAPPING, Installation

NONE = "none:\n  weight: {status: impossible, missing: not_collected, reason: nobody is weighed}\n"


@pytest.fixture
def united(installation: Installation) -> Installation:
    """One study that is harmonised, one that never was, one that is broken."""
    installation.declare("tiny", mapping=MAPPING.replace("m: male, ", "") + NONE)
    session = Session(installation.workspace())
    assert session.materialise(session.assets()).failed == {}
    installation.declare("young")
    installation.declare("wrong", mapping=MAPPING.replace("recode: sex", "recodee: sex"))
    return installation


def test_studies_are_united(united: Installation) -> None:
    matrix = status_matrix(united.workspace())
    assert matrix.studies == ("tiny", "wrong", "young")

    def told(entity: str, name: str) -> list[str]:
        return [matrix.cells[entity, name][study].status for study in matrix.studies]

    assert told("participant", "sex") == ["partial", "error", "error"]
    assert told("participant", "age") == ["complete", "error", "error"]
    assert told("visit", "weight") == ["impossible", "error", "undetermined"]
    assert matrix.cells["participant", "sex"]["tiny"].why == "codes that no rule names: 2"
    assert matrix.cells["visit", "crp"]["tiny"].coverage == 0.75
    assert matrix.cells["visit", "crp"]["wrong"].why == "the declaration is broken: omics check"
    assert matrix.cells["visit", "crp"]["young"].why.endswith("omics materialize harmonised/young/visit")
    assert sum(matrix.counted().values()) == 3 * len(matrix.cells)
    assert {name for _, name in matrix.cells} == set(united.workspace().dictionary.variables)


def test_the_share_of_a_computed_variable_is_found_too(installation: Installation) -> None:
    rule = "  age: {number: age, unit: a}\n"
    assert rule in MAPPING
    installation.declare(
        "tiny", mapping=MAPPING.replace(rule, f'{rule}  age_at_diagnosis: {{derive: "age - 1"}}\n')
    )
    session = Session(installation.workspace())
    assert session.materialise(session.assets(["raw/tiny", "harmonised/tiny/participant"])).failed == {}
    shares = coverage(installation.workspace())["tiny"]
    assert shares["participant", "age_at_diagnosis"] == shares["participant", "age"] > 0


def test_a_variable_that_is_new_in_the_dictionary_is_undetermined(united: Installation) -> None:
    file = united.dictionary / "variables.csv"
    file.write_text(file.read_text() + "brand_new,visit,laboratory,text,,,,,open,Brand new,,\n")
    cells = status_matrix(united.workspace(), study="tiny", entity="visit").cells
    assert cells["visit", "brand_new"]["tiny"].status == "undetermined"


def test_unknown_words(united: Installation) -> None:
    with pytest.raises(UnknownKey, match='no study "tinyy"; nearest: "tiny"'):
        status_matrix(united.workspace(), study="tinyy")
    with pytest.raises(UnknownKey, match='no entity "visits"; nearest: "visit"'):
        status_matrix(united.workspace(), entity="visits")


def test_the_matrix_of_some_studies_leaves_out_what_they_do_not_speak_of(united: Installation) -> None:
    only = status_matrix(united.workspace()).only(["tiny"])
    assert {name for _, name in only.cells} >= {"sex", "age", "crp", "weight"}
    assert all(row["tiny"].status != "undetermined" for row in only.cells.values())


def test_omics_status_prints_it_plainly(united: Installation) -> None:
    whole = omics(united, "status", "--variables")
    assert whole.returncode == 0, whole.stderr
    line = next(line for line in whole.stdout.splitlines() if line.startswith("visit") and " crp " in line)
    assert line.split() == ["visit", "crp", "C", "75%", "E", "E"]
    assert "\x1b" not in whole.stdout
    assert "% error" in whole.stdout.splitlines()[-1].replace(" %", "%")
    one = omics(united, "status", "--variables", "--study", "tiny", "--entity", "participant").stdout
    sex = next(line for line in one.splitlines() if " sex " in line)
    assert sex.split()[:4] == ["participant", "sex", "partial", "33%"]
    assert "codes that no rule names: 2" in sex
    assert "dictionary " in omics(united, "status").stdout


def test_the_picture_stands_in_the_metadata(united: Installation) -> None:
    for key in (["warehouse", "participant"], ["harmonised", "tiny", "visit"]):
        event = DagsterInstance.get().get_latest_materialization_event(AssetKey(key))
        assert event
        assert event.asset_materialization
        text = str(event.asset_materialization.metadata["variables"].value)
        assert text.startswith("![variables](data:image/png;base64,iVBOR")
        assert len(text) < LARGEST


def test_a_picture_says_the_same_by_colour_and_by_letter() -> None:
    words = list(COLOURS)
    drawn = draw(
        Grid("title", ["a", "b"], [(f"variable_{n}", [words[n % 6], "error"]) for n in range(300)], COLOURS)
    )
    assert drawn.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(drawn) < LARGEST
    width, height = int.from_bytes(drawn[16:20]), int.from_bytes(drawn[20:24])
    at = drawn.index(b"IDAT")
    dots = zlib.decompress(drawn[at + 4 : at + 4 + int.from_bytes(drawn[at - 4 : at])])
    assert len(dots) == height * (width + 1)
    assert set(dots) == set(range(8)), "white, black and one colour a status"
    assert len({word[0] for word in words}) == len(set(COLOURS.values())) == len(words)
    assert {len(dots) for dots in GLYPHS.values()} == {5}
    assert len(set(GLYPHS.values())) == len(GLYPHS)


def test_a_picture_that_would_burden_the_log_is_left_out() -> None:
    assert str(pictures({"big": b"x" * (LARGEST + 1)})["big"].value) == (
        "`big` is too large to be shown here: `omics status --variables`"
    )
