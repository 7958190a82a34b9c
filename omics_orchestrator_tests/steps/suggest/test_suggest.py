"""A study's columns from its files, its server's dictionary or what is stored; what a person decided stays decided."""

from __future__ import annotations

import pytest

from omics_orchestrator.errors import DeclarationError, UnknownKey
from omics_orchestrator.orchestration import current
from omics_orchestrator.sources.described import Described
from omics_orchestrator.steps.suggest import Suggestions, decide, suggest
from omics_orchestrator.studies.suggestions import FILE, read_suggestions
from omics_orchestrator_tests.installation import MAPPING, STUDY, Installation

NORTH = STUDY.replace(" visits: visits.csv", " visits: north.csv")
ROWS = [
    "id,visit,Geschlecht,gender,birth_date,mail,crp_mg_l,calprotectin,note,zzqq",
    "P1,1,m,Female,1990-01-02,ann@example.org,5,20,called her sister,1",
    "P2,1,w,Male,1980-03-04,bob@example.org,6,<20,wants a letter,1",
    "P3,1,w,Male,1970-05-06,eve@example.org,7,200,moved to Leith,1",
    "P4,1,w,Male,1960-07-08,dan@example.org,9,100,nothing,1",
]
MAPPED = (
    "visit:\n  from: files.visits\n  key: [id, visit]\n  calprotectin: {number: calprotectin, unit: ug/g}\n"
)


@pytest.fixture
def north(installation: Installation) -> Installation:
    """Beside `tiny` a study that has mapped next to nothing."""
    (installation.source / "north.csv").write_text("\n".join(ROWS) + "\n")
    installation.declare("north", study=NORTH.format(name="north"), mapping=MAPPED)
    return installation


def variables(found: Suggestions) -> dict[str, list[str]]:
    return {column.about.name: [one.variable for one in ranked] for column, ranked in found.ranked}


def test_columns_of_a_file_that_nobody_decided_about(north):
    found = suggest(north.workspace(), "north")
    best = variables(found)
    assert best["crp_mg_l"][0] == "crp"
    assert best["gender"][0] == "sex"  # by the words in its cells: the name is not like it
    assert best["zzqq"] == []
    assert "calprotectin" not in best
    assert {column.about.name for column in found.identifying} == {"birth_date", "mail"}
    for told in ("Female", "example.org", "sister"):
        assert told not in repr([ranked for _, ranked in found.ranked])


def test_all_and_single_columns(north):
    workspace = north.workspace()
    assert variables(suggest(workspace, "north", everything=True))["calprotectin"][0] == "calprotectin"
    assert list(variables(suggest(workspace, "north", wanted=["crp*"]))) == ["crp_mg_l"]
    assert list(variables(suggest(workspace, "north", wanted=["files.visits.note"]))) == ["note"]
    with pytest.raises(UnknownKey, match="crp_mg_l"):
        suggest(workspace, "north", wanted=["crp_mgl"])
    with pytest.raises(UnknownKey, match="north"):
        suggest(workspace, "nort")


def test_other_studies_teach(north):
    north.declare("tiny", mapping=MAPPING.replace("{number: crp,", "{number: zzqq,"))
    found = suggest(north.workspace(), "north")
    assert variables(found)["zzqq"][0] == "crp"
    (why,) = (ranked[0].why for column, ranked in found.ranked if column.about.name == "zzqq")
    assert "so in tiny" in why


def test_a_codebook_says_what_a_header_does_not(north):
    book = {"zzqq": Described("", "zzqq", "Haemoglobin", "number", note="g/L")}
    found = suggest(north.workspace(), "north", wanted=["zzqq"], codebook=book)
    ((column, ranked),) = found.ranked
    assert column.unit == "g/L"
    assert ranked[0].variable == "haemoglobin"


