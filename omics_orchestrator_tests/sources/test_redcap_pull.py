"""Batches that shrink and grow, what is asked of a form, side tables: the parts behind the source kind `redcap`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources import redcap_api, redcap_batches
from omics_orchestrator.sources.redcap_batches import Batches
from omics_orchestrator.sources.redcap_pace import Patience
from omics_orchestrator.sources.redcap_pull import asked_of, box_of
from omics_orchestrator.sources.redcap_refusals import Changed, Cut, Passing, TooBig
from omics_orchestrator.sources.redcap_shared import Shared
from omics_orchestrator.sources.redcap_sides import choices_of, parse_issues
from omics_orchestrator.sources.redcap_standing import Declarations
from omics_orchestrator_tests.sources.test_redcap import World, in_order, world

__all__ = ["world"]

RECORDS = [str(number) for number in range(100)]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(redcap_api, "PATIENCE", Patience(attempts=3, first=0.0, longest=5.0))


def batches(fetch: Callable[[list[str]], Any], **words: Any) -> Batches[Any]:
    settings = {"workers": 1, "stop": threading.Event(), "cells_at_once": 80.0, **words}
    return Batches(fetch, lambda _: 4, **settings)


def sizes(limit: int, *, kind: type[Passing] = TooBig, workers: int = 1) -> tuple[list[int], list[str]]:
    """Return the sizes of the batches asked for and all records answered, of a server that manages `limit` records."""
    asked = []

    def fetch(records: list[str]) -> list[str]:
        asked.append(len(records))
        if len(records) > limit:
            raise kind("too much")
        return records

    found = [record for batch in batches(fetch, workers=workers).all(RECORDS) for record in batch]
    return asked, found


def test_batches_grow_while_answers_are_quick():
    asked, found = sizes(1000)
    assert asked == [20, 30, 45, 5]
    assert found == RECORDS


def test_slow_answers_let_batches_stay(monkeypatch):
    monkeypatch.setattr(redcap_batches, "QUICK", 0.0)
    assert sizes(1000)[0] == [20] * 5


@pytest.mark.parametrize("limit", [1, 2, 7, 19])
@pytest.mark.parametrize("kind", [TooBig, Cut])
@pytest.mark.parametrize("workers", [1, 4])
def test_batches_shrink_until_the_server_manages(limit, kind, workers):
    asked, found = sizes(limit, kind=kind, workers=workers)
    assert sorted(found) == sorted(RECORDS)
    assert min(asked) <= limit
    assert sum(size > limit for size in asked) < len(asked)


def test_one_record_that_is_too_big():
    def fetch(records: list[str]) -> list[str]:
        if "42" in records:
            raise TooBig("record")
        return records

    with pytest.raises(TooBig):
        batches(fetch).all(RECORDS)


def test_an_error_stops_the_others():
    stop = threading.Event()

    def fetch(records: list[str]) -> list[str]:
        if "30" in records:
            raise DeliveryError("no")
        stop.wait(5)
        return records

    with pytest.raises(DeliveryError, match="no"):
        batches(fetch, stop=stop, workers=4).all(RECORDS)
    assert stop.is_set()


def test_an_interruption_stops_the_workers():
    stop = threading.Event()
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # where it is ignored, as in the background

    def fetch(records: list[str]) -> list[str]:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # which waits
        stop.wait(5)
        return records

    try:
        with pytest.raises(KeyboardInterrupt):
            batches(fetch, stop=stop, workers=1).all(RECORDS)
    finally:
        signal.signal(signal.SIGINT, before)
    assert stop.is_set()


def test_answers_are_shared_for_a_while():
    shared, asked = Shared(), []

    def ask() -> int:
        asked.append(1)
        return len(asked)

    threads = [threading.Thread(target=shared.get, args=(("a",), ask)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert shared.get(("b",), ask) == 2
    assert shared.get(("a",), ask, fresh=True) == 3
    shared.forget()
    assert shared.get(("a",), ask) == 4


def declared(**words: Any) -> Declarations:
    names = ("field_name", "form_name", "field_type")
    rows = [
        ("id", "base", "text"),
        ("a", "base", "text"),
        ("box", "base", "checkbox"),
        ("told", "base", "descriptive"),
    ]
    rows += [("redcap_x", "base", "text"), ("pic", "base", "file"), ("other", "lab", "text")]
    exported = [("id", "id"), ("a", "a"), ("box", "box___1"), ("box", "box____2"), ("other", "other")]
    settings: dict[str, Any] = {
        "version": "14.0.0",
        "project": {"missing_data_codes": "UNK, Unknown\n-9, Not done"},
        "metadata": [dict(zip(names, row, strict=True)) for row in rows],
        "names": [{"original_field_name": field, "export_field_name": column} for field, column in exported],
        "events": None,
        "mapping": None,
        "repeats": [],
        "groups": False,
    }
    return Declarations(**{**settings, **words})


def test_what_is_asked_of_a_form():
    asked = asked_of(declared(), "base", None, survey=False)
    assert asked.fields == ("id", "a", "box", "pic", "base_complete")
    assert asked.options == {"exportBlankForGrayFormStatus": True, "decimalCharacter": "."}
    assert asked_of(declared(), "base", {"box____2"}, survey=False).fields == ("id", "box", "base_complete")
    assert asked_of(declared(), "lab", {"a"}, survey=False).fields == ("id", "lab_complete")


def test_groups_and_survey_fields_are_asked_for_where_admitted():
    both = {"base_timestamp", "redcap_data_access_group"}
    asked = asked_of(declared(groups=True), "base", both, survey=True)
    assert {"exportDataAccessGroups", "exportSurveyFields"} <= asked.options.keys()
    for none in (
        asked_of(declared(groups=True), "base", {"a"}, survey=True),
        asked_of(declared(groups=False), "base", both, survey=False),
    ):
        assert not {"exportDataAccessGroups", "exportSurveyFields"} & none.options.keys()


def test_columns_of_an_answer_are_those_asked_for():
    asked = asked_of(declared(), "base", {"a", "box*"}, survey=False)
    header = [
        "id",
        "redcap_repeat_instance",
        "a",
        "box___1",
        "box____2",
        "box___unk",
        "box____9",
        "base_complete",
    ]
    assert asked.withheld(header) == ()
    assert asked.withheld(["id", "box___1", "box____2", "base_complete"]) == ("a",)
    for wrong in (
        [*header, "box___3"],
        [*header, "stranger"],
        ["id", "a", "box___1", "base_complete"],
        ["a", "box___1", "box____2", "base_complete"],
        [*header, "redcap_data_access_group"],
    ):
        with pytest.raises(Changed):
            asked.withheld(wrong)


def test_boxes_are_named_as_redcap_does():
    assert [box_of("f", code) for code in ("1", "-90", "A.b")] == ["f___1", "f____90", "f___a_b"]


@pytest.mark.parametrize(
    ("text", "pairs", "wrong"),
    [
        ("1, A | 2, B", {"1": "A", "2": "B"}, 0),
        ("1,A|2,B, or C <b>", {"1": "A", "2": "B, or C <b>"}, 0),
        ("1, A | 2, A", {"1": "A", "2": "A"}, 0),
        ("1, A | or B | 2, C |", {"1": "A", "2": "C"}, 2),
        ("1, A | 1, B", {"1": "A"}, 1),
        ("", {}, 1),
    ],
)
def test_choices(text, pairs, wrong):
    assert choices_of(text) == (pairs, wrong)


@pytest.mark.parametrize(
    ("kind", "validation", "good", "bad"),
    [
        ("text", "date_mdy", ["2024-02-29", "", "UNK"], ["2023-02-29", "29/02/2024", "soon"]),
        ("text", "datetime_dmy", ["2024-02-29 23:59"], ["2024-02-29", "2024-02-29 24:00"]),
        ("text", "datetime_seconds_ymd", ["2024-02-29 23:59:01"], ["2024-02-29 23:59"]),
        ("text", "time", ["00:00", "23:59"], ["55:02", "7:30pm"]),
        ("text", "integer", ["0", "-12"], ["1.5", "x"]),
        ("text", "number_2dp_comma_decimal", ["1.25", "1,25"], ["1.2.5", "<20"]),
        ("text", "email", ["a@b.org"], ["a@b"]),
        ("text", "postalcode_uk", ["anything"], []),
        ("text", "", ["anything"], []),
        ("notes", "", ["anything"], []),
        ("calc", "", ["2024-01-01", "1"], []),
        ("yesno", "", ["0", "1"], ["2", "yes"]),
        ("checkbox", "", ["0", "1"], ["x"]),
        ("slider", "number", ["50"], ["x"]),
    ],
)
def test_cells_that_are_not_what_is_declared(kind, validation, good, bad):
    cells = [*good, *bad]
    data = pa.table({"record_id": [str(n) for n in range(len(cells))], "f": pa.array(cells, pa.string())})
    field = {"field_type": kind, "text_validation_type_or_show_slider_number": validation}
    field["select_choices_or_calculations"] = ""
    (table, _), findings = parse_issues(data, ("record_id",), {"f": field}, ["UNK"])
    assert table["record_id"].to_pylist() == [str(n) for n in range(len(good), len(cells))]
    assert sum(finding.count for finding in findings) == len(bad)


def test_survey_timestamps_are_kept(world: World):
    world.project.surveys = ("base",)
    world.project.edit("p1", "base_timestamp", "[not completed]")
    world.words = {"survey_fields": True}
    delivery = world.deliver("base")
    assert "[not completed]" in delivery.data["base_timestamp"].to_pylist()
    assert "base_timestamp" in delivery.seen
    assert not any("survey" in name for name in delivery.data.column_names)
    world.words = {}
    assert "base_timestamp" not in world.deliver("base").data.column_names


def test_a_server_that_manages_few_cells(world: World):
    clean = in_order(world.deliver("base").data)
    world.server.faults.add("memory", size=40, times=None, content="record", when=lambda a: "fields[2]" in a)
    delivery = world.deliver("base")
    assert in_order(delivery.data).equals(clean)
    assert int(delivery.decisions["batches"]) > 8


def test_a_csv_that_nobody_can_read_comes_as_json(world: World):
    clean = in_order(world.deliver("lab").data)
    world.server.faults.add(
        "cut",
        size=30,
        times=None,
        when=lambda a: a["format"] == "csv" and "fields[2]" in a and "p2" in a.values(),
    )
    assert in_order(world.deliver("lab").data).equals(clean)


def test_keys_that_are_too_many_at_once_are_asked_for_in_parts(world: World):
    clean = in_order(world.deliver("lab").data)

    def all_keys(asked: Mapping[str, str]) -> bool:
        return "fields[1]" in asked and not {"fields[2]", "records[0]"} & asked.keys()

    world.server.faults.add("memory", size=1, times=None, content="record", when=all_keys)
    assert in_order(world.deliver("lab").data).equals(clean)


def test_a_server_that_is_too_slow_for_any_batch_is_given_up(monkeypatch):
    monkeypatch.setattr(redcap_batches, "QUICK", -1.0)
    asked = []

    def fetch(records: list[str]) -> list[str]:
        asked.append(len(records))
        raise Cut("no answer in time")

    with pytest.raises(Cut):
        batches(fetch, stop=threading.Event(), workers=1).all([str(number) for number in range(1000)])
    assert len(asked) == redcap_batches.PATIENT + 1
