"""What runs and what does not: through Dagster, on Postgres, with real files."""

from __future__ import annotations

import shutil

import pytest
from dagster import AssetKey, DagsterInstance
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.steps import extract
from omics_orchestrator.storage.tables import read_table
from omics_orchestrator_tests.installation import MAPPING, STUDY, Installation

ALL = {
    "raw/tiny/files/people",
    "raw/tiny/files/visits",
    "harmonised/tiny/participant",
    "harmonised/tiny/visit",
    "harmonised/tiny/sample",
    "files/tiny/metabolomics",
    "matrix/tiny/metabolomics",
    "identity/tiny",
    "warehouse/participant",
    "warehouse/visit",
    "warehouse/sample",
}


def opened(installation: Installation) -> Session:
    return Session(installation.workspace())


def run(installation: Installation) -> dict[str, str]:
    session = opened(installation)
    summary = session.materialise(session.assets())
    assert summary.failed == {}
    assert summary.blocked == []
    return summary.ran


def test_everything_runs_once_and_then_nothing(installation: Installation) -> None:
    assert run(installation) == dict.fromkeys(ALL, "never materialised")
    session = opened(installation)
    again = session.materialise(session.assets())
    assert again.ran == {}
    assert again.touched == 0
    people = read_table(installation.workspace().database, "warehouse", "participant").to_pylist()
    assert [(row["study"], row["participant_id"], row["sex"], row["age"]) for row in people] == [
        ("tiny", "P1", "male", 40),
        ("tiny", "P2", "female", 51),
        ("tiny", "P3", "male", 33),
    ]


def test_forced_run_writes_nothing_that_is_there(installation: Installation) -> None:
    run(installation)
    session = opened(installation)
    forced = session.materialise(session.assets(), force=True)
    assert set(forced.ran) == ALL
    assert forced.touched == 0


def test_one_changed_code_makes_exactly_its_assets_stale(installation: Installation) -> None:
    run(installation)
    installation.declare("tiny", mapping=MAPPING.replace("{m: male, f: female}", "{m: male, f: unknown}"))
    assert opened(installation).stale() == {"harmonised/tiny/participant": "declaration or code changed"}
    ran = run(installation)
    assert ran == {
        "harmonised/tiny/participant": "declaration or code changed",
        "harmonised/tiny/visit": "upstream content changed",
        "harmonised/tiny/sample": "upstream content changed",
        "identity/tiny": "upstream content changed",
        "warehouse/participant": "upstream content changed",
        # visits and samples came out equal, but the warehouse checks them against its participants
        "warehouse/visit": "upstream content changed",
        "warehouse/sample": "upstream content changed",
    }
    assert opened(installation).stale() == {}


def test_a_change_without_effect_stops_where_the_content_is_equal(installation: Installation) -> None:
    run(installation)
    installation.declare("tiny", mapping=MAPPING.replace("f: female}", "f: female, x: unknown}"))
    assert run(installation) == {"harmonised/tiny/participant": "declaration or code changed"}


def test_changed_source_file_travels_as_far_as_its_content(installation: Installation) -> None:
    run(installation)
    visits = installation.source / "visits.csv"
    visits.write_text(visits.read_text().replace("7\n", "8\n"))
    ran = run(installation)
    assert ran.pop("raw/tiny/files/visits") == "source changed"
    assert (
        ran.pop("raw/tiny/files/people") == "source changed"
    )  # one source, one signature; its content is equal
    assert set(ran) == {"harmonised/tiny/visit", "harmonised/tiny/sample", "warehouse/visit"}


def test_stale_means_what_dagster_means(installation: Installation) -> None:
    run(installation)
    installation.declare("tiny", mapping=MAPPING.replace("{m: male, f: female}", "{m: male, f: unknown}"))
    session = opened(installation)
    instance = DagsterInstance.get()
    graph = session._line.definitions.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    theirs = {key for key in ALL if resolver.get_status(AssetKey.from_user_string(key)) != StaleStatus.FRESH}
    assert theirs == set(session.stale())


def test_failing_source_holds_back_what_lies_downstream_only(installation: Installation) -> None:
    (installation.source / "visits.csv").unlink()
    session = opened(installation)
    summary = session.materialise(session.assets())
    assert set(summary.failed) == {"raw/tiny/files/visits"}
    assert "harmonised/tiny/participant" in summary.ran
    assert "harmonised/tiny/visit" in summary.blocked
    assert "visits.csv" not in "".join(summary.failed.values()) or "store+tiny" in "".join(
        summary.failed.values()
    )


YOUNG = MAPPING.replace("visit:\n", "  checks:\n    young: {expect: age < 50, severity: error}\nvisit:\n", 1)


def ages(installation: Installation) -> list[tuple[str, int]]:
    with installation.workspace().database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT study, age FROM warehouse.participant ORDER BY 1, 2")
        return [(study, age) for study, age in rows]


def test_a_failed_check_of_severity_error_holds_back_the_rows_of_its_study_only(
    installation: Installation,
) -> None:
    installation.declare("other")
    run(installation)
    before = ages(installation)
    people = installation.source / "people.csv"
    people.write_text(people.read_text().replace("P1,m,40", "P1,m,60"))
    installation.declare("tiny", mapping=YOUNG)
    session = opened(installation)
    summary = session.materialise(session.assets())
    assert summary.failed == {}
    assert "harmonised/tiny/visit" in summary.blocked
    assert not [key for key in summary.blocked if key.startswith(("warehouse/", "harmonised/other/"))]
    assert ages(installation) == [("other", 33), ("other", 51), ("other", 60), *before[3:]]
    (told,) = [
        one for one in session.checks() if (one.asset, one.name) == ("warehouse/participant", "held_back")
    ]
    assert (told.passed, "tiny" in told.message) == (False, True)
    assert not [key for key in opened(installation).stale() if key.startswith("warehouse/")]

    installation.declare("tiny")  # the check is gone, the content is what it was
    assert "warehouse/participant" in run(installation)
    assert ages(installation)[3:] == [("tiny", 33), ("tiny", 51), ("tiny", 60)]
    assert opened(installation).stale() == {}


