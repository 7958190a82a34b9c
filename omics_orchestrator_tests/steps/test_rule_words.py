"""Rules in words: every verb and every option of it, where columns lie, and all rules of the repository's studies."""

from __future__ import annotations

import re
from typing import Any

import pytest

from omics_orchestrator.dictionary import Dictionary, Variable, load_dictionary
from omics_orchestrator.dictionary.missing import MISSING_REASONS
from omics_orchestrator.dictionary.thresholds import Threshold
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.steps.rule_words import SPEECHES, rule_in_words
from omics_orchestrator.steps.rule_words.phrases import REASONS
from omics_orchestrator.studies import Mapping, load_studies
from omics_orchestrator.verbs import VERBS
from omics_orchestrator_tests.verbs.cells import rule

TYPES = {
    "crp": "decimal",
    "fcp": "censored",
    "number_of_visits": "integer",
    "sex": "code",
    "drugs": "set",
    "ill": "boolean",
    "born": "date",
    "diagnosed": "partial_date",
    "note": "text",
}
UNITS = {"crp": "mg/L", "fcp": "ug/g"}
LISTS = {"sex": "sex", "drugs": "drug"}
DRUGS = {f"d{number}": f"Drug {number}" for number in range(20)}


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    variables = {
        name: Variable.model_validate(
            {"name": name, "entity": "participant", "domain": "x", "type": kind, "label": name}
            | {"unit": UNITS.get(name, ""), "code_list": LISTS.get(name, "")}
        )
        for name, kind in TYPES.items()
    }
    real = load_dictionary(WORKING_COPY / "data_dictionary")
    lists = {"sex": {"male": "Male", "female": "Female", "other": "x" * 61}, "drug": DRUGS}
    limits = {"active": Threshold(value=5, unit="mg/L", source="here")}
    return Dictionary(variables, lists, units=real.units, thresholds=limits)


def mapping(block: dict[str, Any] | None = None, rules: dict[str, Any] | None = None) -> Mapping:
    made = {name: rule(raw) for name, raw in (rules or {}).items()}
    return Mapping.model_validate(
        {"entities": {"participant": {"from": "redcap.clinic", **(block or {}), "rules": made}}}
    )


def told(
    dictionary: Dictionary, variable: str, raw: Any, block: dict[str, Any] | None = None, **options: Any
) -> str:
    words = rule_in_words(rule(raw), dictionary.variables[variable], mapping(block), dictionary, **options)
    return words.replace("\u00a0→", " →")  # no line ends before an arrow


