"""One change of a declaration changes exactly the code versions of the assets that use it."""

import pytest

from omics_orchestrator.studies import versions
from omics_orchestrator.verbs import VERBS


def all_versions(study, dictionary):
    found = {
        f"raw/{source}/{table}": versions.raw(study, source, table) for source, table in study.raw_tables()
    }
    found |= {e: versions.harmonised(study, e, dictionary) for e in study.mapping.entities}
    found |= {f"files/{assay}": versions.files(study, assay) for assay in study.assays}
    found |= {f"matrix/{assay}": versions.matrix(study, assay) for assay in study.assays}
    return found | {f"warehouse/{e}": versions.warehouse(dictionary, e) for e in ("participant", "visit")}


CHANGES = {
    "a title": ("study", "title: Tiny", "title: Tinier", set()),
    "a steward": ("study", "tiny@example.org", "other@example.org", set()),
    "a caveat": (
        "study",
        "assays:\n",
        "caveats:\n  - Three participants only.\n  - {text: Of men., about: {variables: crp}}\nassays:\n",
        set(),
    ),
    "a schedule": ("study", "01:30", "02:30", set()),
    "one target of a recode": ("mapping", "M: male", "M: unknown", {"participant"}),
    "a named map": ("mapping", "2: no", "2: no, 3: no", {"participant"}),
    "a unit": ("mapping", "unit: mg/dL", "unit: mg/L", {"visit"}),
    "a column": ("mapping", "{recode: ifx", "{recode: ifx2", {"participant", "raw/files/people"}),
    "a filter": ("mapping", "= 'clinic'", "= 'phone'", {"visit"}),
    "a check": ("mapping", "asked of men only", "asked of men", {"visit"}),
    "an absence": ("mapping", "missing: not_collected", "missing: not_done", {"visit"}),
    "a column left out": (
        "mapping",
        "address_*",
        "address_1",
        {"raw/bloods/bloods", "raw/files/people", "raw/files/visits"},
    ),
    "a column left out of one table": (
        "mapping",
        "files.visits.age.months",
        "files.visits.age.weeks",
        {"raw/files/visits"},
    ),
    "an encoding": (
        "study",
        "    kind: delimited\n",
        "    kind: delimited\n    encoding: latin-1\n",
        {"raw/files/people", "raw/files/visits"},
    ),
    "a location": ("study", "tiny/bloods.csv", "tiny/bloods2.csv", {"raw/bloods/bloods"}),
    "an option of a format": (
        "study",
        "feature_columns: [name]",
        "feature_columns: [id]",
        {"files/metabolomics", "matrix/metabolomics"},
    ),
    "a link": ("study", "_R[12]", "_[12]", {"files/mgx_reads", "matrix/mgx_reads"}),
    "an alias": (
        "participant_aliases",
        "tiny 1,T-1",
        "tiny 1,T-2",
        {
            "participant",
            "visit",
            "files/metabolomics",
            "files/mgx_reads",
            "matrix/metabolomics",
            "matrix/mgx_reads",
        },
    ),
    "a bound in the dictionary": ("variables", "mg/L,0,700", "mg/L,0,800", {"visit", "warehouse/visit"}),
    "a code of the dictionary": (
        "code_lists",
        "sex,male,Male",
        "sex,male,Man",
        {"participant", "warehouse/participant"},
    ),
    "a new code of a participant variable that a check of visits names": (
        "code_lists",
        "sex,male,Male",
        "sex,other,Other,\nsex,male,Male",
        {"participant", "visit", "warehouse/participant"},
    ),
    "a factor of a unit": ("units", "mg/dL,mg/L,10", "mg/dL,mg/L,11", {"visit"}),
    "a factor that nobody uses": ("units", "mg/l,mg/L,", "mg/l,mg/L,2", set()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_reaches_exactly_its_assets(read_tiny, change):
    stem, old, new, reached = CHANGES[change]
    before, after = all_versions(*read_tiny()), all_versions(*read_tiny(**{stem: (old, new)}))
    assert before.keys() == after.keys()
    assert {asset for asset in before if before[asset] != after[asset]} == reached


def test_a_new_version_of_a_verb_reaches_the_entities_that_use_it(read_tiny, monkeypatch):
    study, dictionary = read_tiny()
    before = all_versions(study, dictionary)
    monkeypatch.setattr(VERBS["date"], "version", VERBS["date"].version + ".1")
    after = all_versions(study, dictionary)
    assert {asset for asset in before if before[asset] != after[asset]} == {"visit"}


def test_two_studies_that_say_the_same_have_versions_of_their_own(read_tiny):
    study, dictionary = read_tiny()
    other = study.model_copy(update={"study": "other"})
    assert versions.harmonised(study, "visit", dictionary) != versions.harmonised(other, "visit", dictionary)
