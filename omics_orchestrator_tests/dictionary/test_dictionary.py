"""The dictionary's files: what they mean, and each kind of mistake with file, line and words."""

from pathlib import Path

import pytest

from omics_orchestrator.dictionary import KEYS, MISSING_REASONS, Dictionary, load_dictionary
from omics_orchestrator.errors import DeclarationError
from omics_orchestrator_tests.studies.example import write

# what is broken → file, text, what stands there instead, text on the line that is named, place, words
MISTAKES = {
    "header": (
        "variables", "name,entity,domain,type", "name,entity,domain,kind",
        "name,entity", "", "there is no column 'kind'", "",
    ),
    "order of the header": (
        "code_lists", "code_list,code,label,terms", "code_list,label,code,terms",
        "code_list,label", "", "the columns stand in another order", "the header is code_list,code,label,terms",
    ),
    "empty cell": (
        "variables", "age,participant,demographics,decimal", "age,participant,,decimal",
        "age,participant", "age", "the cell 'domain' is empty", "",
    ),
    "a cell too many": (
        "variables", '"At consent, in years"', "At consent, in years",
        "At consent", "age", "the row has 13 cells, the header has 12", "double quotes",
    ),
    "quote not closed": (
        "variables", "Date of the visit,,", 'Date of the visit,",',
        "Date of the visit", "", "not CSV", "double quotes",
    ),
    "variable given twice": (
        "variables", "active,visit,symptoms", "crp,visit,symptoms",
        "crp,visit,symptoms", "crp", "the variable is given twice, first on line 6", "",
    ),
    "unknown type": (
        "variables", "demographics,decimal", "demographics,decimals",
        "decimals", "age.type", "'decimals' is not allowed", "did you mean 'decimal'?",
    ),
    "unknown entity": (
        "variables", "crp,visit,laboratory", "crp,visits,laboratory",
        "crp,visits", "crp.entity", "'visits' is not allowed", "did you mean 'visit'?",
    ),
    "name of a variable": (
        "variables", "active,visit", "Active,visit",
        "Active", "Active.name", "'Active' is not a name", "",
    ),
    "word of the mapping language": (
        "variables", "active,visit", "where,visit",
        "where,visit", "where.name", "'where' is a word of the mapping language", "",
    ),
    "key of the entity": (
        "variables", "active,visit,symptoms,boolean", "visit_id,visit,symptoms,text",
        "visit_id,visit", "visit_id", "'visit_id' is a key of visit", "leave the row out",
    ),
    "bounds": (
        "variables", "mg/L,0,700", "mg/L,700,0",
        "crp,visit", "crp", "min 700 is above max 0", "",
    ),
    "bound that is no number": (
        "variables", "mg/L,0,700", "mg/L,0,many",
        "crp,visit", "crp.max", "must be a number, not 'many'", "",
    ),
    "bound that is not finite": (
        "variables", "mg/L,0,700", "mg/L,0,1e400",
        "crp,visit", "crp.max", "must be a finite number", "",
    ),
    "column of every Postgres table": (
        "variables", "active,visit", "xmin,visit",
        "xmin", "xmin.name", "'xmin' is a column that every table of Postgres has already", "",
    ),
    "bounds of a date": (
        "variables", "structure,date,,,,", "structure,date,,0,,",
        "visit_date", "visit_date", "a date has no unit, min or max", "censored, decimal, integer",
    ),
    "unknown unit": (
        "variables", "censored,mg/L", "censored,mg/Ll",
        "crp,visit", "crp", "'mg/Ll' is not a unit of units.csv", "did you mean 'mg/L'?",
    ),
    "code without list": (
        "variables", "sex,participant,demographics,code,,,,sex,", "sex,participant,demographics,code,,,,,",
        "sex,participant", "sex", "a code needs a code_list", "did you mean 'sex'?",
    ),
    "list without codes": (
        "variables", "sex,participant,demographics,code,,,,sex,", "sex,participant,demographics,code,,,,sexes,",
        "sex,participant", "sex", "the code list 'sexes' has no codes in code_lists.csv", "did you mean 'sex'?",
    ),
    "list of a text": (
        "variables", "medication,boolean,,,,,", "medication,boolean,,,,sex,",
        "ifx,participant", "ifx", "a boolean has no code list", "code, set",
    ),
    "code given twice": (
        "code_lists", "sex,male,Male", "sex,female,Male",
        "sex,female,Male", "sex", "the code 'female' is given twice", "",
    ),
    "code with a blank": (
        "code_lists", "sex,male,Male", "sex,ma le,Male",
        "ma le", "sex", "'ma le' is not a code", "without spaces",
    ),
    "factor": (
        "units", "mg/dL,mg/L,10", "mg/dL,mg/L,-10",
        "-10", "mg/dL", "the factor must be a number above 0", "",
    ),
    "unit given twice": (
        "units", "mg/dl,mg/dL,", "mg/dL,mg/L,",
        "mg/dL,mg/L,,,\n", "mg/dL", "'mg/dL' is given twice", "",
    ),
    "assay without formats": (
        "assays", "formats: [feature_table]", "formats: []",
        "formats: []", "metabolomics.formats", "must not be empty", "",
    ),
    "unknown key of an assay": (
        "assays", "measures: metabolites", "measure: metabolites",
        "measure:", "metabolomics.measure", "'measure' is not known here", "did you mean 'measures'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_what_is_allowed(tmp_path, mistake):
    stem, old, new, marker, place, message, allowed = MISTAKES[mistake]
    folder = write(tmp_path, **{stem: (old, new)})
    with pytest.raises(DeclarationError) as raised:
        load_dictionary(folder)
    found = [problem for problem in raised.value.problems if message in problem.message]
    assert len(found) == 1, str(raised.value)
    problem = found[0]
    lines = (folder / problem.file.name).read_text().splitlines(keepends=True)
    assert problem.file.stem == stem
    assert marker in lines[problem.line - 1]
    assert problem.path == place
    assert allowed in problem.allowed


def test_all_files_are_told_about_at_once(tmp_path):
    folder = write(
        tmp_path,
        variables=("mg/L,0,700", "mg/L,700,0"),
        units=("mg/L,10", "mg/L,ten"),
        assays=("mgx:", "mgx: &a"),
    )
    with pytest.raises(DeclarationError) as raised:
        load_dictionary(folder)
    assert {problem.file.name for problem in raised.value.problems} == {
        "variables.csv",
        "units.csv",
        "assays.yaml",
    }


@pytest.mark.parametrize(
    "name", ["variables.csv", "code_lists.csv", "units.csv", "molar_masses.csv", "assays.yaml"]
)
def test_a_missing_or_empty_file_is_named(tmp_path, name):
    for spoil in (lambda file: file.unlink(), lambda file: file.write_text("")):
        folder = write(tmp_path)
        spoil(folder / name)
        with pytest.raises(DeclarationError) as raised:
            load_dictionary(folder)
        told = [problem for problem in raised.value.problems if problem.file.name == name]
        assert [problem.line for problem in told] == [1]
        assert told[0].message in {"the file is missing", "the file is empty"}


def test_messages_name_files_relative_to_the_working_copy():
    folder = Path(__file__).parents[2] / "data_dictionary" / "nowhere"
    with pytest.raises(
        DeclarationError, match=r"(?m)^data_dictionary/nowhere/variables.csv:1: the file is missing"
    ):
        load_dictionary(folder)


def test_rows_become_variables(tmp_path):
    dictionary = load_dictionary(write(tmp_path))
    crp = dictionary.variables["crp"]
    assert (crp.entity, crp.type, crp.unit, crp.min, crp.max) == ("visit", "censored", "mg/L", 0.0, 700.0)
    assert dictionary.variables["sex"].terms == ("NCIT C20197", "C16576")
    assert dictionary.variables["age"].description == "At consent, in years"
    assert [variable.name for variable in dictionary.of_entity("visit")] == ["visit_date", "crp", "active"]
    assert dictionary.codes("sex") == ("female", "male", "unknown")
    assert dictionary.codes("ifx") == ("yes", "no")
    assert dictionary.codes("crp") == ()
    assert dictionary.assays["mgx"].formats == ("fastq", "feature_table")


@pytest.mark.parametrize(
    ("stem", "old", "new", "changes"),
    [
        ("variables", "mg/L,0,700", "mg/L,0,800", {"crp"}),
        ("variables", "CRP,,", "C-reactive protein,,", {"crp"}),
        ("code_lists", "sex,male,Male", "sex,male,Man", {"sex"}),
        ("code_lists", "sex,unknown,Unknown,\n", "sex,unknown,Unknown,\nother,x,X,\n", set()),
        ("units", "mg/dL,mg/L,10", "mg/dL,mg/L,11", set()),
    ],
)
def test_a_digest_changes_with_its_own_variables_only(tmp_path, stem, old, new, changes):
    before = load_dictionary(write(tmp_path / "before"))
    after = load_dictionary(write(tmp_path / "after", **{stem: (old, new)}))
    assert {name for name in before.variables if before.digest([name]) != after.digest([name])} == changes
    assert before.digest_of_all != after.digest_of_all


def test_a_digest_does_not_depend_on_the_order_of_names():
    dictionary = Dictionary({})
    assert dictionary.digest(["b", "a"]) == dictionary.digest(["a", "b"])


def test_the_enumerations_are_what_the_house_agreed_on():
    assert len(MISSING_REASONS) == 11
    assert KEYS["visit"] == ("participant_id", "visit_id")


def test_only_a_restricted_code_may_be_without_a_list(tmp_path):
    kind = "active,visit,symptoms,boolean,,,,,open"
    raw = load_dictionary(
        write(tmp_path / "a", variables=(kind, "active,visit,symptoms,code,,,,,restricted"))
    )
    assert raw.variables["active"].sensitivity == "restricted"
    assert raw.codes("active") == ()
    with pytest.raises(
        DeclarationError, match="a code needs a code_list, unless its sensitivity is restricted"
    ):
        load_dictionary(write(tmp_path / "b", variables=(kind, "active,visit,symptoms,code,,,,,personal")))


def test_codes_may_hold_comparators(tmp_path):
    folder = write(
        tmp_path, code_lists=("sex,unknown,Unknown,\n", "sex,>5_above,x,\nsex,<10,x,\nsex,10-40,x,\n")
    )
    assert load_dictionary(folder).codes("sex") == ("female", "male", ">5_above", "<10", "10-40")