MAP = {"1": "male", "2": "female"}
SCORE = {"label": "Some index", "source": "a paper", "missing": "unknown"}
CASES: list[tuple[str, Any, str]] = [
    ("note", "a", "Column `a` of `clinic`, as it is."),
    ("sex", "a", "The code in column `a` of `clinic`, as it is."),
    ("crp", "a", "The number in column `a` of `clinic`, in mg/L."),
    ("born", "a", "The date in column `a` of `clinic`, written year-month-day (2024-01-31)."),
    ("ill", "a", "Column `a` of `clinic`: 1 → yes, 0 → no."),
    ("drugs", "a", 'The items in column `a` of `clinic`, separated by ";".'),
    (
        "note",
        {"copy": "a", "missing": {"n/a": "refused", "-9": "refused", "?": "unknown"}, "blank": "not_asked"},
        'Column `a` of `clinic`, as it is. No value where the source says "n/a" or "-9" (refused) or "?" (unknown). '
        "Where nothing is written: not asked.",
    ),
    (
        "crp",
        {"number": "crp_mgdl", "unit": "mg/dL", "censored": True, "missing": {"not done": "not_done"}},
        "The number in column `crp_mgdl` of `clinic`, in mg/dL, converted to mg/L (× 10). "
        'Values such as <5 are kept as limits. No value where the source says "not done" (not done).',
    ),
    (
        "number_of_visits",
        {"number": "n", "decimal": ",", "after": ["about"], "blank": "not_asked"},
        "The whole number in column `n` of `clinic`. Decimals are written with a comma. "
        '"about" before the number is left out. Where nothing is written: not asked.',
    ),
    (
        "fcp",
        {"number": "f"},
        "The number in column `f` of `clinic`, in µg/g. Values such as <5 are kept as limits.",
    ),
    (
        "crp",
        {"number": "a", "unit": "mg/L", "missing": {"*": "unknown"}},
        "The number in column `a` of `clinic`, in mg/L. "
        "No value where the source says anything else that the rule does not know (unknown).",
    ),
    (
        "sex",
        {"recode": "s", "map": MAP, "else": "other", "missing": {"9": "refused"}, "blank": "not_asked"},
        "Column `s` of `clinic`, translated: 1 → Male, 2 → Female; every other code → `other`. "
        'No value where the source says "9" (refused). Where nothing is written: not asked.',
    ),
    (
        "drugs",
        {"recode": "s", "map": {"the first": "d0", **{str(n): f"d{n}" for n in range(1, 20)}}},
        'Column `s` of `clinic`, translated: "the first" → Drug 0, 1 → Drug 1, 2 → Drug 2, 3 → Drug 3, 4 → Drug 4, '
        "5 → Drug 5, 6 → Drug 6, 7 → Drug 7, and 12 more.",
    ),
    (
        "diagnosed",
        {
            "date": "d",
            "formats": ["%d.%m.%Y", "%b %y", "%Y%m"],
            "partial": {"01-01": "year", "15": "month"},
            "missing": {"never": "not_done"},
            "blank": "not_asked",
        },
        "The date in column `d` of `clinic`, written day.month.year (31.01.2024), "
        "month's short name two-digit year (Jan 24) or year month (202401). "
        "The first of these formats that fits counts. "
        "Where only the month or year is written, only that is known. "
        "Of a date on 1 January only the year is known. Of a date on day 15 of a month only the month is known. "
        'No value where the source says "never" (not done). Where nothing is written: not asked.',
    ),
    (
        "crp",
        {"derive": "fcp * 2 / number(a)"},
        "Computed from column `a` of `clinic` and `fcp`: `fcp * 2 / number(a)`.",
    ),
    (
        "ill",
        {
            "when": [
                {"if": "crp > threshold.active", "then": "yes"},
                {"if": "text(a) = '1'", "missing": "withheld"},
            ],
            "else": "no",
        },
        "Decided from column `a` of `clinic` and the cut-off `active` (5 mg/L) in this order: "
        "yes where `crp > threshold.active`; no value (withheld) where `text(a) = '1'`; otherwise no. "
        "Where a case cannot be decided because something is missing, there is no value.",
    ),
    (
        "sex",
        {"when": [{"if": "crp > 5", "then": "male"}]},
        "Decided in this order: Male where `crp > 5`; otherwise no value. "
        "Where a case cannot be decided because something is missing, there is no value.",
    ),
    (
        "crp",
        {"coalesce": ["a", {"number": "b", "unit": "mg/dL"}]},
        "The first of these that has a value: (1) the number in column `a` of `clinic`, in mg/L; "
        "(2) the number in column `b` of `clinic`, in mg/dL, converted to mg/L (× 10).",
    ),
    (
        "sex",
        {
            "coalesce": [
                {"recode": "a", "map": MAP, "missing": {"9": "unknown"}},
                {"coalesce": ["b", "c"]},
                {"constant": "female"},
            ]
        },
        "The first of these that has a value: (1) column `a` of `clinic`, translated: 1 → Male, 2 → Female "
        '(no value where the source says "9" (unknown)); (2) the first of these that has a value: '
        "(1) the code in column `b` of `clinic`, as it is; (2) the code in column `c` of `clinic`, as it is; "
        "otherwise Female.",
    ),
    (
        "crp",
        {
            "coalesce": [
                {"number": "a", "missing": {"-1": "unknown"}},
                {"number": "b", "missing": {"-1": "unknown"}},
            ]
        },
        "The first of these that has a value: (1) the number in column `a` of `clinic`, in mg/L; "
        "(2) the number in column `b` of `clinic`, in mg/L. "
        'In each of them: no value where the source says "-1" (unknown).',
    ),
    (
        "ill",
        {"any_of": ["a", "b"], "yes": ["now", "before"], "no": ["never"], "missing": {"?": "unknown"}},
        'Yes where any of columns `a` and `b` of `clinic` says "now" or "before"; '
        'no where all of them say "never". No value where the source says "?" (unknown).',
    ),
    (
        "ill",
        {"any_of": ["drug___*"], "yes": ["1"], "no": ["*"], "blank": "no", "ignore_case": True},
        'Yes where any of columns `drug___*` of `clinic` says "1"; '
        "no where some are filled in and all of those say something else. Capital and small letters are the same.",
    ),
    (
        "ill",
        {"any_of": ["a"], "yes": ["1"], "no": ["2"], "blank": "not_asked"},
        'Yes where column `a` of `clinic` says "1"; no where it says "2". Where nothing is written: not asked.',
    ),
    (
        "sex",
        {"one_of": "s", "map": MAP, "missing": {"-1": "unknown"}, "blank": "not_asked"},
        "The ticked box of the checkboxes `s` of `clinic`: 1 → Male, 2 → Female. "
        "Ticked boxes that contradict each other give no value. "
        'No value where only the box is ticked that stands for "-1" (unknown). Where nothing is written: not asked.',
    ),
    (
        "sex",
        {"one_of": "s", "map": MAP, "several": ["female", "male"]},
        "The ticked box of the checkboxes `s` of `clinic`: 1 → Male, 2 → Female. "
        "Of several ticked boxes the first of these counts: Female then Male.",
    ),
    (
        "ill",
        {"ticked": "s", "option": "5", "missing": {"-1": "unknown"}, "blank": "not_asked"},
        'Yes where the box "5" of the checkboxes `s` of `clinic` is ticked; no where only other boxes are. '
        'No value where the box is ticked that stands for "-1" (unknown). Where nothing is written: not asked.',
    ),
    (
        "note",
        {"text": ["a", "b"], "join": " / "},
        'The texts in columns `a` and `b` of `clinic`, joined by " / ".',
    ),
    (
        "note",
        {"text": ["a", {"recode": "b", "map": MAP}], "join": "\n"},
        "The texts that there are of these, joined by a line break: (1) column `a` of `clinic`, as it is; "
        "(2) column `b` of `clinic`, translated: 1 → male, 2 → female.",
    ),
    (
        "drugs",
        {"text": "a", "split": ";", "synonyms": {"IFX": "d1", "inflix": "d1"}},
        'Column `a` of `clinic`, split into items at ";". "IFX" is read as "d1" and "inflix" is read as "d1".',
    ),
    (
        "crp",
        {"reduce": "a", "pick": "nearest", "by": "taken", "to": "visited", "within": "14 days"},
        "The number in column `a` of `clinic`, in mg/L; of several rows the one whose column `taken` of `clinic` "
        "is nearest to column `visited` of `clinic`, at most 14 days away.",
    ),
    (
        "crp",
        {"reduce": {"number": "a", "missing": {"x": "unknown"}}, "pick": "last", "by": "taken"},
        "The number in column `a` of `clinic`, in mg/L; of several rows the last, in the order of column `taken` of "
        '`clinic`. In each row: no value where the source says "x" (unknown).',
    ),
    (
        "number_of_visits",
        {"reduce": "a", "pick": "count"},
        "How many rows have a value: the whole number in column `a` of `clinic`.",
    ),
    ("ill", {"constant": "yes"}, "Always yes."),
    ("note", {"constant": "Not `known`"}, "Always \"Not 'known'\"."),
    (
        "crp",
        {"score": "s", "definition": SCORE | {"items": {"fcp": {"times": 1}, "ill": {"yes": 1, "no": 0}}}},
        'The score "Some index", computed from `fcp` and `ill`. No value where one of them is missing. '
        "Source: a paper.",
    ),
    (
        "crp",
        {"score": "s", "definition": SCORE | {"derive": "fcp + 1"}},
        'The score "Some index", computed from `fcp`: `fcp + 1`. Source: a paper.',
    ),
    (
        "sex",
        {
            "score": "s",
            "definition": SCORE | {"cases": [{"if": "crp > 1", "then": "male"}], "else": "female"},
        },
        'The score "Some index", decided in this order: Male where `crp > 1`; otherwise Female. '
        "Where a case cannot be decided because something is missing, there is no value. Source: a paper.",
    ),
]
PICKS = [
    ("crp", "min", "of several rows the lowest"),
    ("born", "min", "of several rows the earliest"),
    ("crp", "max", "of several rows the highest"),
    ("born", "max", "of several rows the latest"),
    ("crp", "mean", "the mean of all rows"),
    ("crp", "median", "the median of all rows"),
    ("ill", "any", "yes where any row says yes"),
    ("crp", "worst", "of several rows the worst (highest)"),
    ("sex", "worst", "of several rows the worst (last in the order of the codes)"),
    ("crp", "best", "of several rows the best (lowest)"),
    ("sex", "best", "of several rows the best (first in the order of the codes)"),
]


