"""Direct identifiers in a delivery: they stop it, or lie in the schema `identifiers` and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pyarrow as pa
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from omics_orchestrator.cli.tables import show_query
from omics_orchestrator.errors import DeliveryError, StorageError
from omics_orchestrator.orchestration.session import Session, Summary
from omics_orchestrator.sources.base import Attachment, Delivery
from omics_orchestrator.sources.delimited import Delimited
from omics_orchestrator.steps.extract import extract
from omics_orchestrator.steps.identify import separate, stop_identifiers
from omics_orchestrator.storage.private import READER, ROLE
from omics_orchestrator.storage.tables import list_tables, read_table, write_tables
from omics_orchestrator.studies import Study
from omics_orchestrator_tests.installation import MAPPING, STUDY, Installation

PEOPLE = """\
id,sex,age,note,dob,reach,mail
P1,m,40,x,1961-07-13,07700 900461,planted.one@example.org
P2,f,51,y,1959-11-29,07700 900462,planted.two@example.org
P3,m,33,z,1988-02-17,07700 900463,planted.three@example.org
"""
PLANTED = [cell for row in PEOPLE.splitlines()[1:] for cell in row.split(",")[4:]]
KEEP = "identifiers: {keep: [files.people.dob, files.people.reach, files.people.mail]}\n"


def declare(installation: Installation, said: str = "", mapping: str = MAPPING) -> None:
    (installation.source / "people.csv").write_text(PEOPLE)
    installation.declare("tiny", study=STUDY.format(name="tiny") + said, mapping=mapping)


def study_of(installation: Installation) -> Study:
    return installation.workspace().catalogue.studies["tiny"]


def run(installation: Installation, *wanted: str) -> Summary:
    session = Session(installation.workspace())
    return session.materialise(session.assets(wanted))


COLUMNS = """
select table_schema, table_name, column_name, data_type from information_schema.columns
where table_schema not in ('pg_catalog', 'information_schema')
"""
READING = MAPPING.replace("age: {number: age, unit: a}", "age: {number: mail, unit: a}")


def test_a_delivery_with_identifiers_stops_and_the_last_good_rows_stay(installation: Installation) -> None:
    declare(installation)
    assert run(installation).failed == {}
    before = read_table(installation.workspace().database, "raw_tiny", "files__people").to_pylist()
    declare(installation, mapping=READING)
    summary = run(installation)
    (message,) = summary.failed.values()
    assert list(summary.failed) == ["raw/tiny/files/people"]
    for part in (
        "files.people",
        "'mail' (email, 3 cells",
        "keep: [files.people.mail]",
        "not_identifying",
        "not_mapped",
    ):
        assert part in message
    assert not [cell for cell in PLANTED if cell in message]
    assert read_table(installation.workspace().database, "raw_tiny", "files__people").to_pylist() == before


def test_a_person_can_say_that_a_column_is_none(installation: Installation) -> None:
    declare(
        installation, 'identifiers: {not_identifying: {files.people.mail: "addresses of wards"}}\n', READING
    )
    study = study_of(installation)
    (note,) = stop_identifiers(study, "files", "people", pa.table({"mail": PLANTED[2::3]}))
    assert (note.check, note.severity, note.subject) == ("identifiers", "note", "mail")
    assert run(installation).failed == {}


def test_what_is_kept_in_one_table_is_an_identifier_in_every_other(installation: Installation) -> None:
    declare(installation, KEEP)
    with pytest.raises(DeliveryError, match="'dob' .declared, 2 cells"):
        stop_identifiers(study_of(installation), "files", "visits", pa.table({"dob": ["a", "b"]}))


def test_files_of_kept_columns_are_not_fetched_and_missing_columns_are_told(
    installation: Installation,
) -> None:
    declare(installation, KEEP)
    data = pa.table({"row_number": [1], "dob": ["1961-07-13"], "age": ["40"]})
    files = tuple(Attachment((1,), field, "a.pdf", lambda: b"") for field in ("mail", "age"))
    apart = separate(
        study_of(installation), "files", "people", Delivery(data, ("row_number",), (), attachments=files)
    )
    assert apart.delivery.data.column_names == ["row_number", "age"]
    assert apart.identifiers is not None
    assert apart.identifiers.column_names == ["row_number", "dob"]
    assert [one.field for one in apart.delivery.attachments] == ["age"]
    assert [one.subject for one in apart.findings if one.severity == "warning"] == ["reach", "mail"]


def test_planted_identifiers_lie_in_no_other_schema(installation: Installation) -> None:
    declare(installation, KEEP)
    assert run(installation).failed == {}
    kept = read_table(installation.workspace().database, "identifiers", "tiny__files__people")
    assert kept.column_names == ["row_number", "dob", "reach", "mail"]
    assert sorted(kept["mail"].to_pylist()) == sorted(PLANTED[2::3])
    urls = [installation.settings.database_url, installation.settings.dagster_database_url]
    found = [place for url in urls for place in everything(str(url)) if holds_planted(place[1])]
    assert {place for place, _ in found} == {
        f"identifiers.tiny__files__people.{c}" for c in ("dob", "mail", "reach")
    }
    stored = [file for file in installation.settings.home.rglob("*") if file.is_file()]
    stored += [file for file in (installation.folder / "store").rglob("*") if file.is_file()]
    assert not [file for file in stored if holds_planted(file.read_bytes().decode("utf-8", "replace"))]


def holds_planted(text: str) -> bool:
    return any(cell in text for cell in PLANTED)


def everything(url: str) -> Iterator[tuple[str, str]]:
    """Yield the content of every column of every table, and every comment, each as one text."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        for schema, table, column, kind in cursor.fetchall():
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(f'select string_agg({text}, chr(10)) from "{schema}"."{table}"')
            yield f"{schema}.{table}.{column}", _one(cursor)
        cursor.execute("select string_agg(description, chr(10)) from pg_description")
        yield "comments", _one(cursor)
    connection.close()


