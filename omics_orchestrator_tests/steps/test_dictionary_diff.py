"""What changed in the dictionary is told entry by entry, and touches exactly the assets that become stale."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from omics_orchestrator.errors import NotConfigured, UnknownKey
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.steps.dictionary_diff import Detail, Difference, UnreadableHistory, dictionary_diff
from omics_orchestrator.studies import versions
from omics_orchestrator_tests.installation import MAPPING, STUDY, Installation

USED = MAPPING.replace("{number: crp, unit: mg/L}", "{number: crp, unit: tiny-mg}").replace(
    "sample:\n", "  disease_activity: {score: tiny_activity}\nsample:\n"
)
SCORE = """\
tiny_activity:
  label: Activity by CRP
  source: invented for this test
  missing: unknown
  cases:
    - {if: "crp > threshold.tiny_cut", then: active}
  else: remission
"""
THRESHOLD = "tiny_cut: {value: 5, unit: mg/L, source: invented}\nother_cut: {value: 1, source: invented}\n"
VARIABLE = "disease_activity,visit,activity,code,,,,tiny_activity,open,Activity,,\n"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file.name}"
    file.write_text(text.replace(old, new))


@pytest.fixture
def committed(installation: Installation) -> Installation:
    """The tiny study with a unit, a score and a cut-off of its own; its dictionary is under git."""
    folder = installation.dictionary
    append(folder / "units.csv", "tiny-mg,mg/L,10,,\n")
    append(folder / "code_lists.csv", "tiny_activity,remission,Remission,\ntiny_activity,active,Active,\n")
    append(folder / "scores.yaml", SCORE)
    append(folder / "thresholds.yaml", THRESHOLD)
    append(folder / "variables.csv", VARIABLE.replace("disease_activity", "tiny_state"))
    study = STUDY.format(name="tiny") + "datasets:\n  main: {entity: visit}\n"
    installation.declare("tiny", study=study, mapping=USED.replace("disease_activity", "tiny_state"))
    git(installation.folder, "init", "-q")
    git(installation.folder, "add", "dictionary")
    git(installation.folder, "commit", "-q", "-m", "before")
    return installation


CHANGES: dict[str, tuple[str, tuple[str, str], str, set[str]]] = {
    "a bound of a variable": ("variables.csv", ("crp", "max"), "4321", {"visit"}),
    "a label of a variable that no study has": ("variables.csv", ("esr", "label"), "Another", set()),
    "a code": ("code_lists.csv", ("sex,male,", "Male"), "Man", {"participant"}),
    "a unit": ("units.csv", ("tiny-mg,mg/L,", "10"), "11", {"visit"}),
    "a cut-off": ("thresholds.yaml", ("tiny_cut: {value: ", "5"), "6", {"visit"}),
    "a cut-off that nobody names": ("thresholds.yaml", ("other_cut: {value: ", "1"), "2", set()),
    "a score": ("scores.yaml", ("crp ", "> threshold.tiny_cut"), ">= threshold.tiny_cut", {"visit"}),
}
"""Change → file; what stands there, and before it (of variables.csv: row and column); the new text; the entities
whose harmonised table it touches."""


def change(installation: Installation, called: str) -> None:
    name, (place, old), new, _ = CHANGES[called]
    file = installation.dictionary / name
    if name != "variables.csv":
        replace(file, place + old, place + new)
        return
    with file.open(newline="", encoding="utf-8") as text:
        rows = list(csv.reader(text))
    (row,) = [row for row in rows if row[0] == place]
    row[rows[0].index(old)] = new
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows(rows)


def stale(installation: Installation) -> set[str]:
    return set(Session(installation.workspace()).stale())


@pytest.mark.parametrize("called", CHANGES)
def test_one_changed_entry_makes_exactly_its_assets_stale(committed: Installation, called: str) -> None:
    session = Session(committed.workspace())
    assert session.materialise(session.assets()).failed == {}
    assert stale(committed) == set()
    change(committed, called)
    file, _, _, entities = CHANGES[called]
    reached = {f"harmonised/tiny/{entity}" for entity in entities}
    if file in {"variables.csv", "code_lists.csv"}:  # the union has every variable of its entity
        reached |= {f"warehouse/{entity}" for entity in entities or {"visit"}}
        reached |= {
            "dataset/tiny/main" for _ in entities
        }  # it shows the variables of visits and participants
    found = dictionary_diff(committed.workspace(), "HEAD")
    assert set(found.touched) == reached
    assert set(found.touched.values()) <= {"changed"}
    assert stale(committed) == reached


def told(found: Difference) -> list[tuple[str, str, str, list[Detail]]]:
    return [(one.section, one.name, one.kind, list(one.details)) for one in found.changes]


def test_every_change_is_told_field_by_field(committed: Installation) -> None:
    assert dictionary_diff(committed.workspace(), "HEAD").changes == ()
    for called in CHANGES:
        change(committed, called)
    mapping = (committed.dictionary / "studies" / "tiny" / "mapping.yaml").read_text()
    study = (committed.dictionary / "studies" / "tiny" / "study.yaml").read_text()
    new = mapping.replace("f: female", "f: female, x: unknown")
    committed.declare("tiny", study=study.replace("entity: visit", "entity: participant"), mapping=new)
    committed.declare("second")
    found = dictionary_diff(committed.workspace(), "HEAD")
    assert found.before != found.now
    changes = {(section, name): (kind, details) for section, name, kind, details in told(found)}
    assert changes["studies", "second"] == ("added", [])
    assert changes["studies", "tiny"] == (
        "changed",
        [
            Detail("datasets.main.entity", "visit", "participant"),
            Detail("participant.sex.map.x", None, "unknown"),
        ],
    )
    assert changes["code_lists", "sex"] == ("changed", [Detail("male", "Male", "Man")])
    assert changes["thresholds", "tiny_cut"] == ("changed", [Detail("value", "5", "6")])
    kind, (detail,) = changes["variables", "crp"]
    assert (kind, detail.path, detail.new) == ("changed", "max", "4321")
    ((_, (bound,)),) = [changes[section, name] for section, name in changes if section == "scores"]
    assert bound == Detail("cases.1.if", "crp > threshold.tiny_cut", "crp >= threshold.tiny_cut")
    assert [name for section, name in changes if section == "units"]
    assert found.touched["harmonised/second/visit"] == "added"
    assert found.touched["warehouse/sample"] == "changed"  # one study more is united


def test_changed_drugs_are_told_and_touch_nothing(committed: Installation) -> None:
    drugs, classes = committed.dictionary / "drugs.csv", committed.dictionary / "drug_classes.csv"
    replace(drugs, "L04AC24", "L04AC99")
    append(drugs, "obefazimod,any treatment,,,,,,,,,,\n")
    replace(classes, "JAKi; ", "")
    found = dictionary_diff(committed.workspace(), "HEAD")
    assert told(found) == [
        (
            "drug_classes",
            "JAK inhibitor",
            "changed",
            [Detail("synonyms", "JAKi; Janus kinase inhibitor", "Janus kinase inhibitor")],
        ),
        ("drugs", "mirikizumab", "changed", [Detail("atc", "L04AC24", "L04AC99")]),
        ("drugs", "obefazimod", "added", []),
    ]
    assert (found.touched, found.before) == ({}, found.now)


def test_removed_entries_and_studies_are_told(committed: Installation) -> None:
    committed.declare("second")
    git(committed.folder, "add", "dictionary")
    git(committed.folder, "commit", "-q", "-m", "two studies")
    for file in (committed.dictionary / "studies" / "second").iterdir():
        file.unlink()
    found = dictionary_diff(committed.workspace(), "HEAD")
    assert told(found) == [("studies", "second", "removed", [])]
    assert {key for key, kind in found.touched.items() if kind == "removed"} == {
        key for key in found.touched if "/second" in key
    }
    assert dictionary_diff(committed.workspace(), "HEAD~1").changes == ()


def test_a_comment_or_a_moved_line_is_no_change(committed: Installation) -> None:
    file = committed.dictionary / "studies" / "tiny" / "mapping.yaml"
    first, second = "  sex: {recode: sex, map: {m: male, f: female}}\n", "  age: {number: age, unit: a}\n"
    replace(file, first + second, f"{second}  # moved\n{first}")
    found = dictionary_diff(committed.workspace(), "HEAD")
    assert (found.changes, dict(found.touched)) == ((), {})


def test_old_spellings_of_ids_are_told_by_their_number(committed: Installation) -> None:
    study = STUDY.format(name="tiny").replace('"P[0-9]+"}', '"P[0-9]+", aliases: aliases.csv}')
    folder = committed.declare(
        "tiny", study=study, mapping=(committed.dictionary / "studies/tiny/mapping.yaml").read_text()
    )
    (folder / "aliases.csv").write_text("old,new\nSECRET1,P1\n")
    git(committed.folder, "add", "dictionary")
    git(committed.folder, "commit", "-q", "-m", "aliases")
    (folder / "aliases.csv").write_text("old,new\nSECRET2,P2\n")
    found = dictionary_diff(committed.workspace(), "HEAD")
    ((_, _, _, (detail,)),) = told(found)
    assert detail.path == "participant_id.aliases"
    assert detail.old
    assert detail.old.startswith("1 old spellings")
    assert "SECRET" not in repr(found)
    assert {key.split("/")[0] for key in found.touched} == {"harmonised", "files", "matrix", "identity"}


def test_a_broken_study_is_named_and_not_compared(committed: Installation) -> None:
    committed.declare("tiny", mapping=MAPPING.replace("recode: sex", "recodee: sex"))
    found = dictionary_diff(committed.workspace(), "HEAD")
    assert (found.changes, dict(found.touched)) == ((), {})
    assert found.unread == {"tiny": "broken now"}


def test_what_cannot_be_compared_is_told(committed: Installation, tmp_path: Path) -> None:
    workspace = committed.workspace()
    with pytest.raises(UnknownKey, match='no commit, branch or tag "nonsense"'):
        dictionary_diff(workspace, "nonsense")
    with pytest.raises(UnknownKey, match='no commit, branch or tag "--output=x"'):
        dictionary_diff(workspace, "--output=x")
    replace(committed.dictionary / "variables.csv", "crp,visit", "crp,vizit")
    git(committed.folder, "commit", "-q", "-a", "-m", "wrong")
    replace(committed.dictionary / "variables.csv", "crp,vizit", "crp,visit")
    with pytest.raises(UnreadableHistory, match=r"of HEAD:\n  HEAD:variables.csv:\d+: "):
        dictionary_diff(committed.workspace(), "HEAD")
    git(committed.folder, "rm", "-q", "-r", "--cached", "dictionary")
    git(committed.folder, "commit", "-q", "-m", "gone")
    with pytest.raises(UnknownKey, match="no data dictionary at"):
        dictionary_diff(committed.workspace(), "HEAD")


def test_without_git_there_is_no_history(installation: Installation) -> None:
    with pytest.raises(NotConfigured, match="lies in no git working copy"):
        dictionary_diff(installation.workspace(), "HEAD")


def test_the_versions_are_those_of_the_asset_graph(committed: Installation) -> None:
    workspace = committed.workspace()
    specs = [spec for one in build_definitions(workspace).assets or [] for spec in getattr(one, "specs", [])]
    theirs = {
        spec.key.to_user_string(): spec.code_version for spec in specs if spec.key.path[0] != "delivery"
    }
    assert versions.of_all(workspace.catalogue, workspace.dictionary) == theirs
