"""Strict reading of a CSV answer of the REDCap API: whole to its last line, or not at all. All cells are text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.csv as pa_csv

from omics_orchestrator.sources.redcap_api import Answer
from omics_orchestrator.sources.redcap_refusals import Cut, Refused

BOM = b"\xef\xbb\xbf"
CUT = "the answer ends in the middle of a line or a cell; some of it was lost on the way"


def csv_table(what: str) -> Callable[[Answer], pa.Table]:
    """Return the reader of answers to `what` (for messages)."""

    def read(answer: Answer) -> pa.Table:
        table = read_csv(answer.body, what)
        pa.default_memory_pool().release_unused()  # what parsing took beside the table, before the next answer
        return table

    return read


def read_csv(body: bytes, what: str) -> pa.Table:
    """Return the answer as text columns; an empty answer has none.

    Raises:
        Cut: it is not whole: the last line is not ended, a quote is open, a line has more or fewer cells.
        Refused: two columns bear one name.
    """
    body = body.removeprefix(BOM)
    if not body or body.isspace():
        return pa.table({})
    if not body.endswith(b"\n") or body.count(b'"') % 2:
        raise Cut(f"{what}: {CUT}")
    body = _utf8(body)
    header = next(csv.reader(io.StringIO(body[: body.index(b"\n")].decode())))
    if len(set(header)) < len(header):
        raise Refused(f"{what}: two columns bear the same name")
    return _parsed(body, header, what)


def _parsed(body: bytes, header: list[str], what: str) -> pa.Table:
    try:
        table = pa_csv.read_csv(
            pa.py_buffer(body),
            read_options=pa_csv.ReadOptions(block_size=len(body) + 1, use_threads=False),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:  # its message would hold the line
        raise Cut(
            f"{what}: lines have more or fewer cells than there are columns; some of it was lost"
        ) from None
    if table.column_names != header:
        raise Cut(f"{what}: {CUT}")
    return table


def _utf8(body: bytes) -> bytes:
    """Return the bytes as UTF-8: half a surrogate pair and its like become '?'-like signs, as nobody can read them."""
    if body.isascii():
        return body
    ends = pa.array([0, len(body)], pa.int64()).buffers()[1]
    try:  # without a copy as text
        pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(body)]).validate(full=True)
    except pa.ArrowInvalid:
        return body.decode("utf-8", "replace").encode()
    return body
