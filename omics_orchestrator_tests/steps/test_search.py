"""Search: what is found by which words, in which order; and the same by search.js."""

from __future__ import annotations

import csv
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

from omics_orchestrator.dictionary import Dictionary, Variable, load_dictionary
from omics_orchestrator.dictionary.drugs import CLASSES_FILE, DRUGS_FILE, Drugs, read_drugs
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.synonyms import Synonyms, read_synonyms
from omics_orchestrator.dictionary.told import Telling
from omics_orchestrator.dictionary.wording import words
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.steps import search
from omics_orchestrator.steps.search import SearchIndex, search_index
from omics_orchestrator.studies import Catalogue, load_studies
from omics_orchestrator.studies.versions import of_all
from omics_orchestrator_tests.studies.example import write

DICTIONARY = WORKING_COPY / "data_dictionary"
SYNONYMS = read_synonyms(DICTIONARY, Problems())
Find = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def index() -> SearchIndex:
    dictionary = load_dictionary(DICTIONARY)
    return search_index(dictionary, SYNONYMS, load_studies(DICTIONARY, dictionary))


@pytest.fixture(scope="module")
def find(index: SearchIndex) -> Find:
    return lambda text: [variable.name for variable in index.find(text).variables]


def small(*synonyms: Synonyms, **variables: dict[str, str]) -> SearchIndex:
    made = {
        name: Variable.model_validate(
            {"name": name, "entity": "visit", "domain": "d", "type": "boolean", **given}
        )
        for name, given in variables.items()
    }
    return search_index(Dictionary(made, {"colour": {"r": "Red"}}), synonyms, Catalogue())


def names(index: SearchIndex, text: str) -> list[str]:
    return [variable.name for variable in index.find(text).variables]


def test_every_variable_is_first_by_its_name(index, find):
    of_words = [entry for entry in index.entries if entry.name]
    assert len(of_words) == len(index.entries)
    alone = [entry.variable.name for entry in of_words if [e.name for e in of_words].count(entry.name) == 1]
    assert len(alone) > 500
    assert [name for name in alone if find(name)[0] != name] == []


def test_an_empty_search_lists_all_in_the_dictionarys_order(index, find):
    assert find("") == find("  ") == [entry.variable.name for entry in index.entries]
    assert find("of the") == find("?") == []


def test_name_weighs_more_than_label_than_codes_than_description():
    index = small(
        told={"description": "What was red"},
        coded={"type": "code", "code_list": "colour", "label": "Hue"},
        labelled={"label": "Red"},
        red={"label": "Hue"},
    )
    assert names(index, "red") == ["red", "labelled", "coded", "told"]


def test_those_that_hold_all_words_come_first():
    index = small(
        red_red={"label": "Red red"}, both={"description": "blue and red"}, blue={"label": "Blue, blue"}
    )
    found = index.find("red blue")
    assert [variable.name for variable in found.variables][0] == "both"
    assert found.complete == 1
    assert len(found.variables) == 3


def test_a_rare_word_weighs_more_than_a_common_one():
    common = {f"day_{number}": {"label": "Date"} for number in range(20)}
    index = small(**common, fistula={"label": "Fistula"})
    assert names(index, "date fistula")[0] == "fistula"


def test_free_text_comes_after_what_can_be_analysed():
    index = small(pain_text={"type": "text", "label": "Pain"}, pain_kind={"label": "Pain"})
    assert names(index, "pain") == ["pain_kind", "pain_text"]


def test_synonyms_find_each_other_and_also_finds_goes_one_way():
    index = small(
        Synonyms(("biological drug", "biologic"), ("infliximab",)),
        Synonyms(("infliximab", "Remicade"), ()),
        ifx={"label": "Infliximab: ever taken"},
        any_biologic={"label": "Any biological drug"},
    )
    assert names(index, "remicade") == ["ifx"]
    assert names(index, "biologic") == ["any_biologic", "ifx"]
    assert names(index, "infliximab") == ["ifx"]


def test_part_of_a_term_is_not_the_term():
    index = small(
        Synonyms(("white cell count", "WBC"), ()), cell_count={"label": "Cells"}, white={"label": "White"}
    )
    assert index.find("wbc").variables == ()


def test_a_beginning_is_found_after_the_whole_word():
    index = small(calprotectin={"label": "Calprotectin"}, calp={"label": "Calp"})
    assert names(index, "calp") == ["calp", "calprotectin"]
    assert names(index, "calpro") == ["calprotectin"]
    assert index.find("calpro").read_as == {}


