"""Random Arrow tables over every type that has a place in Postgres."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Literal

import pyarrow as pa
from hypothesis import strategies as st


def signed(bits: int) -> st.SearchStrategy:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def unsigned(bits: int) -> st.SearchStrategy:
    return st.integers(0, 2**bits - 1)


def floats(width: Literal[16, 32, 64]) -> st.SearchStrategy:
    return st.floats(width=width).map(lambda number: number + 0.0)  # Postgres: -0.0 = 0.0


def times(step: int) -> st.SearchStrategy:
    """Times of day, `step` in microseconds."""
    return st.times().map(lambda t: time(t.hour, t.minute, t.second, t.microsecond // step * step))


def moments(step: int, low: int = 1, high: int = 9999) -> st.SearchStrategy:
    """Moments between two years, `step` in microseconds."""
    between = st.datetimes(datetime.fromisoformat(f"{low:04}-01-01"), datetime.fromisoformat(f"{high}-12-30"))
    return between.map(lambda t: t.replace(microsecond=t.microsecond // step * step))


def aware(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return strategy.map(lambda t: t.replace(tzinfo=UTC))


text = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)
dates = st.dates(date(1, 1, 1), date(9999, 12, 31))
money = st.integers(-(10**10) + 1, 10**10 - 1).map(lambda n: Decimal(n) / 100)
CELLS = {
    pa.null(): st.none(),
    pa.bool_(): st.booleans(),
    **{type_: signed(type_.bit_width) for type_ in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{type_: unsigned(type_.bit_width) for type_ in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
    **{type_: floats(type_.bit_width) for type_ in (pa.float16(), pa.float32(), pa.float64())},
    **dict.fromkeys((pa.string(), pa.large_string()), text),
    **dict.fromkeys((pa.binary(), pa.large_binary()), st.binary(max_size=12)),
    **dict.fromkeys((pa.date32(), pa.date64()), dates),
    pa.time32("s"): times(10**6),
    pa.time32("ms"): times(1000),
    pa.time64("us"): times(1),
    pa.time64("ns"): times(1),
    pa.timestamp("s"): moments(10**6),
    pa.timestamp("ms"): moments(1000),
    pa.timestamp("us"): moments(1),
    pa.timestamp("ns"): moments(1, 1700, 2200),
    pa.timestamp("us", "UTC"): aware(moments(1)),
    pa.timestamp("ns", "Europe/London"): aware(moments(1, 1700, 2200)),
    pa.decimal128(12, 2): money,
    pa.dictionary(pa.int32(), pa.string()): text,
    pa.dictionary(pa.int8(), pa.int64()): signed(64),
    pa.list_(pa.string()): st.lists(st.none() | text, max_size=3),
    pa.large_list(pa.large_string()): st.lists(st.none() | text, max_size=3),
    pa.list_(pa.int32()): st.lists(st.none() | signed(32), max_size=3),
    pa.list_(pa.bool_()): st.lists(st.none() | st.booleans(), max_size=3),
    pa.list_(pa.float64()): st.lists(st.none() | floats(64), max_size=3),
    pa.list_(pa.date32()): st.lists(st.none() | dates, max_size=3),
}
NAMES = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=15
)
schemas = st.dictionaries(NAMES.filter(lambda name: name != "id"), st.sampled_from(list(CELLS)), max_size=6)


@st.composite
def tables(draw, columns: dict[str, pa.DataType], max_rows: int = 8) -> pa.Table:
    """A table with the key column `id` and these columns, its rows in any order and cut into chunks anywhere."""
    ids = draw(st.lists(text, unique=True, max_size=max_rows))
    arrays = {"id": pa.array(ids, pa.string())}
    for name, type_ in columns.items():
        cells = draw(st.lists(st.none() | CELLS[type_], min_size=len(ids), max_size=len(ids)))
        arrays[name] = pa.array(cells, type_)
    return chunked(pa.table(arrays), draw(st.integers(0, len(ids))))


def chunked(table: pa.Table, cut: int) -> pa.Table:
    return pa.concat_tables([table.slice(0, cut), table.slice(cut)])


def cells(table: pa.Table) -> str:
    """The cells as text: unlike `equals`, NaN is NaN."""
    return repr(table.to_pylist())
