"""The source kind `redcap` against the demo's server: what it gives, what it asks for, what it makes of failures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pydantic import ValidationError

from omics_orchestrator.demo.redcap_folder import load_project
from omics_orchestrator.demo.redcap_server import RedcapServer, Token
from omics_orchestrator.demo.redcap_store import Key, RedcapProject, Rights
from omics_orchestrator.errors import DeliveryError, NotConfigured
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources import Delivery, Redcap, RedcapExport, redcap_api
from omics_orchestrator.sources.base import Held
from omics_orchestrator.sources.redcap_pace import Patience
from omics_orchestrator.sources.redcap_shared import SHARED
from omics_orchestrator.storage.objects import Stores

TOKEN = "7B4E5A0DFC2E4B7A9F1D3C5E7A9B1C3D"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
METADATA_WORDS = (
    "field_name",
    "form_name",
    "field_type",
    "select_choices_or_calculations",
    "text_validation_type_or_show_slider_number",
)
FIELDS = [
    ("id", "base", "text", "", ""),
    ("born", "base", "text", "", "date_dmy"),
    ("sex", "base", "radio", "1, M, or so | 2, F", ""),
    ("ticks", "base", "checkbox", "1, one | -2, two", ""),
    ("secret", "base", "notes", "", ""),
    ("mail", "base", "text", "", "email"),
    ("crp", "lab", "text", "", "number"),
    ("scan", "lab", "file", "", ""),
    ("note", "lab", "notes", "", ""),
]


class World:
    """A server with one project, its clock, and a source that reads it."""

    def __init__(self, server: RedcapServer, project: RedcapProject, tmp: Path) -> None:
        self.server, self.project = server, project
        self.now = START
        server.clock = project.clock = lambda: self.now
        self.stores = Stores(
            Settings(home=tmp, dictionary=tmp, store_url=(tmp / "own").as_uri(), environment={"TOKEN": TOKEN})
        )
        self.words: dict[str, Any] = {}

    @property
    def source(self) -> Redcap:
        words = {"requests_per_second": 1000, "timeout": 20, **self.words}
        return Redcap.model_validate({"url": self.server.url, "token": {"secret": "TOKEN"}, **words})

    def deliver(self, form: str = "base", admitted: Any = None, held: Held | None = None) -> Delivery:
        SHARED.forget()
        return self.source.deliver("redcap", form, admitted, self.stores, held=held)

    def signature(self) -> str:
        SHARED.forget()
        return self.source.signature(self.stores)

    def later(self, **words: float) -> None:
        self.now += timedelta(**words)

    def asked(self) -> Iterator[Mapping[str, str]]:
        for request in self.server.requests:
            yield request.asked

    def fields_asked(self) -> set[str]:
        return {v for asked in self.asked() for name, v in asked.items() if name.startswith("fields")}


def project() -> RedcapProject:
    metadata = [dict.fromkeys(load_words(), "") | dict(zip(METADATA_WORDS, f, strict=True)) for f in FIELDS]
    for entry in metadata:
        entry["field_label"] = entry["field_name"]
        entry["identifier"] = "y" if entry["field_name"] == "mail" else ""
    made = RedcapProject(metadata, info={"missing_data_codes": "-99, Not done"})
    made.repeats = [{"form_name": "lab", "custom_form_label": ""}]
    for n in range(1, 41):
        made.rows[Key(f"p{n}")] = {"born": "1980-02-03", "sex": "1", "base_complete": "2", "secret": f"s{n}"}
        for instance in range(1, 1 + n % 3):
            cells = {"crp": str(n), "lab_complete": "1", "note": 'a, "b"\nc'}
            made.rows[Key(f"p{n}", "", "lab", instance)] = cells
    return made


def load_words() -> tuple[str, ...]:
    from omics_orchestrator.demo.redcap_store import METADATA

    return METADATA


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(redcap_api, "PATIENCE", Patience(attempts=3, first=0.0, longest=5.0))
    SHARED.forget()


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    made = project()
    with RedcapServer({TOKEN: made}) as server:
        yield World(server, made, tmp_path)


def in_order(data: pa.Table) -> pa.Table:
    order = [(name, "ascending") for name in ("record_id", "event_name", "event_instance", "form_instance")]
    return data.replace_schema_metadata().sort_by(order)


def held(delivery: Delivery) -> Held:
    return Held(delivery.mark, delivery.data.select(delivery.key))


def laid_over(before: pa.Table, delivery: Delivery) -> pa.Table:
    assert delivery.replaced is not None
    gone = set(delivery.replaced["record_id"].to_pylist())
    kept = [number for number, record in enumerate(before["record_id"].to_pylist()) if record not in gone]
    return in_order(pa.concat_tables([delivery.data, before.take(kept)]))


# -- the whole


@pytest.mark.parametrize("name", ["gidamps_synthetic", "music_synthetic"])
def test_public_projects_equal_the_folder(shared_data, stores, tmp_path, name):
    folder = shared_data / "redcap" / name
    with RedcapServer({TOKEN: load_project(folder)}) as server:
        world = World(server, server.tokens[TOKEN].project, tmp_path)
        offline = RedcapExport(location=f"store+data://redcap/{name}/")
        for form in world.project.forms:
            live = world.deliver(form)
            told = offline.deliver("redcap", form, None, stores)
            assert in_order(live.data).equals(in_order(told.data))
            assert live.seen == told.seen
            assert live.decisions["project"] == told.decisions["project"]


def test_one_table_under_the_common_key(world):
    base, lab = world.deliver("base"), world.deliver("lab")
    assert base.key == ("record_id", "event_name", "event_instance", "form_instance")
    assert base.data.num_rows == 40
    assert lab.data.num_rows == sum(n % 3 for n in range(1, 41))
    assert base.replaced is None
    assert base.decisions["pull"] == "whole"
    assert base.decisions["missing data codes"] == "-99"
    assert set(lab.data["note"].to_pylist()) == {'a, "b"\nc'}


def test_only_admitted_fields_leave_the_server(world):
    delivery = world.deliver("base", {"sex", "ticks___1", "not there"})
    assert delivery.data.column_names == [*delivery.key, "sex", "ticks___1"]
    assert world.fields_asked() == {"id", "sex", "ticks", "base_complete"}
    assert not any(name.startswith("forms") for asked in world.asked() for name in asked)
    assert delivery.seen == world.deliver("base").seen
    assert "redcap_data_access_group" not in delivery.seen


def test_nothing_admitted_leaves_the_keys(world):
    delivery = world.deliver("lab", ())
    assert delivery.data.column_names == list(delivery.key)
    assert world.fields_asked() == {"id", "lab_complete"}


def test_fields_tell_what_the_project_declares_of_them(world):
    schema = world.deliver("base").data.schema
    assert schema.field("mail").metadata[b"identifier"] == b"y"
    assert schema.field("born").metadata[b"validation"] == b"date_dmy"
    assert schema.field("sex").metadata[b"missing_codes"] == b"-99, Not done"
    assert schema.field("ticks____2").metadata[b"field_type"] == b"checkbox"


def test_the_server_describes_its_fields_and_is_asked_for_no_record(world):
    found = world.source.described("redcap", world.stores)
    known = {one.name for one in found}
    boxes_of_missing_codes = {"ticks____99"}  # the project's, no field states them
    assert set(world.deliver().seen) - {"base_complete"} - boxes_of_missing_codes <= known
    assert world.project.id_field not in known


def test_declarations_are_asked_once_for_all_forms(world):
    for form in ("base", "lab"):
        world.source.deliver("redcap", form, None, world.stores)
    contents = [asked["content"] for asked in world.asked()]
    assert contents.count("metadata") == 1
    assert contents.count("record") == 1 + 2 * 2  # ids once; rows and keys for each form


def test_groups_are_asked_for_where_there_are_some(world):
    world.project.dags, world.project.groups = {"north": "North"}, {"p1": "north"}
    delivery = world.deliver("base")
    groups = dict(
        zip(
            delivery.data["record_id"].to_pylist(),
            delivery.data["redcap_data_access_group"].to_pylist(),
            strict=True,
        )
    )
    assert groups["p1"] == "north"
    assert "redcap_data_access_group" not in world.deliver("base", {"sex"}).data.column_names


def test_a_user_inside_of_a_group_is_told(world):
    world.project.dags, world.project.groups = {"north": "North"}, {"p1": "north"}
    world.server.tokens[TOKEN] = Token(world.project, Rights(dag="north"))
    delivery = world.deliver("base")
    assert delivery.data.num_rows == 1
    assert "only the records of one group" in delivery.decisions["data access groups"]


def test_files_are_attachments(world):
    place = Key("p2", "", "lab", 2)
    world.project.rows[place]["scan"] = "s.png"
    world.project.rows[Key("p1", "", "lab", 1)]["scan"] = "-99"
    world.project.files[place, "scan"] = ("s.png", "image/png", b"<html>\0\xff")
    attachments = world.deliver("lab", {"scan"}).attachments
    assert [(one.key, one.field, one.name) for one in attachments] == [(("p2", "", 0, 2), "scan", "s.png")]
    assert attachments[0].read() == b"<html>\0\xff"
    assert world.deliver("lab", {"crp"}).attachments == ()


def test_a_file_that_is_gone(world):
    world.project.rows[Key("p2", "", "lab", 2)]["scan"] = "s.png"
    (attachment,) = world.deliver("lab").attachments
    with pytest.raises(DeliveryError, match="HTTP 400") as raised:
        attachment.read()
    assert "p2" not in str(raised.value)


# -- side tables


def test_side_tables(world):
    world.project.edit("p1", "born", "before validation")
    world.project.edit("p2", "born", "1999-02-30")
    world.project.edit("p3", "born", "-99")
    world.project.edit("p4", "sex", "3")
    delivery = world.deliver("base")
    issues, key = delivery.beside["parse_issues"]
    found = {(row["record_id"], row["field"]): row["reason"] for row in issues.to_pylist()}
    assert found == {
        ("p1", "born"): "not as its validation date_dmy says",
        ("p2", "born"): "not as its validation date_dmy says",
        ("p4", "sex"): "not among the declared choices",
    }
    assert key == (*delivery.key, "field")
    choices, _ = delivery.beside["choices"]
    assert {(r["field_name"], r["code"], r["label"]) for r in choices.to_pylist()} == {
        ("sex", "1", "M, or so"),
        ("sex", "2", "F"),
        ("ticks", "1", "one"),
        ("ticks", "-2", "two"),
    }
    fields, key = delivery.beside["fields"]
    assert key == ("metadata_hash", "field_name")
    assert fields["field_name"].to_pylist() == ["id", "born", "sex", "ticks", "secret", "mail"]
    assert delivery.beside["withheld"][0].num_rows == 0


def test_defective_choices_are_told(world):
    world.project.metadata[2]["select_choices_or_calculations"] = "1, M | or so | 2, F | 2, G |"
    delivery = world.deliver("base")
    told = {f.subject: (f.count, f.severity) for f in delivery.findings if "without a code" in f.message}
    assert told == {"sex": (3, "note")}


@pytest.mark.parametrize(
    ("right", "fields"), [("no_identifiers", ["mail"]), ("deidentified", ["mail", "secret"])]
)
def test_withheld_fields_are_named_and_no_columns(world, right, fields):
    world.server.tokens[TOKEN] = Token(world.project, Rights(export=right))
    delivery = world.deliver("base")
    assert [row["field"] for row in delivery.beside["withheld"][0].to_pylist()] == fields
    assert not set(fields) & set(delivery.data.column_names)
    count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
    assert [f.message for f in delivery.findings if f.severity == "warning"] == [
        f"the rights of the token's user withhold {count}: {', '.join(fields)}"
    ]


def test_a_form_without_any_right(world):
    world.server.tokens[TOKEN] = Token(world.project, Rights(hidden_forms=frozenset({"lab"})))
    with pytest.raises(DeliveryError, match=r"redcap\.lab: .*withhold every field.*'Full Data Set'"):
        world.deliver("lab")


def test_hashed_record_ids_are_refused(world):
    world.server.tokens[TOKEN] = Token(world.project, Rights(export="deidentified", hashed=True))
    with pytest.raises(DeliveryError, match="hashed, as the right 'De-Identified' does") as raised:
        world.deliver("base")
    assert not raised.value.retry


# -- declarations


def test_a_secret_that_this_machine_lacks(world):
    source = world.source.model_copy(
        update={"token": world.source.token.model_copy(update={"secret": "OTHER"})}
    )
    assert source.needs(world.stores.settings) == "OTHER"
    assert world.source.needs(world.stores.settings) is None
    with pytest.raises(NotConfigured, match="OTHER"):
        source.deliver("redcap", "base", None, world.stores)


def test_no_store_holds_it(world):
    assert world.source.locations() == ()
    assert world.source.tables() is None


def test_the_address_may_be_a_secret(world):
    environment = {"TOKEN": TOKEN, "WHERE": world.server.url}
    settings = Settings(
        home=world.stores.settings.home,
        dictionary=world.stores.settings.dictionary,
        store_url=world.stores.settings.store_url,
        environment=environment,
    )
    source = world.source.model_copy(update={"url": type(world.source.token)(secret="WHERE")})
    assert source.deliver("redcap", "base", None, Stores(settings)).data.num_rows == 40


@pytest.mark.parametrize(
    "words",
    [
        {"workers": 5},
        {"workers": 0},
        {"token": "abc"},
        {"url": "redcap.example.org"},
        {"requests_per_second": 0},
    ],
)
def test_declarations_that_are_refused(words):
    with pytest.raises(ValidationError):
        Redcap.model_validate({"url": "https://x.org/api/", "token": {"secret": "TOKEN"}, **words})


def test_an_instrument_that_is_not_there(world):
    with pytest.raises(DeliveryError, match='no instrument "bas"; nearest: "base"'):
        world.deliver("bas")


def test_an_empty_project(world):
    world.project.rows.clear()
    delivery = world.deliver("base")
    assert delivery.data.num_rows == 0
    assert set(delivery.data.column_names) == {*delivery.key, *delivery.seen}


# -- changes


def test_nothing_changed_brings_one_record(world):
    first = world.deliver("base")
    world.later(hours=3)
    again = world.deliver("base", held=held(first))
    assert again.decisions["pull"] == "changes"
    assert again.data.num_rows == 1
    assert laid_over(first.data, again).equals(in_order(first.data))
    assert again.mark["full"] == first.mark["full"]
    assert again.mark["begun"] > first.mark["begun"]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "America/New_York"])
@pytest.mark.parametrize("log", [True, False], ids=["log", "no log"])
def test_changes_are_found(world, zone, log):
    world.project.zone = ZoneInfo(zone)
    world.server.tokens[TOKEN] = Token(world.project, Rights(log=log))
    before = {form: world.deliver(form) for form in ("base", "lab")}
    world.later(hours=30)
    world.project.edit("p1", "sex", "2")
    world.project.edit("p2", "crp", "77", instrument="lab", instance=2)
    world.project.edit("p3", "crp", "78", instrument="lab", instance=1)
    world.project.delete("p5")
    world.project.rename("p8", "q8")
    world.project.edit("new", "sex", "1")
    for form, first in before.items():
        changes = world.deliver(form, held=held(first))
        assert changes.decisions["pull"] == "changes"
        assert laid_over(first.data, changes).equals(in_order(world.deliver(form).data))
        assert {"p5", "p8"} <= set(changes.replaced["record_id"].to_pylist())
        if log:
            assert changes.data.num_rows < 10


def test_a_row_that_vanished_of_a_record_that_stays(world):
    first = world.deliver("lab")
    world.later(hours=1)
    del world.project.rows[Key("p2", "", "lab", 2)]
    world.project.edit("p2", "sex", "2")
    changes = world.deliver("lab", held=held(first))
    assert laid_over(first.data, changes).num_rows == first.data.num_rows - 1


def rename_a_field(world: World) -> None:
    world.project.add_field("more", "lab")


def grow_old(world: World) -> None:
    world.later(days=8)


def go_back(world: World) -> None:
    world.later(hours=-5)


def lose_rights(world: World) -> None:
    world.server.tokens[TOKEN] = Token(world.project, Rights(export="no_identifiers"))


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (rename_a_field, "the project's declarations changed"),
        (grow_old, "the last whole pull is older than 7 days"),
        (go_back, "the server's clock went back"),
        (lose_rights, "the rights of the token's user changed"),
    ],
)
def test_when_everything_is_read_again(world, what: Callable[[World], None], why):
    first = world.deliver("base")
    world.later(hours=1)
    what(world)
    again = world.deliver("base", held=held(first))
    assert (again.decisions["pull"], again.decisions["because"]) == ("whole", why)
    assert again.replaced is None
    assert again.mark["full"] == again.mark["begun"]


def test_a_newly_admitted_column_is_read_for_all(world):
    first = world.deliver("base", {"sex"})
    again = world.deliver("base", {"sex", "born"}, held=held(first))
    assert again.decisions["because"] == "other columns are admitted"
    assert again.data.num_rows == 40


def test_a_mark_of_another_reader(world):
    first = world.deliver("base")
    other = Held({**first.mark, "version": "0"}, first.data.select(first.key))
    assert world.deliver("base", held=other).decisions["because"] == "the reader changed"
    assert world.deliver("base", held=Held({}, other.keys)).decisions["because"] == "first time"


def test_an_incomplete_list_of_records_deletes_nothing(world):
    first = world.deliver("base")
    world.later(hours=1)
    world.server.faults.add("fewer_records", content="record", size=7)
    with pytest.raises(DeliveryError, match="list of records came incomplete") as raised:
        world.deliver("base", held=held(first))
    assert raised.value.retry


def test_a_change_costs_little(world):
    first = world.deliver("base")
    whole = world.server.sent
    world.later(hours=1)
    world.project.edit("p1", "sex", "2")
    world.deliver("base", held=held(first))
    assert len(world.server.requests) < 30
    assert world.server.sent - whole < whole


# -- signature


def test_signature_changes_with_the_project(world):
    seen = [world.signature()]
    assert world.signature() == seen[0]
    for change in (
        lambda: world.project.edit("p1", "sex", "2"),
        lambda: world.project.edit("p1", "sex", "1"),
        lambda: world.project.delete("p9"),
        lambda: world.project.add_field("more", "lab"),
    ):
        change()
        seen.append(world.signature())
    assert len(set(seen)) == len(seen)


def test_a_server_that_does_not_answer_is_asked_once_for_all_forms(world):
    world.server.faults.add("status", status=503, times=None)
    asked = len(world.server.requests)
    for _ in range(5):
        with pytest.raises(DeliveryError):
            world.source.signature(world.stores)
    assert len(world.server.requests) - asked <= 2
    world.server.faults.clear()
    assert world.signature()


def test_signature_without_a_log_is_another_each_time(world):
    world.server.tokens[TOKEN] = Token(world.project, Rights(log=False))
    assert world.source.signature(world.stores) == world.source.signature(world.stores)
    assert world.signature() != world.signature()


# -- what goes wrong

FATAL: dict[str, tuple[dict[str, Any], str, bool]] = {
    "banned": ({"kind": "banned"}, "banned", False),
    "database": ({"kind": "database_down"}, "its own database", True),
    "web page": ({"kind": "html"}, "web page", True),
    "memory": ({"kind": "memory"}, "ran out of memory", True),
    "rate": ({"kind": "rate_limited"}, "lower requests_per_second", True),
    "500": ({"kind": "status", "status": 500}, "HTTP 500", True),
    "503": ({"kind": "status", "status": 503}, "HTTP 503", True),
    "401": ({"kind": "status", "status": 401}, "token is not accepted", False),
    "404": ({"kind": "status", "status": 404}, "url must be its API page", False),
    "cut": ({"kind": "cut", "size": 1}, "lost on the way|no whole JSON|REDCap", True),
    "killed": ({"kind": "killed", "size": 1}, "broke off", True),
    "garbage": ({"kind": "garbage"}, "REDCap|lost on the way|no whole JSON", True),
}


@pytest.mark.parametrize("content", ["metadata", "project", "record", "exportFieldNames"])
@pytest.mark.parametrize("case", FATAL)
def test_what_does_not_pass(world, case, content):
    words, told, retry = FATAL[case]
    world.server.faults.add(**words, times=None, content=content)
    with pytest.raises(DeliveryError, match=told) as raised:
        world.deliver("base")
    assert raised.value.retry is retry
    assert TOKEN not in str(raised.value)
    assert not re.search(r"\bp\d", str(raised.value))


@pytest.mark.parametrize("content", ["", "record"])
@pytest.mark.parametrize("skip", [0, 1, 2])
@pytest.mark.parametrize(
    "case",
    [case for case, (_, _, retry) in FATAL.items() if retry] + ["empty", "fewer rows", "fewer records"],
)
def test_what_passes_is_mended(world, case, skip, content):
    extra: dict[str, dict[str, Any]] = {
        "empty": {"kind": "empty_csv"},
        "fewer rows": {"kind": "fewer_rows", "size": 3},
        "fewer records": {"kind": "fewer_records", "size": 3},
    }
    clean = in_order(world.deliver("lab").data)
    words = extra[case] if case in extra else FATAL[case][0]
    if case in extra:
        content = "record"
    world.server.faults.add(**words, times=1, content=content, skip=skip)
    assert in_order(world.deliver("lab").data).equals(clean)


def test_rows_that_are_always_lost(world):
    world.server.faults.add(
        "fewer_rows", size=2, times=None, content="record", when=lambda a: "fields[2]" in a
    )
    with pytest.raises(DeliveryError, match=r"left out \d rows that it lists, twice") as raised:
        world.deliver("lab")
    assert raised.value.retry


def test_a_wrong_token(world):
    world.server.tokens.clear()
    with pytest.raises(DeliveryError, match="API Export"):
        world.deliver("base")


def test_a_wrong_address(world):
    world.words = {"url": world.server.url.replace("/api/", "/redcap/")}
    with pytest.raises(DeliveryError, match="url must be its API page"):
        world.deliver("base")


def test_a_record_renamed_during_the_pull(world):
    done: list[int] = []

    def rename(asked: Mapping[str, str]) -> None:
        if asked["content"] == "record" and "records[0]" in asked and not done:
            done.append(1)
            world.project.rename("p4", "q4")

    world.server.before = rename
    ids = set(world.deliver("base").data["record_id"].to_pylist())
    assert "q4" in ids
    assert "p4" not in ids
    assert len(ids) == 40


def test_a_record_renamed_during_a_pull_of_changes(world):
    first = world.deliver("base")
    world.later(hours=1)
    world.project.edit("p4", "sex", "2")
    done: list[int] = []

    def rename(asked: Mapping[str, str]) -> None:
        if asked["content"] == "record" and "records[0]" in asked and not done:
            done.append(1)
            world.project.rename("p4", "q4")

    world.server.before = rename
    changes = world.deliver("base", held=held(first))
    assert laid_over(first.data, changes).equals(in_order(world.deliver("base").data))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.metadata[3].update(select_choices_or_calculations="1, one | -2, two | 3, three"),
        lambda p: p.remove_field("secret"),
    ],
    ids=["choice added", "field removed"],
)
def test_columns_that_change_between_batches(world, monkeypatch, change):
    from omics_orchestrator.sources import redcap

    monkeypatch.setattr(redcap, "FIRST_CELLS", 100)
    done: list[int] = []

    def alter(asked: Mapping[str, str]) -> None:
        if "records[0]" in asked and "fields[2]" in asked:
            done.append(1)
            if len(done) == 3:
                change(world.project)
                world.project.changes += 1

    world.server.before = alter
    delivery = world.deliver("base")
    assert in_order(delivery.data).equals(in_order(world.deliver("base").data))
    assert delivery.data.num_rows == 40


def kill_at(world: World, offsets: list[int]) -> None:
    """Kill the connection of the rows' answers at each offset: once, then for good."""
    clean = in_order(world.deliver("lab").data)
    outcomes = set()
    for offset in offsets:
        fault = {"content": "record", "size": offset, "when": lambda asked: "fields[2]" in asked}
        world.server.faults.add("killed", times=1, **fault)
        assert in_order(world.deliver("lab").data).equals(clean)
        world.server.faults.add("killed", times=None, **fault)
        try:
            assert in_order(world.deliver("lab").data).equals(clean)
            outcomes.add("whole")  # smaller batches ended before that byte
        except DeliveryError as error:
            outcomes.add("error" if error.retry and "broke off" in str(error) else str(error))
        world.server.faults.clear()
    assert outcomes == {"whole", "error"}


def offsets(world: World, number: int) -> list[int]:
    world.deliver("lab")
    size = max(request.sent for request in world.server.requests if "fields[2]" in request.asked)
    return sorted({size * n // number for n in range(number)})


def test_a_connection_killed_at_some_bytes(world):
    for key in [key for key in world.project.rows if int(key.record[1:]) > 6]:
        del world.project.rows[key]
    kill_at(world, offsets(world, 5))


@pytest.mark.slow
def test_a_connection_killed_at_fifty_bytes(world):
    kill_at(world, offsets(world, 50))


def test_an_interruption_ends_the_workers(world):
    world.words = {"workers": 4}

    def interrupt(asked: Mapping[str, str]) -> None:
        if "records[0]" in asked:
            world.server.faults.add("status", status=401)

    world.server.before = interrupt
    with pytest.raises(DeliveryError, match="token"):
        world.deliver("base")
    asked = len(world.server.requests)
    world.server.before = lambda _: None
    world.server.faults.clear()
    assert world.deliver("base").data.num_rows == 40
    assert len(world.server.requests) > asked