def test_a_codebook_alone_is_enough(north):
    (north.source / "north.csv").unlink()
    book = {name: Described("", name, label) for name, label in (("a1", "Platelets"), ("email", "E-mail"))}
    found = suggest(north.workspace(), "north", codebook=book)
    assert variables(found)["a1"][0] == "platelets"
    assert [one.about.name for one in found.identifying] == ["email"]
    assert [one.reference for one, _ in found.ranked] == ["files.a1"]
    assert "nothing of it is stored here either" in found.notes[0]


def test_nothing_is_mapped_yet(north):
    north.declare("north", study=NORTH.format(name="north"), mapping="not_mapped: {}\n")
    best = variables(suggest(north.workspace(), "north"))
    assert best["calprotectin"][0] == "calprotectin"


def test_decisions_are_kept_and_heeded(north):
    workspace = north.workspace()
    decide(workspace, "north", [("crp_mg_l", "crp")], "rejected", "ann")
    assert "crp" not in variables(suggest(workspace, "north", top=40))["crp_mg_l"]
    decide(workspace, "north", [("crp_mg_l", "crp")], "proposed", "omics")  # changes nothing
    decide(workspace, "north", [("zzqq", "albumin")], "approved", "ann")
    found = suggest(workspace, "north")
    assert [(one.column, one.variable) for one in found.approved] == [("files.visits.zzqq", "albumin")]
    folder = north.dictionary / "studies" / "north"
    assert [(one.variable, one.state, one.by) for one in read_suggestions(folder, ["crp", "albumin"])] == [
        ("crp", "rejected", "ann"),
        ("albumin", "approved", "ann"),
    ]
    assert (folder / "mapping.yaml").read_text() == MAPPED
    (north.source / "visits.csv").write_text("id,visit,sample,crp,zzqq\nP1,1,S1,5,1\n")
    assert variables(suggest(workspace, "tiny"))["zzqq"][0] == "albumin"  # approved elsewhere, mapped nowhere
    for pairs in ([("crp_mg", "crp")], [("crp_mg_l", "crpp")]):
        with pytest.raises(UnknownKey):
            decide(workspace, "north", pairs, "approved", "ann")


def test_a_name_that_two_tables_have_is_given_in_full(installation):
    with pytest.raises(UnknownKey, match=r"files.people.id"):
        decide(installation.workspace(), "tiny", [("id", "external_id")], "approved", "ann")
    (line,) = decide(
        installation.workspace(), "tiny", [("files.people.id", "external_id")], "approved", "ann"
    )
    assert line.column == "files.people.id"


def test_a_broken_list_is_told_and_hinders_no_run(north):
    (north.dictionary / "studies" / "north" / FILE).write_text("column,variable,state,by,on\nx,crp,maybe,,\n")
    current.forget()
    with pytest.raises(DeclarationError, match=r"suggestions.csv:2: x: 'maybe' is not a state"):
        suggest(north.workspace(), "north")
    assert "north" in north.workspace().catalogue.studies


def test_a_source_that_is_not_there_is_told(north):
    (north.source / "north.csv").unlink()
    found = suggest(north.workspace(), "north")
    assert list(found.ranked) == []
    assert "nothing of it is stored here either" in found.notes[0]


def test_what_a_codebook_alone_tells_is_decided_with_it(north):
    (north.source / "north.csv").unlink()
    book = {"a1": Described("", "a1", "Platelets")}
    (line,) = decide(north.workspace(), "north", [("files.a1", "platelets")], "proposed", "omics", book)
    assert (line.column, line.variable) == ("files.a1", "platelets")


def test_the_unit_stands_in_the_name_of_a_column_without_a_label(north):
    (north.source / "north.csv").write_text("id,visit,CRP [mg/dl],Weight kg\nP1,1,5,70\n")
    found = suggest(north.workspace(), "north")
    assert {column.about.name: column.unit for column, _ in found.ranked if column.unit} == {
        "CRP [mg/dl]": "mg/dl",
        "Weight kg": "kg",
    }
