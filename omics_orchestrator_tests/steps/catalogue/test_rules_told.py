"""Rules on the pages of variables and drugs: in words, the declaration folded below; what was read names the table."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa

from omics_orchestrator.steps.catalogue.entries import Entries
from omics_orchestrator.steps.catalogue.held import Held
from omics_orchestrator.steps.catalogue.pages import Site
from omics_orchestrator.storage.tables import TableState

DAY = datetime(2025, 3, 1, tzinfo=UTC)


def raw(*columns: str) -> TableState:
    return TableState("s", "t", "", 1, pa.schema([(name, pa.string()) for name in columns]), (), "", DAY)


def page(entries: Entries, place: str) -> str:
    (found,) = [one for one in Site(entries).pages() if one.place == place]
    return found.html().decode()


def test_the_words_stand_above_the_folded_declaration(entries: Entries) -> None:
    shown = page(entries, "variable/crp.html")
    words = "Values such as &lt;5 are kept as limits."
    found = re.search(
        r'<p class="told">The number in column <code>crp</code> of <code>sampling</code>.*?</details>',
        shown,
        re.DOTALL,
    )
    assert found is not None
    assert words in found[0]
    assert found[0].index(words) < found[0].index("<details") < found[0].index("{number: crp, unit: mg/L")
    assert "<details open" not in found[0]


def test_what_was_read_names_the_table(entries: Entries) -> None:
    variable = entries.workspace.dictionary.variables["sex"]
    before = next(one for one in entries.of_variable(variable) if one.study == "demo_adult")
    assert before.words.startswith("Column `sex` of `enrolment` or `diagnosis`, translated: ")
    tables = {
        **entries.held.tables,
        "raw/demo_adult/redcap/enrolment": raw("record_id", "sex"),
        "raw/demo_adult/redcap/diagnosis": raw("record_id", "sex"),
        "warehouse/visit": raw("sex"),
    }
    known = replace(entries, held=replace(entries.held, tables=tables))
    after = next(one for one in known.of_variable(variable) if one.study == "demo_adult")
    assert after.words.startswith("Column `sex` of `enrolment`, translated: ")


def test_a_source_of_one_table_is_known_by_its_own_name(entries: Entries) -> None:
    held = Held(
        entries.held.matrix,
        tables={"raw/prism/clinical/clinical": raw("Subject"), "harmonised/prism/visit": raw()},
    )
    assert held.columns("prism") == {"clinical": {"Subject"}, "clinical.clinical": {"Subject"}}
    assert held.columns("hmp2") == {}