@pytest.mark.parametrize(("variable", "raw", "words"), CASES)
def test_a_rule_in_words(dictionary: Dictionary, variable: str, raw: Any, words: str) -> None:
    assert told(dictionary, variable, raw) == words


@pytest.mark.parametrize(("variable", "pick", "words"), PICKS)
def test_which_of_several_rows_counts(dictionary: Dictionary, variable: str, pick: str, words: str) -> None:
    assert told(dictionary, variable, {"reduce": "a", "pick": pick}).endswith(f"; {words}.")


def test_every_verb_and_every_option_of_it_has_words() -> None:
    assert set(SPEECHES) == set(VERBS)
    tried: dict[str, set[str]] = {name: set() for name in VERBS}
    for _, raw, _ in CASES:
        verb = rule(raw)
        tried[verb.verb] |= verb.model_fields_set
    for name, verb_type in VERBS.items():
        untried = set(verb_type.model_fields) - tried[name]
        assert not untried, f"{name}: no case of the table above tries {untried}"
    assert set(REASONS) == set(MISSING_REASONS)


JOINED = {
    "join": {
        "redcap.bloods": "one_to_one",
        "first": {
            "table": "redcap.visits",
            "cardinality": "many_to_one",
            "on": "record_id",
            "where": "event = 'a'",
            "where_reads": ["event"],
        },
        "redcap.forms": {
            "on": {"id": "form_id"},
            "pick": "nearest",
            "by": "made",
            "to": "visited",
            "within": "14 days",
        },
        "redcap.kits": {"cardinality": "one_to_one", "where": "kit = '1'", "where_reads": ["kit"]},
    },
    "where": "first.kept = '1'",
    "where_reads": ["first.kept"],
}
ROWS = (
    "`first` is the row of `visits` with the same `record_id` where `event = 'a'`. "
    "Only rows count where `first.kept = '1'`."
)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("a", "Column `a` of `clinic` or a table joined to it, as it is."),
        ("redcap.bloods.a", "Column `a` of `bloods`, as it is."),
        ("first.a", "Column `a` of `first`, as it is."),
        (
            "redcap.forms.a",
            "Column `a` of `forms`, as it is. Of the rows of `forms` with the same `id` (there `form_id`), the one "
            "whose `made` is nearest to `visited` (at most 14 days away) counts.",
        ),
        (
            "redcap.kits.a",
            "Column `a` of `kits`, as it is. Only the row of `kits` with the same key where `kit = '1'` counts.",
        ),
        ("participant_id.site", "The part `site` of the participant id, as it is."),
    ],
)
def test_where_a_column_lies(dictionary: Dictionary, reference: str, words: str) -> None:
    assert told(dictionary, "note", reference, JOINED) == f"{words} {ROWS}"


