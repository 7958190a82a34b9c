"""How a study calls variables: boxes, fields of boxes, columns below other rules, approved pairs."""

from __future__ import annotations

from omics_orchestrator.steps.suggest.synonyms import synonyms_of
from omics_orchestrator_tests.installation import MAPPING, Installation


def test_every_column_that_a_rule_reads(installation: Installation) -> None:
    rules = """\
  comment: {text: [note_1, files.visits.note_2]}
  calprotectin: {coalesce: [{number: fcal, unit: ug/g}, {number: fc2, unit: ug/g}]}
  sampling_ifx: {ticked: drugs, option: "-1"}
  endoscopy_type: {one_of: kind, map: {1: colonoscopy, 2: flexi_sig}}
  sampling_ada: {derive: "crp > 5"}
"""
    installation.declare("tiny", mapping=MAPPING.replace("sample:\n", f"{rules}sample:\n", 1))
    study = installation.workspace().catalogue.studies["tiny"]
    found = synonyms_of(
        study, {"crp": "C-reactive protein"}, [("files.visits.ccp", "crp"), ("files.people.x.y", "age")]
    )
    pairs = {(one.column, one.variable) for one in found}
    assert pairs == {
        ("sex", "sex"),
        ("age", "age"),
        ("crp", "crp"),
        ("ccp", "crp"),
        ("x.y", "age"),
        ("visit", "visit_id"),
        ("note_1", "comment"),
        ("note_2", "comment"),
        ("fcal", "calprotectin"),
        ("fc2", "calprotectin"),
        ("drugs____1", "sampling_ifx"),
        ("kind___*", "endoscopy_type"),
    }
    assert [one.label for one in found if one.column == "crp"] == ["C-reactive protein"]
    assert {one.study for one in found} == {"tiny"}
