"""drugs.csv and drug_classes.csv: rows are read, each kind of mistake is told with file and line, and stops nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.dictionary.atc import AtcCode
from omics_orchestrator.dictionary.drugs import CLASSES_FILE, DRUGS_FILE, Drugs, as_written, read_drugs
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.synonyms import Synonyms, read_synonyms
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.studies.example import write

DICTIONARY = WORKING_COPY / "data_dictionary"
CODES = {"ifx": ("yes", "no"), "ifx_start": (), "steroid": ("prednisolone", "other"), "tnf": ("yes", "no")}
CLASSES = """\
class,part_of,advanced,synonyms,variables
biological drug,,yes,biologic,
anti-TNF,biological drug,yes,TNF blocker,tnf
corticosteroid,,no,steroid,
"""
DRUGS = """\
ingredient,class,atc,rxnorm,codes_source,synonyms,persistence_days,persistence_source,washout_days,washout_source,ever_taken,variables
infliximab,anti-TNF,L04AB02,191831,index of 2026,IFX; Remicade,112,a paper,183,a label,ifx,ifx; ifx_*
vedolizumab,biological drug,L04AA33 until 2023; L04AG05 from 2024,,index of 2026,vedo,,,,,,
prednisolone,corticosteroid,,,,pred,,,,,,steroid=prednisolone
"""


def folder_with(folder: Path, *changes: tuple[str, str]) -> Path:
    drugs, classes = DRUGS, CLASSES
    for old, new in changes:
        assert old in drugs + classes
        drugs, classes = drugs.replace(old, new), classes.replace(old, new)
    (folder / DRUGS_FILE).write_text(drugs)
    (folder / CLASSES_FILE).write_text(classes)
    return folder


def told(folder: Path) -> tuple[Drugs, list[str]]:
    problems = Problems()
    found = read_drugs(folder, problems, CODES)
    read_synonyms(folder, problems)
    return found, [str(problem).removeprefix(f"{folder}/") for problem in problems.found]


def test_rows_are_read(tmp_path):
    drugs, mistakes = told(folder_with(tmp_path))
    assert mistakes == []
    assert list(drugs.drugs) == ["infliximab", "vedolizumab", "prednisolone"]
    infliximab, vedolizumab = drugs.drugs["infliximab"], drugs.drugs["vedolizumab"]
    assert (infliximab.rxnorm, infliximab.persistence_days, infliximab.washout_days) == ("191831", 112, 183)
    assert vedolizumab.atc == (AtcCode(code="L04AA33", last=2023), AtcCode(code="L04AG05", first=2024))
    assert (vedolizumab.washout_days, vedolizumab.washout_source) == (None, "")
    assert drugs.groups("anti-TNF") == ("anti-TNF", "biological drug")
    assert drugs.below("biological drug") == ("anti-TNF", "vedolizumab", "infliximab")


def test_a_variable_tells_about_a_drug_else_about_a_class(tmp_path):
    drugs, _ = told(folder_with(tmp_path))
    about = {name: [one.name for one in drugs.telling(name)] for name in (*CODES, "crp")}
    assert about == {
        "ifx": ["infliximab"],
        "ifx_start": ["infliximab"],
        "steroid": ["prednisolone"],
        "tnf": ["anti-TNF"],
        "crp": [],
    }


def test_names_are_searched_for(tmp_path):
    assert read_synonyms(folder_with(tmp_path), Problems()) == (
        Synonyms(("biological drug", "biologic"), ("anti-TNF", "vedolizumab", "infliximab")),
        Synonyms(("anti-TNF", "TNF blocker"), ("infliximab",)),
        Synonyms(("corticosteroid", "steroid"), ("prednisolone",)),
        Synonyms(("infliximab", "IFX", "Remicade"), ()),
        Synonyms(("vedolizumab", "vedo"), ()),
        Synonyms(("prednisolone", "pred"), ()),
    )


@pytest.mark.parametrize(
    ("old", "new", "left", "words"),
    [
        ("vedolizumab,biological", "vedolizumab,biologcal", 2, "drugs.csv:3: vedolizumab: 'biologcal drug' is not"),
        ("anti-TNF,biological drug", "anti-TNF,biologics", 3, "drug_classes.csv:3: anti-TNF: 'biologics' is not a"),
        ("drug,,yes", "drug,anti-TNF,yes", 3, "drug_classes.csv:2: biological drug: the class is part of itself"),
        ("vedo,,,", "IFX,,,", 3, "drugs.csv:3: vedolizumab: 'IFX' stands on line 2 already"),
        ("TNF blocker", "remicade", 3, "drugs.csv:2: infliximab: 'Remicade' stands in drug_classes.csv:3 already"),
        ("L04AB02", "L04AB2", 2, "drugs.csv:2: infliximab.atc: 'L04AB2' is not a code of ATC"),
        ("until 2023", "until 23", 2, "drugs.csv:3: vedolizumab.atc: 'L04AA33 until 23' is not a code"),
        ("191831", "RX191831", 2, "drugs.csv:2: infliximab.rxnorm: 'RX191831' does not have the right form"),
        ("112", "-112", 2, "drugs.csv:2: infliximab.persistence_days: -112 days: a time cannot be negative"),
        ("183", "six months", 2, "drugs.csv:2: infliximab.washout_days: must be a whole number"),
        ("a label", "", 3, "drugs.csv:2: infliximab: washout_days is given without washout_source"),
        ("ifx; ifx_*", "ifx; iffx_*", 3, "drugs.csv:2: infliximab: variables: 'iffx_*' is not in variables.csv"),
        ("=prednisolone", "=predisolone", 3, "drugs.csv:4: prednisolone: variables: 'steroid' has no code"),
        ("label,ifx,", "label,ifx_start,", 3, "drugs.csv:2: infliximab: ever_taken: 'ifx_start' is no yes/no variable"),
        ("label,ifx,", "label,tnf,", 3, "drugs.csv:2: infliximab: ever_taken: 'tnf' does not stand under `variables`"),
        ("biologic,", "biologic,ifx,", 2, "drug_classes.csv:2: biological drug: the row has 6 cells"),
        ("prednisolone,cortico", "infliximab,cortico", 2, "drugs.csv:4: infliximab: 'infliximab' is given twice"),
        ("TNF,biological drug,yes", "TNF,biological drug,so", 2, "drug_classes.csv:3: anti-TNF.advanced: must be yes"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_hinders_no_other_row(tmp_path, old, new, left, words):
    drugs, mistakes = told(folder_with(tmp_path, (old, new)))
    assert any(mistake.startswith(words) for mistake in mistakes), mistakes
    assert len(drugs.drugs) == left


def test_a_dictionary_may_be_without_drugs_and_a_mistake_stops_nobody(tmp_path):
    folder = write(tmp_path)
    assert read_drugs(folder, Problems()) == Drugs()
    before = load_dictionary(folder).digest_of_all
    folder_with(folder)
    assert load_dictionary(folder).digest_of_all == before
    (folder / DRUGS_FILE).write_bytes(b"\xff\x00")
    assert load_dictionary(folder).digest_of_all == before
    assert len(told(folder)[1]) > 0


def test_rows_can_be_compared_as_they_are_written(tmp_path):
    assert as_written(tmp_path) == {"drug_classes": {}, "drugs": {}}
    rows = as_written(folder_with(tmp_path, ("L04AB02", "nonsense")))
    assert rows["drugs"]["infliximab"]["atc"] == "nonsense"
    assert rows["drug_classes"]["corticosteroid"] == {
        "class": "corticosteroid",
        "advanced": "no",
        "synonyms": "steroid",
    }


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load_dictionary(DICTIONARY)


@pytest.fixture(scope="module")
def ours(dictionary: Dictionary) -> Drugs:
    problems = Problems()
    found = read_drugs(DICTIONARY, problems, {name: dictionary.codes(name) for name in dictionary.variables})
    read_synonyms(DICTIONARY, problems)
    assert list(map(str, problems.found)) == []
    return found


def test_each_medication_variable_of_our_dictionary_is_about_a_drug_or_a_class(dictionary, ours):
    medication = {name for name, one in dictionary.variables.items() if "medication" in one.domain}
    medication |= {
        name for name in dictionary.variables if name.endswith(("ifx_level", "ada_level", "_antibody"))
    }
    assert len(medication) > 100
    assert {name for name in medication if not ours.telling(name)} == set()


def test_each_drug_of_ours_whose_class_is_advanced_has_a_code_with_its_source(ours):
    advanced = [drug for drug in ours.drugs.values() if ours.classes[drug.drug_class].advanced]
    assert len(advanced) == 15
    assert all(drug.atc and drug.codes_source for drug in advanced)


def test_a_substance_of_ours_has_one_code_at_a_time_that_no_other_has(ours):
    codes = [code.code for drug in ours.drugs.values() for code in drug.atc]
    assert len(codes) == len(set(codes)) > 40
    moved = [drug for drug in ours.drugs.values() if any(code.last for code in drug.atc)]
    assert {(code.first, code.last) for drug in moved for code in drug.atc} == {(None, 2023), (2024, None)}