def test_a_study_that_cannot_be_read_holds_back_no_other(installation: Installation) -> None:
    elsewhere = STUDY.replace("people.csv", "nowhere.csv")
    installation.declare("other", study=elsewhere.format(name="other"))
    session = opened(installation)
    summary = session.materialise(session.assets())
    assert set(summary.failed) == {"raw/other/files/people"}
    assert "harmonised/other/participant" in summary.blocked
    assert "warehouse/participant" not in summary.blocked
    assert ages(installation) == [("tiny", 33), ("tiny", 40), ("tiny", 51)]
    assert not [key for key in opened(installation).stale() if key.startswith("warehouse/")]
    installation.declare("other")
    assert "warehouse/participant" in run(installation)
    assert len(ages(installation)) == 6


@pytest.mark.parametrize("word", ["raw", "harmonised/tiny", "warehouse/visit"])
def test_assets_are_chosen_by_prefix(installation: Installation, word: str) -> None:
    chosen = opened(installation).assets([word])
    assert chosen
    assert all(f"{key}/".startswith(f"{word}/") for key in chosen)


def test_assets_are_chosen_by_study(installation: Installation) -> None:
    session = opened(installation)
    chosen = session.assets(["tiny"])
    assert chosen == [key for key in session.assets() if key.split("/")[1] == "tiny"]
    assert session.assets(["tin"]) == []


def test_recovery_needs_one_run(installation: Installation) -> None:
    run(installation)
    people, visits = installation.source / "people.csv", installation.source / "visits.csv"
    good = visits.read_text()
    visits.write_text(good.replace("crp", "CRP"))
    people.write_text("id,sex,age,note\nX1,m,40,x\n")
    session = opened(installation)
    assert "harmonised/tiny/visit" in session.materialise(session.assets()).failed
    visits.write_text(good)
    people.write_text("id,sex,age,note\nP1,m,40,x\nP2,f,51,y\nP3,m,33,z\n")
    run(installation)
    assert opened(installation).stale() == {}
    assert [check.name for check in opened(installation).checks() if not check.passed] == []


def test_removed_entity_leaves_the_warehouse(installation: Installation) -> None:
    installation.declare("other")
    run(installation)
    mapping = MAPPING[: MAPPING.index("visit:")] + "not_mapped:\n  x: [note, visit, sample, crp]\n"
    study = STUDY.format(name="tiny").partition("assays:")[0]
    installation.declare("tiny", mapping=mapping, study=study)
    run(installation)
    database = installation.workspace().database
    assert set(read_table(database, "warehouse", "visit")["study"].to_pylist()) == {"other"}
    assert set(read_table(database, "warehouse", "participant")["study"].to_pylist()) == {"tiny", "other"}


def test_entity_that_the_last_study_gave_up_leaves_an_empty_table(installation: Installation) -> None:
    run(installation)
    mapping = MAPPING[: MAPPING.index("sample:")] + "not_mapped:\n  x: [note, sample]\n"
    study = STUDY.format(name="tiny").partition("assays:")[0]
    installation.declare("tiny", mapping=mapping, study=study)
    run(installation)
    assert read_table(installation.workspace().database, "warehouse", "sample").num_rows == 0
    assert opened(installation).stale() == {}


def test_broken_study_keeps_its_rows_in_the_warehouse(installation: Installation) -> None:
    installation.declare("other")
    run(installation)
    installation.declare("tiny", mapping=MAPPING.replace("crp:", "cpr:"))
    (installation.source / "visits.csv").write_text("id,visit,sample,crp\nP1,1,S1,5.5\n")
    run(installation)
    rows = read_table(installation.workspace().database, "warehouse", "visit")["study"].to_pylist()
    assert sorted(rows) == ["other", "tiny", "tiny", "tiny", "tiny"]
    shutil.rmtree(installation.dictionary / "studies" / "tiny")
    run(installation)
    rows = read_table(installation.workspace().database, "warehouse", "visit")["study"].to_pylist()
    assert rows == ["other"]


def test_failed_run_does_not_hide_what_the_checks_told_before(installation: Installation) -> None:
    visits = installation.source / "visits.csv"
    visits.write_text(visits.read_text().replace("5.5", "high"))
    run(installation)
    told = opened(installation).checks()
    assert [check.name for check in told if not check.passed] == ["values"]
    installation.declare("tiny", mapping=MAPPING.replace("number: crp", "number: typo"))
    session = opened(installation)
    assert "harmonised/tiny/visit" in session.materialise(session.assets()).failed
    installation.declare("tiny")
    run(installation)
    assert opened(installation).checks() == told


def test_nothing_to_run_is_no_error(installation: Installation) -> None:
    (installation.dictionary / "studies" / "tiny" / "study.yaml").unlink()
    session = opened(installation)
    assert session.assets() == []
    assert session.materialise([]).ran == {}


def test_unforeseen_error_stores_no_value(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise ValueError("SECRET")

    monkeypatch.setattr(extract, "_described", broken)
    session = opened(installation)
    failed = session.materialise(session.assets(["raw"])).failed
    assert failed["raw/tiny/files/people"].startswith("ValueError at extract.py:")
    for record in DagsterInstance.get().get_run_records():
        for entry in DagsterInstance.get().all_logs(record.dagster_run.run_id):
            assert "SECRET" not in str(entry)
