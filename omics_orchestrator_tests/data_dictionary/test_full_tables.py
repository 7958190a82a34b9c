"""The whole public tables: what the demo subset does not hold is reported too. The studies are declared here."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.findings import Finding
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies import load_studies
from omics_orchestrator_tests.data_dictionary.line import DATA, Line, balanced

IBD = DATA / "ibd"

HMP2 = """
study: whole_hmp2
title: HMP2, the whole table
stewards: [test@example.org]
participant_id: {pattern: "[CEHMP][0-9]{4}"}
sources: {metadata: {kind: delimited, location: "store+unpacked://hmp2_metadata.csv"}}
"""
HMP2_MAPPING = """
participant:
  from: metadata
  key: [Participant.ID]
  study_group: {recode: diagnosis, map: {CD: cd, UC: uc, nonIBD: non_ibd}}
  sex: {recode: sex, map: {Female: female, Male: male}}
visit:                                  # a row of the table, to count as the table does
  from: metadata
  key: [Participant.ID, External.ID, data_type]
  crp: {number: CRP..mg.L., unit: mg/L, missing: {999: unknown}}
  weight: {number: Weight, unit: kg}
  hbi_total: {number: hbi}
  sccai_total: {number: sccai}
  checks:
    hbi_in_uc: {expect: "not (hbi_total is not null and participant.study_group = 'uc')"}
    sccai_in_cd: {expect: "not (sccai_total is not null and participant.study_group = 'cd')"}
"""
RISK = """
study: whole_risk
title: RISK, the whole table
stewards: [test@example.org]
participant_id: {pattern: "1939:(?P<number>.+)", written: "{number}"}
sources: {samples: {kind: delimited, location: "store+ibd://risk/mapping-orig.txt"}}
"""
RISK_MAPPING = """
participant:
  from: samples
  key: [HOST_SUBJECT_ID]
  missing: {None: unknown}
  study_group: {recode: DIAGNOSIS, map: {CD: cd, UC: uc, IC: ibdu, no: non_ibd, control: control}}
  smoking_status: {recode: SMOKING, map: {Never: never_smoker, Former: ex_smoker, Current: smoker}}
"""
MAASLIN = """
study: whole_maaslin
title: HMP2 metagenomes, a table written by R
stewards: [test@example.org]
participant_id: {pattern: "[CEHMP][0-9]{4}"}
sources: {metadata: {kind: delimited, location: "store+ibd://hmp2/maaslin3/HMP2_metadata.tsv"}}
"""
MAASLIN_MAPPING = """
participant:
  from: metadata
  key: [participant_id]
  study_group: {recode: diagnosis, map: {CD: cd, UC: uc, nonIBD: non_ibd}}
sample:
  from: metadata
  key: [participant_id, row_name]
  sample_type: {constant: stool}
not_mapped:
  not needed here: ["*_state", age, antibiotics, education, probiotic, race, reads, red_meat, sex, site_name]
  visits: [week_num, sweets]
"""
DECLARED = {
    "whole_hmp2": (HMP2, HMP2_MAPPING),
    "whole_risk": (RISK, RISK_MAPPING),
    "whole_maaslin": (MAASLIN, MAASLIN_MAPPING),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, dictionary: Dictionary) -> Callable[[str], Line]:
    """Return a function: study → its line over shared/data/ibd."""
    if not IBD.is_dir():
        pytest.skip(f"no public tables at {IBD}")
    folder, unpacked = tmp_path_factory.mktemp("declared"), tmp_path_factory.mktemp("unpacked")
    for study, (about, mapping) in DECLARED.items():
        place = folder / "studies" / study
        place.mkdir(parents=True)
        (place / "study.yaml").write_text(about, encoding="utf-8")
        (place / "mapping.yaml").write_text(mapping, encoding="utf-8")
    packed = (IBD / "hmp2" / "hmp2_metadata.csv.gz").read_bytes()
    (unpacked / "hmp2_metadata.csv").write_bytes(gzip.decompress(packed))
    catalogue = load_studies(folder, dictionary)
    stores = Stores(Settings.from_environment(environment(ibd=IBD, unpacked=unpacked)))
    lines: dict[str, Line] = {}

    def line(study: str) -> Line:
        if study in catalogue.broken:
            raise catalogue.broken[study]
        return lines.setdefault(study, Line(catalogue.studies[study], dictionary, stores))

    return line


def environment(**stores: Path) -> dict[str, str]:
    return {f"OMICS_STORE_{name.upper()}_URL": folder.as_uri() for name, folder in stores.items()}


def about(line: Line, entity: str, variable: str, check: str) -> Finding:
    (found,) = [one for one in line.entity(entity).findings if (one.subject, one.check) == (variable, check)]
    return found


def test_hmp2_column_names_made_by_r_are_read_as_they_are(whole: Callable[[str], Line]) -> None:
    delivery = whole("whole_hmp2").deliveries["metadata"]
    assert delivery.data.num_rows == 5533
    assert len(delivery.seen) == 490
    assert {"CRP..mg.L.", "Participant.ID"} <= set(delivery.data.column_names)


def test_hmp2_crp_999_is_unknown(whole: Callable[[str], Line]) -> None:
    line = whole("whole_hmp2")
    assert line.reasons("visit", "crp") == {"unknown": 34, "not_collected": 4864}
    assert line.ledger("visit", "crp")["missing:unknown"] == 34
    balanced(line, "visit")


def test_hmp2_weight_999_without_a_word_for_it_lies_outside_the_bounds(whole: Callable[[str], Line]) -> None:
    found = about(whole("whole_hmp2"), "visit", "weight", "bounds")
    assert (found.count, found.severity) == (32, "warning")


@pytest.mark.parametrize(("check", "count"), [("hbi_in_uc", 13), ("sccai_in_cd", 76)])
def test_hmp2_scores_of_the_other_disease_are_told(
    whole: Callable[[str], Line], check: str, count: int
) -> None:
    line = whole("whole_hmp2")
    assert line.counts("participant", "study_group") == {"cd": 66, "uc": 38, "non_ibd": 27}
    assert line.finding("visit", check).count == count


def test_risk_smoking_code_2_is_told_by_code_and_count(whole: Callable[[str], Line]) -> None:
    line = whole("whole_risk")
    assert line.deliveries["samples"].data.num_rows == 1359
    found = about(line, "participant", "smoking_status", "codes")
    assert (found.count, found.severity) == (12, "warning")
    assert found.message.endswith(": 2 (12)")
    assert line.ledger("participant", "smoking_status")["unmapped"] == 12
    balanced(line, "participant")


def test_risk_diagnosis_has_one_control_of_unknown_kind(whole: Callable[[str], Line]) -> None:
    groups = whole("whole_risk").counts("participant", "study_group")
    assert groups["control"] == 1
    assert None not in groups


def test_the_header_that_is_one_name_short_is_told(whole: Callable[[str], Line]) -> None:
    line = whole("whole_maaslin")
    delivery = line.deliveries["metadata"]
    assert delivery.decisions["header"] == "R style, one name short"
    assert delivery.seen[:2] == ("row_name", "participant_id")
    assert line.undecided() == []
    assert line.entity("sample").table.num_rows == 1527
    assert {one[0] for one in line.entity("sample").table["participant_id"].to_pylist()} <= set("CEHMP")