@pytest.mark.parametrize(
    ("typed", "meant", "first"),
    [
        ("haemoglobine", "haemoglobin", "haemoglobin"),
        ("platlets", "platelets", "platelets"),
        ("albmuin", "albumin", "albumin"),
    ],
)
def test_a_typing_error_is_read_as_what_looks_like_it(index, typed, meant, first):
    found = index.find(typed)
    assert meant in found.read_as[typed]
    assert found.variables[0].name == first


def test_what_is_like_nothing_finds_nothing(index):
    found = index.find("xyzzy")
    assert (found.variables, found.read_as) == ((), {"xyzzy": ()})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stricturing", {"montreal_cd_behaviour", "paris_cd_behaviour"}),
        ("LOINC 718-7", {"haemoglobin"}),
        ("edinburgh", {"study_center"}),
        ("faecal calprotectin", {"calprotectin"}),
        ("fecal calprotectin", {"calprotectin"}),
        ("antitnf", {"sampling_tnf", "baseline_anti_tnf_exposure"}),
    ],
)
def test_what_is_found_in_codes_terminology_and_other_spellings(find, text, expected):
    assert expected <= set(find(text)[:5])


def test_words_of_a_study_find_its_variables_after_those_that_hold_them(tmp_path):
    folder = write(tmp_path)
    dictionary = load_dictionary(folder)
    index = search_index(dictionary, read_synonyms(folder, Problems()), load_studies(folder, dictionary))
    assert set(names(index, "tiny")) == {"sex", "age", "ifx", "visit_date", "crp"}
    assert set(names(index, "three participants")) == {"sex", "age", "ifx", "visit_date", "crp"}
    assert names(index, "tiny crp")[0] == "crp"
    assert names(index, "biologic") == ["ifx"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("music", ["music"]),
        ("crp in MUSIC", ["music"]),
        ("gidamps", ["gidamps"]),
        ("GI-DAMPs calprotectin", ["gidamps"]),
        ("ibdmdb", ["hmp2"]),
        ("mus", ["music"]),
        ("mu", []),
        ("dutch cohorts", ["prism"]),
        ("dutch crp", []),  # in a description only where every word is there
        ("saliva", ["music"]),
        ("music-data@example.org", ["music"]),  # by the word music: stewards are not searched
        ("public-data", []),
        ("calprotectin", []),
        ("of the", []),
    ],
)
def test_studies_are_found_by_name_title_assays_and_description(index, text, expected):
    assert list(index.find_studies(text)) == expected


def test_studies_by_their_assays_and_in_their_order(index):
    assert {"demo_adult", "demo_child"} <= set(index.find_studies("wgs"))
    assert {"demo_registry"} <= set(index.find_studies("single-cell"))
    assert list(index.find_studies("")) == list(index.studies)
    first, *others = index.find_studies("demo adults")
    assert first == "demo_adult"
    assert {"demo_child", "demo_registry"} <= set(others)  # by the word demo, after the one that holds both


def test_synonyms_and_drugs_make_nothing_stale(tmp_path):
    def versions(folder: Path) -> dict[str, str]:
        dictionary = load_dictionary(folder)
        return of_all(load_studies(folder, dictionary), dictionary)

    folder = write(tmp_path)
    before = versions(folder)
    (folder / "synonyms.csv").write_text("term,synonyms,also_finds\nCRP,reactive,\n")
    for name in (DRUGS_FILE, CLASSES_FILE):
        (folder / name).write_bytes((DICTIONARY / name).read_bytes())
    assert versions(folder) == before != {}


def test_every_row_of_the_synonyms_finds_something():
    dictionary = load_dictionary(DICTIONARY)
    texts = {
        f" {' '.join(words(text))} "
        for variable in dictionary.variables.values()
        for codes in [dictionary.code_lists.get(variable.code_list, {})]
        for text in (variable.name, variable.label, variable.description, *codes, *codes.values())
    }
    said = "".join(texts)
    rows = {row.terms[0]: (*row.terms, *row.also_finds) for row in SYNONYMS}
    useless = {
        name for name, row in rows.items() if not any(f" {' '.join(words(term))} " in said for term in row)
    }
    drugs = read_drugs(DICTIONARY, Problems())
    unasked = {name for name in useless & {*drugs.drugs, *drugs.classes} if not variables_of(drugs, name)}
    assert len(rows) > 100
    assert useless - unasked == set()
    assert unasked == {"S1P modulator", "ozanimod", "etrasimod", "antidiarrhoeal", "loperamide"}


