"""What of a table is read, all of it or what is new, and how that becomes a `Delivery`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
from sqlalchemy import Connection, func, select

from omics_orchestrator.errors import DeliveryError, UnknownKey
from omics_orchestrator.sources.base import Delivery, Held, Window, admits, without_nul
from omics_orchestrator.sources.sql_read import Relation, cell, check_keys, filled, read, standing
from omics_orchestrator.sources.sql_text import mark_of, mark_value

ROW_NUMBER = "row_number"
OVERLAP = timedelta(
    hours=26
)  # the zone of a database's times is not known; any two lie 26 hours apart at most
NO_TIME = "the watermark is no time, so it cannot be asked by day; read the table as a whole"
TAKEN = {"row_hash", "run_id"}  # names of columns that every raw table has


@dataclass(frozen=True)
class Pull:
    """One reading of a table.

    Attributes:
        connection: in one transaction that reads.
        relation: the table.
        names: columns that are read: key and admitted.
        key: columns that name a row; () = its place in the order of cells.
    """

    connection: Connection
    relation: Relation
    names: tuple[str, ...]
    key: tuple[str, ...]

    def whole(self) -> Delivery:
        """Return all rows."""
        return self._delivery(read(self.connection, self.relation, self.names))

    def changes(self, watermark: str, held: Held | None, every: timedelta) -> Delivery:
        """Return rows with the last watermark or a higher one, and those with none; else the whole table.

        All is read where nothing is held, the last whole reading is older than `every`, the highest watermark fell,
        the number of rows tells that some vanished or came late, or columns came, went or changed their type.
        """
        count, highest = standing(self.connection, self.relation, watermark)
        last = held.mark.get("watermark", "") if held else ""
        shape = hashlib.sha256(repr((self.relation.columns, self.relation.codes)).encode()).hexdigest()
        same = held is not None and held.mark.get("shape") == shape
        if held and same and last and highest is not None and not _due(held.mark, every):
            delivery = self._since(watermark, mark_value(last), highest, held, count)
            if delivery is not None:
                return replace(delivery, mark={**held.mark, "watermark": mark_of(highest)})
        mark = {"watermark": mark_of(highest), "shape": shape} if highest is not None else {}
        return replace(self.whole(), mark={**mark, "full": datetime.now(UTC).isoformat()} if mark else {})

    def _since(
        self, watermark: str, last: object, highest: object, held: Held, count: int
    ) -> Delivery | None:
        if type(highest) is not type(last) or highest < last:  # type: ignore[operator]
            return None
        try:
            last = min([last, *(begin_of(window, last) for window in held.windows)])  # type: ignore[type-var]
        except DeliveryError:
            return None  # a watermark that is no time: all is read
        delivery = self._delivery(read(self.connection, self.relation, self.names, watermark, last))
        keys = delivery.data.select(list(self.key))
        known = pa.concat_tables([keys, held.keys.select(list(self.key)).cast(keys.schema)])
        if known.group_by(list(self.key)).aggregate([]).num_rows != count:
            return None
        return replace(delivery, replaced=keys)

    def _delivery(self, data: pa.Table) -> Delivery:
        check_keys(data, self.key)
        data, nulls = filled(data)
        decisions = {"rows": str(data.num_rows), "NULL cells made blank": str(nulls)}
        data, findings = without_nul(data)
        key = self.key
        if not key:
            key = (ROW_NUMBER,)
            data = data.sort_by([(name, "ascending") for name in self.names]) if self.names else data
            data = data.add_column(0, ROW_NUMBER, pa.array(range(1, data.num_rows + 1), pa.int64()))
            decisions["key"] = (
                "row_number: the table has no primary key, its rows are numbered in order of their cells"
            )
        return Delivery(data, key, self.relation.columns, tuple(findings), decisions)


def begin_of(window: Window, like: object, *, end: bool = False) -> object:
    """Return the begin (or the end) of a window as a watermark of the same type, widened by the time zones there are.

    Raises:
        DeliveryError: the watermark is no time.
    """
    moment = window.ends + OVERLAP if end else window.begins - OVERLAP
    if isinstance(like, datetime):
        return moment if like.tzinfo else moment.astimezone(UTC).replace(tzinfo=None)
    if isinstance(like, date):
        return moment.astimezone(UTC).date()
    if isinstance(like, str):  # SQLite keeps times as ISO 8601, which sorts as text
        try:
            datetime.fromisoformat(like)
        except ValueError:
            raise DeliveryError(NO_TIME) from None
        return moment.astimezone(UTC).date().isoformat()
    raise DeliveryError(NO_TIME)


def rows_within(connection: Connection, relation: Relation, watermark: str, window: Window) -> int:
    """Return how many rows have a watermark within a window.

    Raises:
        DeliveryError: the watermark is no time.
    """
    _, highest = standing(connection, relation, watermark)
    if highest is None:
        return 0
    low, high = begin_of(window, highest), begin_of(window, highest, end=True)
    asked = select(func.count()).select_from(relation.rows)
    asked = asked.where(cell(watermark) >= low, cell(watermark) < high)
    return int(connection.execute(asked).scalar_one())


def _due(mark: Mapping[str, str], every: timedelta) -> bool:
    """Tell whether the last whole reading is too long ago."""
    return datetime.now(UTC) - datetime.fromisoformat(mark["full"]) >= every


def asked(
    relation: Relation, key: Sequence[str], watermark: str | None, admitted: Collection[str] | None
) -> tuple[str, ...]:
    """Return the columns to read: the key, then the admitted ones in the table's order.

    Raises:
        DeliveryError: one of them is not there, or bears a name that is taken.
    """
    known = relation.columns
    plain = [name for name in admitted or () if "*" not in name and name != ROW_NUMBER]
    needed = [*key, *([watermark] if watermark else []), *sorted(plain)]
    for name in needed:
        if name not in known:
            raise DeliveryError(
                f"{UnknownKey('column', name, known)}: if it was renamed, name the new one in the declarations"
            )
    if taken := TAKEN.intersection(key) or ({ROW_NUMBER}.intersection(known) if not key else set()):
        raise DeliveryError(
            f"column '{min(taken)}' bears a name that raw tables use: name the key in a query with AS"
        )
    admitted_ones = filter(admits(admitted), known)
    return (*key, *(name for name in admitted_ones if name not in key))
