"""The 23 coding differences between IBD studies that TRAPS.md lists, each on a small fixture, by its number.

What the synthetic projects show of them is tested on their own data (test_gidamps.py, test_music.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.harmonise import Harmonised, harmonise
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.harmonise.invented import study, table


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load_dictionary(WORKING_COPY / "data_dictionary")


class Run:
    """One harmonised entity, asked cell by cell."""

    def __init__(self, found: Harmonised) -> None:
        self.found = found

    def values(self, name: str) -> list[Any]:
        return list(self.found.table[name].to_pylist())

    def reasons(self, name: str) -> list[str | None]:
        return list(self.found.missing[name].to_pylist())

    def comparators(self, name: str) -> list[str]:
        rows = self.found.comparators.to_pylist()
        return [row["comparator"] for row in rows if row["variable"] == name]

    def told(self, check: str) -> dict[str | None, int]:
        return {one.subject: one.count for one in self.found.findings if one.check == check}


def with_definition(dictionary: Dictionary, rule: Any) -> Any:
    """Return the rule with the score that it names put in, as the reader of mapping.yaml does."""
    if not isinstance(rule, dict) or "score" not in rule:
        return rule
    return {
        **rule,
        "definition": dictionary.scores[rule["score"]].model_dump(by_alias=True, exclude_unset=True),
    }


def run(
    dictionary: Dictionary,
    rules: Mapping[str, Any],
    header: str,
    *rows: str,
    entity: str = "participant",
    **words: Any,
) -> Run:
    rules = {name: with_definition(dictionary, rule) for name, rule in rules.items()}
    key = ("id",) if entity == "participant" else ("id", "v")
    made = study(rules, entity=entity, key=words.pop("key", key), **words)
    return Run(harmonise(made, entity, dictionary, {"file.a": table(header, *rows)}))


def test_trap_01_yes_and_no_are_coded_per_field(dictionary: Dictionary) -> None:
    rules = {
        "ifx": {"recode": "a", "map": {"1": "yes", "2": "no"}},
        "ada": {"recode": "b", "map": {"1": "yes", "0": "no"}, "missing": {"-1000": "unknown"}},
        "vedo": {"recode": "c", "map": {"0": "yes", "1": "no"}},
        "uste": {"recode": "d", "map": {"1": "yes", "2": "no"}, "missing": {"3": "unknown"}},
    }
    found = run(dictionary, rules, "id|a|b|c|d", "A1|1|1|0|1", "A2|2|0|1|2", "A3||-1000||3")
    assert [found.values(name) for name in rules] == [[True, False, None]] * 4
    assert [found.reasons(name)[2] for name in rules] == [
        "not_collected",
        "unknown",
        "not_collected",
        "unknown",
    ]


def test_trap_01_another_field_s_code_is_a_finding_and_no_answer(dictionary: Dictionary) -> None:
    found = run(dictionary, {"ifx": {"recode": "a", "map": {"1": "yes", "2": "no"}}}, "id|a", "A1|0")
    assert found.values("ifx") == [None]
    assert found.told("codes") == {"ifx": 1}


def test_trap_02_two_ticked_boxes_are_a_conflict_and_never_overwrite(dictionary: Dictionary) -> None:
    rules = {"montreal_cd_location": {"one_of": "loc", "map": {"0": "L1", "1": "L2", "2": "L3"}}}
    header = "id|loc___0|loc___1|loc___2|loc___3"
    found = run(dictionary, rules, header, "A1|1|1|0|0", "A2|0|1|0|1", "A3|0|0|0|1")
    assert found.values("montreal_cd_location") == [None, "L2", None]
    assert found.reasons("montreal_cd_location") == ["unknown", None, "not_collected"]
    (conflict,) = found.found.conflicts.to_pylist()
    assert (conflict["participant_id"], conflict["candidates"]) == ("A1", '["L1","L2"]')


def test_trap_03_paris_and_montreal_stay_apart(dictionary: Dictionary) -> None:
    """A lossy direction (B2B3 has no Montreal code) is refused when the mapping is read."""
    assert "B2B3" not in dictionary.codes("montreal_cd_behaviour")
    rule = {"montreal_cd_behaviour": {"recode": "paris", "map": {"1": "B1", "2": "B2", "3": "B2B3"}}}
    with pytest.raises(DeclarationError, match="'B2B3' is no value of this variable"):
        run(dictionary, rule, "id|paris", "A1|3")


def test_trap_04_the_physician_s_assessment_is_shifted_by_one_between_studies(dictionary: Dictionary) -> None:
    adult = {"1": "remission", "2": "mild", "3": "moderate", "4": "severe"}
    rules = {"physician_global_assessment": {"recode": "pga", "map": adult}}
    found = run(dictionary, rules, "id|v|pga", "A1|1|1", "A1|2|4", "A1|3|5", entity="visit")
    assert found.values("physician_global_assessment") == ["remission", "severe", None]
    assert found.told("codes") == {"physician_global_assessment": 1}, "the children's code 5 tells the swap"


def test_trap_05_the_common_activity_class_stands_beside_the_originals(dictionary: Dictionary) -> None:
    assert {"ibd_status", "disease_activity", "physician_global_assessment"} <= dictionary.variables.keys()
    originals = [dictionary.codes(name) for name in ("ibd_status", "disease_activity")]
    assert originals[0] != originals[1]
    assert set(dictionary.codes("activity_class")) == {
        "biochem_active",
        "active",
        "remission",
        "biochem_remission",
    }


def test_trap_06_drug_codes_are_read_per_form_and_free_text_in_any_spelling(dictionary: Dictionary) -> None:
    words = {"yes": ["risankizumab", "risankisumab"], "no": ["*"], "blank": "no", "ignore_case": "yes"}
    rules = {"baseline_risa": {"any_of": ["t1", "t2"], **words}}
    rows = ("A1|Risankisumab|", "A2||risankizumab ", "A3|Filgotinib|", "A4||")
    found = run(dictionary, rules, "id|t1|t2", *rows)
    assert found.values("baseline_risa") == [True, True, False, None]


def test_trap_07_unknown_exposure_stays_unknown(dictionary: Dictionary) -> None:
    yes_no = {"1": "yes", "0": "no"}
    rules = {
        "ifx": {"recode": "ifx", "map": yes_no},
        "ada": {"recode": "ada", "map": yes_no},
        "baseline_anti_tnf_exposure": {"derive": "ifx or ada"},
    }
    found = run(dictionary, rules, "id|ifx|ada", "A1|1|", "A2|0|0", "A3|0|", "A4||")
    assert found.values("baseline_anti_tnf_exposure") == [True, False, None, None]
    assert found.reasons("baseline_anti_tnf_exposure")[2:] == ["unknown", "unknown"]


def test_trap_08_stop_reasons_have_a_list_per_field(dictionary: Dictionary) -> None:
    name = "steroid_use_1_reason_stopped"
    codes = {"3": "significant_dose_change_of_existing_steroid", "9": "intolerance", "7": "adverse_effects"}
    found = run(
        dictionary, {name: {"recode": "r", "map": codes}}, "id|v|r", "A1|1|9", "A1|2|4", entity="visit"
    )
    assert found.values(name) == ["intolerance", None]
    assert found.told("codes") == {name: 1}, "4 means intolerance in another study only"


ACTIVITY = {
    "has_active_symptoms": {"recode": "s", "map": {"1": "yes", "0": "no"}},
    "crp": {"number": "crp", "unit": "mg/L"},
    "calprotectin": {"number": "fc", "unit": "ug/g"},
    "activity_class": {"score": "activity_class"},
}


def test_trap_09_activity_is_unknown_where_an_input_is(dictionary: Dictionary) -> None:
    rows = (
        "A1|1|0||",
        "A1|2||9|300",
        "A1|3|1|9|300",
        "A1|4|1|2|20",
        "A1|5|0|9|20",
        "A1|6|0|<4|20",
        "A1|7|0|2|",
    )
    found = run(dictionary, ACTIVITY, "id|v|s|crp|fc", *rows, entity="visit")
    assert found.values("activity_class") == [
        None, None, "biochem_active", "active", "remission", "biochem_remission", None
    ]  # fmt: skip


def test_trap_10_the_uc_criterion_is_unknown_without_bleeding(dictionary: Dictionary) -> None:
    rules = {
        "mayo_stool_frequency": {"recode": "sf", "map": {"0": "normal", "3": ">5_above_normal"}},
        "mayo_rectal_bleeding": {"recode": "rb", "map": {"0": "none", "1": "less_than_half"}},
        "ibdresponse_criteria_uc_met": {"score": "ibdresponse_criteria_uc_met"},
    }
    rows = ("A1|1|3|", "A1|2|3|1", "A1|3|3|0", "A1|4||", "A1|5|0|")
    found = run(dictionary, rules, "id|v|sf|rb", *rows, entity="visit")
    assert found.values("ibdresponse_criteria_uc_met") == [None, True, False, None, False]


@pytest.mark.parametrize(
    "unit", ["MCG/G", "UG/GRAM", "UG/GRAM OF STOOL", "MCG/GM", "MCG.GM", "MG/KG", "µg/g", "μg/g", "ug/g"]
)
def test_trap_11_calprotectin_is_read_with_its_limits_and_in_every_spelling(
    dictionary: Dictionary, unit: str
) -> None:
    rule = {"number": "fc", "unit": unit, "missing": {"no sample": "not_done"}}
    rows = ("A1|1|<20", "A1|2|>1800", "A1|3|no sample", "A1|4|250")
    found = run(dictionary, {"calprotectin": rule}, "id|v|fc", *rows, entity="visit")
    assert found.values("calprotectin") == [20.0, 1800.0, None, 250.0]
    assert found.comparators("calprotectin") == ["<", ">"]
    assert found.reasons("calprotectin")[2] == "not_done"


def test_trap_12_crp_units_and_cut_offs_are_declared(dictionary: Dictionary) -> None:
    rows = ("A1|1|0.56",)
    found = run(dictionary, {"crp": {"number": "crp", "unit": "mg/dL"}}, "id|v|crp", *rows, entity="visit")
    assert found.values("crp") == [5.6], "times ten, without noise"
    assert dictionary.thresholds["crp_active"].value == 5
    assert dictionary.thresholds["crp_active"].unit == "mg/L"
    assert all(threshold.source for threshold in dictionary.thresholds.values())


def test_trap_13_ids_follow_a_grammar_and_legacy_ids_keep_their_centre(dictionary: Dictionary) -> None:
    grammar = {
        "pattern": "GID-((?P<site>136|138)-)?0*(?P<number>[0-9]+)(?P<suffix>-P|-HC)?",
        "written": "GID-{number}",
    }
    rules = {
        "study_center": {
            "coalesce": [
                {"recode": "participant_id.site", "map": {"136": "glasgow", "138": "dundee"}},
                {"recode": "participant_id.number", "map": {"0": "unknown"}, "else": "edinburgh"},
            ]
        }
    }
    rows = ("GID-136-P", "GID-136-7", "GID-007-P", "GID 9")
    found = run(dictionary, rules, "id", *rows, participant_id=grammar)
    assert found.values("participant_id") == ["GID-136", "GID-7"]
    assert found.told("keys") == {"": 1}, "an id that is none is told"
    assert found.told("conflicts") == {"study_center": 1}, (
        "two ids that meet in one are told, not merged silently"
    )


def test_trap_14_names_that_differ_are_variables_of_their_own_or_aliases(dictionary: Dictionary) -> None:
    assert {"sescd", "sescd_total", "uceis", "uceis_total", "golim", "baseline_goli", "study_center"} <= set(
        dictionary.variables
    )


def test_trap_15_the_same_prefix_with_another_meaning_stays_apart(dictionary: Dictionary) -> None:
    ever, baseline, now, level = (
        dictionary.variables[name] for name in ("ifx", "baseline_ifx", "sampling_ifx", "ifx_level")
    )
    assert (ever.entity, baseline.entity, now.entity) == ("participant", "participant", "visit")
    assert level.type == "censored"
    assert level.unit == "ug/mL"


def test_trap_16_a_duration_has_a_reference_date_and_partial_dates_give_no_false_days(
    dictionary: Dictionary,
) -> None:
    rules = {
        "date_of_diagnosis": {"date": "dx", "formats": ["%Y-%m-%d", "%Y"], "partial": {"01-01": "year"}},
        "diagnosis_duration_in_days": {"derive": "date_diff('day', date_of_diagnosis, reference_date)"},
    }
    found = run(dictionary, rules, "id|dx", "A1|2020-05-17", "A2|2011-01-01", "A3|2014")
    assert found.values("diagnosis_duration_in_days") == [None, None, None]
    assert found.reasons("diagnosis_duration_in_days") == ["pending", "pending", "pending"]
    assert found.comparators("date_of_diagnosis") == ["year", "year"]


def test_trap_17_no_row_and_no_column_vanishes(dictionary: Dictionary) -> None:
    rules = {"crp": {"number": "crp"}, "albumin": {"number": "albumin"}}
    rows = ("A1|1|3|", "A1|1|5|", "A1|2||", "|3|1|", "no id|4|1|")
    found = run(dictionary, rules, "id|v|crp|albumin", *rows, entity="visit")
    assert {"crp", "albumin"} <= set(found.found.table.column_names), "an empty column stays"
    assert found.told("conflicts") == {"crp": 1}
    rows_of = {
        row["outcome"]: row["count"] for row in found.found.ledger.to_pylist() if row["variable"] == "(rows)"
    }
    assert rows_of == {"values_in": 5, "values_out": 2, "merged": 1, "no_key": 1, "unreadable_id": 1}


def test_trap_18_words_in_scores_are_missing_and_stools_are_not_capped(dictionary: Dictionary) -> None:
    rules = {
        "sescd_total": {"number": "ses", "missing": {"Not reached": "not_done", "Not seen": "not_done"}},
        "hbi_liquid_stools": {"number": "stools", "censored": "yes"},
    }
    found = run(dictionary, rules, "id|v|ses|stools", "A1|1|Not reached|25", "A1|2|0|>10", entity="visit")
    assert found.values("sescd_total") == [None, 0]
    assert found.reasons("sescd_total") == ["not_done", None]
    assert found.values("hbi_liquid_stools") == [25, 10]
    assert found.comparators("hbi_liquid_stools") == [">"]


def test_trap_19_non_ibd_is_no_healthy_control(dictionary: Dictionary) -> None:
    assert {"hc", "non_ibd", "control", "await_dx"} <= set(dictionary.codes("study_group"))
    codes = {"nonIBD": "non_ibd", "Control": "control", "HC": "hc"}
    rule = {"study_group": {"recode": "dx", "map": codes}}
    found = run(dictionary, rule, "id|dx", "A1|nonIBD", "A2|Control", "A3|HC", "A4|Normal")
    assert found.values("study_group") == ["non_ibd", "control", "hc", None]
    assert found.told("codes") == {"study_group": 1}


def test_trap_20_a_non_smoker_is_no_never_smoker(dictionary: Dictionary) -> None:
    assert {"smoker", "ex_smoker", "non_smoker", "never_smoker"} <= set(dictionary.codes("smoking_status"))


def test_trap_21_two_revisions_of_a_drug_code_are_one_drug(dictionary: Dictionary) -> None:
    codes = {"L04AA33": "yes", "L04AG05": "yes"}  # vedolizumab before and after the revision of ATC
    rule = {"vedo": {"recode": "atc", "map": codes}}
    assert run(dictionary, rule, "id|atc", "A1|L04AA33", "A2|L04AG05").values("vedo") == [True, True]


@pytest.mark.parametrize("unit", ["10*3/uL", "x10^9/L", "10^9/L", "K/uL", "thou/mm3", "10E9/L", "Giga/L"])
def test_trap_22_haematology_units_in_many_spellings_are_one(dictionary: Dictionary, unit: str) -> None:
    rule = {"platelets": {"number": "plt", "unit": unit}}
    assert run(dictionary, rule, "id|v|plt", "A1|1|250", entity="visit").values("platelets") == [250.0]


def test_trap_23_free_text_is_told_apart_from_laboratory_values(dictionary: Dictionary) -> None:
    reports = ("endoscopy_report", "pathology_report", "mri_small_bowel_report", "mri_pelvis_report")
    assert {dictionary.variables[name].sensitivity for name in reports} <= {"personal", "restricted"}
    assert dictionary.variables["crp"].sensitivity == "open"