def variables_of(drugs: Drugs, name: str) -> list[Telling]:
    above = drugs.drugs[name].drug_class if name in drugs.drugs else name
    own = drugs.drugs[name].variables if name in drugs.drugs else ()
    return [*own, *(told for group in drugs.groups(above) for told in drugs.classes[group].variables)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pentasa", {"sampling_asa", "baseline_asa"}),
        ("medrol", {"sampling_steroids"}),
        ("tysabri", {"sampling_biologic", "baseline_biologic_exposure"}),
        ("risankisumab", {"risa", "sampling_risa"}),
        ("thiopurines", {"baseline_thiopurine_exposure", "aza_start"}),
    ],
)
def test_a_drug_is_found_by_its_names_and_by_its_class_where_no_variable_is_its_own(find, text, expected):
    assert expected <= set(find(text)[:5])


def test_the_searches_of_the_bench_are_answered(find):
    """40 searches with the variables that a researcher expects; also a variable that was renamed shows here."""
    with (WORKING_COPY / "bench" / "searches.csv").open(encoding="utf-8", newline="") as file:
        expected = {row["search"]: row["expected"].split(";") for row in csv.DictReader(file)}
    known = set(find(""))
    assert len(expected) == 40
    assert [name for names in expected.values() for name in names if name not in known] == []
    shares = [len({*find(text)[:5]} & {*names}) / len(names) for text, names in expected.items()]
    assert sum(shares) / len(shares) >= 0.8


def damaged(known: list[str]) -> list[str]:
    """Return 300 searches of one to three words with letters lost, changed and put in."""
    chance = random.Random(7)
    parts = ["", "x", "é", "ß", "'s", "’s", "-", "_", "ﬁ", "İ", "Σ", "²", " ", "ae", "ise", "ς", "ǆ"]
    made = []
    for _ in range(300):
        letters = list(" ".join(chance.choices(known, k=chance.randint(1, 3))))
        for _ in range(chance.randint(0, 4)):
            place = chance.randrange(len(letters) + 1)
            letters[place : place + chance.randrange(2)] = [chance.choice(parts)]
        text = "".join(letters)
        made.append(chance.choice([text, text.upper(), text.title()]))
    return made


def about_studies(index: SearchIndex) -> list[str]:
    """Return every word by which a study is found, its beginnings, and some of them together."""
    known, chance = list(index.of_studies), random.Random(8)
    made = [*known, *(word[:length] for word in known for length in (2, 3, 4)), *index.studies]
    return made + [" ".join(chance.choices(known, k=chance.randint(2, 4))) for _ in range(300)]


def test_the_pages_give_the_same_answers(index, tmp_path):
    """Every name, label and synonym, damaged words and odd signs: search.js answers as Python does."""
    node, _ = compute_driver_executable()  # that of the browsers that the tests use
    asked = [
        "",
        " ",
        "of the",
        "?",
        "xyzzy",
        "Crohn’s",
        "µg ﬁstula ÉTÉ",
        "__proto__ constructor",
        "İß ς",
        "a-b-c 5-ASA",
    ]
    for entry in index.entries:
        asked += [entry.variable.name, entry.variable.label, entry.variable.label[1:-1]]
    asked += damaged([word for word in index.spoken.values() if len(word) > 2])
    asked += about_studies(index)
    asked += [term for row in SYNONYMS for term in (*row.terms, *row.also_finds)]
    script = Path(search.__file__).with_suffix(".js").read_text(encoding="utf-8")
    script += """
const told = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const both = (text) => ({ ...searchVariables(told.index, text), studies: searchStudies(told.index, text) });
console.log(JSON.stringify(told.asked.map(both)));
"""
    file = tmp_path / "search.js"
    file.write_text(script, encoding="utf-8")
    answer = subprocess.run(
        [node, str(file)],
        input=json.dumps({"index": index.as_json(), "asked": asked}),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    for text, theirs in zip(asked, json.loads(answer.stdout), strict=True):
        ours = index.find(text)
        assert theirs["studies"] == list(index.find_studies(text)), text
        assert theirs["variables"] == [variable.name for variable in ours.variables], text
        assert theirs["complete"] == ours.complete, text
        assert {word: tuple(meant) for word, meant in theirs["read_as"].items()} == ours.read_as, text
