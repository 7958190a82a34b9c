"""What is told of saved pairs: label, score, reason and rule as they would come now; no cell."""

from __future__ import annotations

import pytest

from omics_orchestrator.steps.suggest import decide, suggest
from omics_orchestrator.steps.suggest.saved import Saved, saved_pairs
from omics_orchestrator.studies.suggestions import FILE
from omics_orchestrator_tests.installation import STUDY, Installation

ROWS = ["id,visit,crp_mg_l,gender,mail,zzqq", "P1,1,5,Female,ann@example.org,called her sister"]


@pytest.fixture
def north(installation: Installation) -> Installation:
    """Beside `tiny` a study that has mapped nothing, and some saved pairs."""
    (installation.source / "north.csv").write_text("\n".join(ROWS) + "\n")
    study = STUDY.replace(" visits: visits.csv", " visits: north.csv").format(name="north")
    installation.declare("north", study=study, mapping="not_mapped: {}\n")
    pairs = [("crp_mg_l", "crp"), ("crp_mg_l", "esr"), ("gender", "sex"), ("mail", "sex"), ("zzqq", "age")]
    decide(installation.workspace(), "north", pairs, "proposed", "omics")
    return installation


def test_the_same_score_reason_and_rule_as_the_command(north: Installation) -> None:
    workspace = north.workspace()
    found, notes = saved_pairs(workspace)
    assert notes == []
    assert {key[0] for key in found} == {"north"}
    (best,) = (
        ranked[0] for one, ranked in suggest(workspace, "north").ranked if one.about.name == "crp_mg_l"
    )
    rule = "crp: {number: crp_mg_l}    # in which unit? the dictionary has mg/L"
    crp = found["north", "files.visits.crp_mg_l", "crp"]
    assert crp == Saved("", f"{best.score:.2f}", "; ".join(best.why), rule)
    sex = found["north", "files.visits.gender", "sex"]
    assert sex.rule == "# its codes stand in no codebook: write the map by hand"
    assert found["north", "files.visits.zzqq", "age"] == Saved()  # nothing like it
    assert found["north", "files.visits.mail", "sex"] == Saved()  # seems to identify
    for cell in ("Female", "example.org", "sister"):
        assert cell not in repr(found)


def test_a_rejected_pair_keeps_its_score(north: Installation) -> None:
    before, _ = saved_pairs(north.workspace())
    decide(north.workspace(), "north", [("crp_mg_l", "crp")], "rejected", "ann")
    after, _ = saved_pairs(north.workspace())
    assert after == before


def test_a_source_that_is_not_there_and_a_broken_list(north: Installation) -> None:
    (north.source / "north.csv").unlink()
    found, notes = saved_pairs(north.workspace())
    assert found == {}
    assert notes[0].startswith("north: files could not be asked (")
    (north.dictionary / "studies" / "tiny" / FILE).write_text("column,variable,state,by,on\nx,crp,maybe,,\n")
    found, notes = saved_pairs(north.workspace())
    assert found == {}
    assert notes[0].startswith("north: without scores and rules of its suggestions: ")
    (north.dictionary / "studies" / "north" / FILE).write_text("column,variable\n")
    assert saved_pairs(north.workspace()) == ({}, [])