def _one(cursor: psycopg2.extensions.cursor) -> str:
    row = cursor.fetchone()
    return row[0] or "" if row else ""


def test_only_one_role_reads_them(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    declare(installation, KEEP)
    run(installation, "raw")
    query = "select mail from identifiers.tiny__files__people"
    with pytest.raises(StorageError, match="permission denied for schema identifiers"):
        show_query(query)
    with (
        psycopg2.connect(str(installation.settings.database_url)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("analyze identifiers.tiny__files__people")
    connection.close()
    show_query("select * from pg_stats where schemaname = 'identifiers'")
    show_query("select count(*) as rows_of_people from raw_tiny.files__people")
    out = capsys.readouterr().out
    assert "0 rows" in out
    assert "rows_of_people" in out
    assert not holds_planted(out)
    with psycopg2.connect(str(installation.settings.database_url)) as connection:
        assert asked_as(connection, ROLE, query) == sorted(PLANTED[2::3])
        for role in (READER, "pg_monitor"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                asked_as(connection, role, query)
            connection.rollback()
    connection.close()


def asked_as(connection: Connection, role: str, query: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"set local role {role}")
        cursor.execute(query)
        found = sorted(row[0] for row in cursor.fetchall())
    connection.rollback()
    return found


def test_readers_see_tables_that_are_made_later(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(installation, KEEP)
    assert run(installation).failed == {}
    for place in ("warehouse.participant", "harmonised_tiny.visit", "registry.file", "omics.table_state"):
        show_query(f"select count(*) from {place}")
    assert capsys.readouterr().out.count("1 row") == 4


def test_a_changed_cell_reaches_the_kept_ones_and_an_unchanged_delivery_writes_nothing(
    installation: Installation,
) -> None:
    declare(installation, KEEP)
    run(installation)
    session = Session(installation.workspace())
    assert session.materialise(["raw/tiny/files/people"], force=True).touched == 0
    (installation.source / "people.csv").write_text(PEOPLE.replace("1988-02-17", "1988-02-18"))
    assert run(installation).touched == 1
    kept = read_table(installation.workspace().database, "identifiers", "tiny__files__people")
    assert "1988-02-18" in kept["dob"].to_pylist()


def test_what_is_kept_no_more_is_dropped(installation: Installation) -> None:
    declare(installation, KEEP)
    run(installation, "raw")
    declare(installation)
    assert run(installation, "raw").failed == {}
    assert [
        state.name
        for state in list_tables(installation.workspace().database)
        if state.schema == "identifiers"
    ] == []


def test_changes_are_laid_over_the_kept_columns_too(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(installation, KEEP)
    whole = pa.table({"row_number": [1, 2], "id": ["P1", "P2"], "sex": ["m", "f"], "age": ["40", "51"],
                      "dob": ["1961-07-13", "1959-11-29"]})  # fmt: skip
    change = whole.slice(1).set_column(4, "dob", pa.array(["1959-11-30"]))
    given = [
        Delivery(whole, ("row_number",), (), mark={"seen": "1"}),
        Delivery(change, ("row_number",), (), mark={"seen": "2"}, replaced=change.select(["row_number"])),
    ]
    monkeypatch.setattr(Delimited, "deliver", lambda *_, **__: given.pop(0))
    workspace, study = installation.workspace(), study_of(installation)
    for run_id in ("r1", "r2"):
        result = extract(workspace, study, "files", "people", run_id=run_id)
        write_tables(workspace.database, result.writes)
    kept = read_table(workspace.database, "identifiers", "tiny__files__people")
    assert kept["dob"].to_pylist() == ["1961-07-13", "1959-11-30"]
