"""Rows of a CSV that keep their text: spelled as they were, also where one cell beside them changes."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.steps.spreadsheet.records import changed, joined, read_records
from omics_orchestrator.steps.spreadsheet.sheets import CODES

HEAD = "code_list,code,label,terms\n"
cells = st.text(st.sampled_from('ab ,"\n\u2028=;é'), max_size=6)


@settings(deadline=None)
@given(st.lists(st.tuples(cells, cells), max_size=4), st.sampled_from(["\n", "\n\n", "\n,,,\n"]))
def test_what_is_read_is_written(rows, gap):
    text = HEAD + gap.join(f'sex,c{n},"{a}x", {b!r}' for n, (a, b) in enumerate(rows) if '"' not in a + b)
    found = read_records(text, CODES)
    assert joined(found.head, [row.text for row in found.rows.values()], found.newline) == text


@settings(deadline=None)
@given(cells.map(str.strip), cells.map(str.strip))
def test_one_cell_changes_and_the_others_keep_their_spelling(label, terms):
    text = f'{HEAD}"sex" , a,Old,  kept\n\nsex,b,B,\n'
    found = read_records(text, CODES)
    row = {**found.rows["sex", "a"].cells, "label": label}
    written = changed(found.rows["sex", "a"], row, "\n")
    assert written.startswith('"sex" , a,')
    assert written.endswith(",  kept\n\n") or label == "Old"
    again = read_records(HEAD + written, CODES)
    assert [one.cells for one in again.rows.values()] == [row]
    new = dict(zip(CODES.header, ("l", "c", label, terms), strict=True))
    assert [one.cells for one in read_records(HEAD + changed(None, new, "\n"), CODES).rows.values()] == [new]


def test_only_the_last_line_may_be_without_an_end():
    found = read_records(f"{HEAD}sex,a,A,\nsex,b,B,", CODES)
    first, second = (row.text for row in found.rows.values())
    assert joined(found.head, [first, second], "\n") == f"{HEAD}sex,a,A,\nsex,b,B,"
    assert joined(found.head, [second, first], "\n") == f"{HEAD}sex,b,B,\nsex,a,A,\n"
    assert [row.line for row in found.rows.values()] == [2, 3]


@pytest.mark.parametrize("text", ["", HEAD, HEAD.rstrip()])
def test_a_file_without_rows(text):
    found = read_records(text, CODES)
    assert found.rows == {}
    assert joined(found.head, [], found.newline) == text
    assert list(csv.reader([found.head])) == list(csv.reader([text]))