def test_what_was_delivered_tells_the_table(dictionary: Dictionary) -> None:
    delivered = {"redcap.clinic": {"a", "s___1"}, "redcap.bloods": {"a", "b"}, "redcap.forms": set()}
    assert told(dictionary, "note", "a", JOINED, delivered=delivered).startswith("Column `a` of `clinic`,")
    assert told(dictionary, "note", "b", JOINED, delivered=delivered).startswith(
        "Column `b` of `bloods` or `kits`,"
    )
    known = {**delivered, "redcap.kits": set()}
    assert told(dictionary, "note", "b", JOINED, delivered=known).startswith("Column `b` of `bloods`,")
    assert "checkboxes `s` of `clinic` is" in told(
        dictionary, "ill", {"ticked": "s", "option": "1"}, JOINED, delivered=delivered
    )


def test_rows_of_slots_of_long_tables_and_of_several_tables(dictionary: Dictionary) -> None:
    slots = {"reshape": {"slots": "1..3", "as": "n", "columns": {"drug": "drug_{n}"}}}
    assert told(dictionary, "note", "drug", slots) == (
        "That of columns `drug_1`, `drug_2` or `drug_3` of `clinic` from which the row is made, as it is."
    )
    assert (
        told(dictionary, "note", "n", slots) == "The slot (1, 2 or 3) from which the row is made, as it is."
    )
    spread = {"reshape": {"spread": "test", "values": "result", "columns": {"crp": "C-reactive protein"}}}
    assert told(dictionary, "crp", {"number": "crp"}, spread) == (
        'The number in column `result` of `clinic` where `test` is "C-reactive protein", in mg/L.'
    )
    stacked = {"from": None, "stack": ["files.old", "files.new"]}
    assert told(dictionary, "note", "a", stacked) == "Column `a` of `old` and `new`, as it is."


def test_the_blank_of_the_block_is_told_where_it_says_more(dictionary: Dictionary) -> None:
    assert told(dictionary, "note", "a", {"blank": "not_asked"}).endswith(
        " Where nothing is written: not asked."
    )
    assert (
        told(dictionary, "ill", {"derive": "crp > 1"}, {"blank": "not_asked"})
        == "Computed from `crp`: `crp > 1`."
    )


def test_a_variable_is_no_column_of_the_same_name(dictionary: Dictionary) -> None:
    raw = {"derive": "text(note) = 'x'"}
    found = rule_in_words(rule(raw), dictionary.variables["ill"], mapping(rules={"note": "b"}), dictionary)
    assert found == "Computed from `note`: `text(note) = 'x'`."


def test_every_rule_of_the_repository_has_words() -> None:
    dictionary = load_dictionary(WORKING_COPY / "data_dictionary")
    catalogue = load_studies(WORKING_COPY / "data_dictionary", dictionary)
    number = 0
    for study in catalogue.studies.values():
        for block in study.mapping.entities.values():
            for name, one in block.rules.items():
                words = rule_in_words(one, dictionary.variables[name], study.mapping, dictionary)
                number += 1
                assert re.match(r"[A-Z].*\.$", words), words
                assert words.count("`") % 2 == 0
                assert not re.search(
                    r"(?<!→ )None|\w\(columns=|verb=|<\w+ object|\('|\bentity\b|\bverb\b|  |\.\.(?![A-Za-z])",
                    re.sub('`[^`]*`|"[^"]*"', "x", words),
                ), words
    assert number > 700
