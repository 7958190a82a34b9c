"""What every kind of source shares: the `Source` declaration and the `Delivery` it gives.

A source reads the admitted columns of a stranger's table as text, unchanged; their meaning is not known here.
"""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from omics_orchestrator.declared import Declared
from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.findings import Finding
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.described import Described, of_header
from omics_orchestrator.storage.objects import Store, StoredObject, Stores

UNFINISHED = re.compile(
    r"~\$.*|\..*|.*\.(part|partial|filepart|crdownload|tmp|swp)", re.IGNORECASE | re.DOTALL
)
Location = Annotated[str, Field(pattern=r"^store(\+[A-Za-z0-9_]+)?://.*$")]


@dataclass(frozen=True)
class Window:
    """A span of time whose changes are read again, whatever the mark says.

    Attributes:
        begins: the first moment of it.
        ends: the first moment after it.
        records: what the source found to have changed in it; () = it is asked by time alone.
        count: how many records or rows those are.
    """

    begins: datetime
    ends: datetime
    records: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True)
class Held:
    """What earlier deliveries of a table left here.

    Attributes:
        mark: what the source itself wrote down with the last one (`Delivery.mark`).
        keys: the key columns of the rows that are held.
        windows: spans of time whose changes are read again beside what changed since the mark.
    """

    mark: Mapping[str, str]
    keys: pa.Table
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True)
class Attachment:
    """A file that a cell names: `key` and `field` say which cell, `read` fetches the bytes."""

    key: tuple[object, ...]
    field: str
    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Delivery:
    """One table as a source gave it.

    Attributes:
        data: the key columns and the admitted columns under their original names; only numbers in the key
            are not text.
        key: the columns of `data` that name a row: `row_number` (from 1) for files; for REDCap
            record, event and instances.
        seen: every column of the delivered table, in its order, admitted or not.
        findings: what is wrong or was mended.
        decisions: what was declared, detected or counted (encoding, separator, rows …), for the asset's page.
        replaced: None = `data` is the whole table. Else columns of the key and their values: of the rows held, those
            that bear them are replaced by `data` (vanished ones by nothing); all others stay as they are.
        mark: what the source wants to know again at the next delivery; no values of cells but a watermark.
        beside: side tables by name, each with the columns of its key; they replace what was there.
        attachments: files that cells name.
    """

    data: pa.Table
    key: tuple[str, ...]
    seen: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    decisions: Mapping[str, str] = field(default_factory=dict)
    replaced: pa.Table | None = None
    mark: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, tuple[pa.Table, tuple[str, ...]]] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


class Source(Declared):
    """A system that delivers tables."""

    kind: str

    @abstractmethod
    def tables(self) -> tuple[str, ...] | None:
        """Return the declared tables; () = one that bears the source's name; None = named by the reader."""

    @abstractmethod
    def locations(self) -> tuple[str, ...]:
        """Return where the bytes lie, as declared."""

    @abstractmethod
    def deliver(
        self,
        name: str,
        table: str,
        admitted: Collection[str] | None,
        stores: Stores,
        *,
        held: Held | None = None,
    ) -> Delivery:
        """Read one table.

        Args:
            name: the source's name in its study, for messages.
            table: one of `tables()`, or the source's name.
            admitted: names of columns, or patterns with `*`; None = all. Nothing else leaves this method.
            stores: the object stores of this machine, and its secrets.
            held: what is here from earlier deliveries of the same columns; None asks for the whole table. A source
                that cannot tell changes gives the whole table anyway.

        Raises:
            DeliveryError: it cannot be used; the message names columns and line numbers, never a value.
            NotConfigured: this machine does not have the store.
        """

    def described(self, name: str, stores: Stores) -> tuple[Described, ...]:
        """Return every column of every table with what is told of it: by default its name alone.

        Raises:
            DeliveryError: it cannot be read.
            NotConfigured: this machine lacks the store or a secret.
        """
        tables = self.tables() or (name,)
        seen = {table: self.deliver(name, table, (), stores).seen for table in tables}
        return tuple(column for table, names in seen.items() for column in of_header(table, names))

    def needs(self, settings: Settings) -> str | None:
        """Return the variable that this machine would have to set, beside those of stores; None = none is missing."""
        del settings
        return None

    def by_day(self) -> tuple[str, ...] | None:
        """Return the tables of which can be asked what changed within a window; None = all of them."""
        return ()

    def changed(self, name: str, table: str, window: Window, stores: Stores) -> Window:
        """Return the window with what changed in it of a table that `by_day` names.

        Raises:
            DeliveryError: it cannot be told.
            NotConfigured: this machine lacks a secret.
        """
        raise DeliveryError(f"{name}.{table}: a source of kind {self.kind} cannot be asked by day")

    def signature(self, stores: Stores) -> str:
        """Return a digest that changes when the files changed; costs a listing, reads no file."""
        digest = hashlib.sha256()
        for location in self.locations():
            for _, found in expand(location, stores, missing_ok=True):
                digest.update(f"{found.key}\0{found.size}\0{found.modified}\0{found.etag}\n".encode())
        return digest.hexdigest()


def is_unfinished(key: str) -> bool:
    """Tell whether a name is that of a lock of Excel or LibreOffice, of a hidden file or of one half written."""
    return UNFINISHED.fullmatch(key.rpartition("/")[2]) is not None


def expand(location: str, stores: Stores, *, missing_ok: bool = False) -> list[tuple[Store, StoredObject]]:
    """Return the objects at `location`, by key; of a folder or glob only what is no lock and not half written.

    Raises:
        DeliveryError: nothing is there (unless `missing_ok`).
    """
    found = [
        (store, entry)
        for store, entry in stores.walk(location)
        if location.endswith(entry.key) or not is_unfinished(entry.key)
    ]
    if not found and not missing_ok:
        raise DeliveryError(f"nothing lies at {location}", retry=True)
    return found


def admits(admitted: Collection[str] | None) -> Callable[[str], bool]:
    """Return the test whether a column may be read; `*` stands for any run of characters."""
    if admitted is None:
        return lambda _: True
    patterns = [name for name in admitted if "*" in name]
    if not patterns:
        return set(admitted).__contains__
    pattern = re.compile("|".join(".*".join(map(re.escape, name.split("*"))) for name in patterns), re.DOTALL)
    return lambda column: column in admitted or pattern.fullmatch(column) is not None


def without_nul(data: pa.Table) -> tuple[pa.Table, list[Finding]]:
    """Return the table without NUL characters (Postgres refuses them); findings count the cells."""
    findings = []
    for index, column in enumerate(data.schema):
        if column.type != pa.string() or not _may_hold_nul(data[index]):
            continue
        touched = pc.sum(pc.match_substring(data[index], "\0")).as_py() or 0
        if touched:
            data = data.set_column(index, column, pc.replace_substring(data[index], "\0", ""))
            findings.append(Finding("delivery", "NUL characters were removed", touched, subject=column.name))
    return data, findings


def _may_hold_nul(column: pa.ChunkedArray) -> bool:
    """Tell whether the bytes that a text column lies in, or those around them, hold a NUL: the cheaper question."""
    buffers = (chunk.buffers()[2] for chunk in column.chunks)
    return any(buffer and b"\0" in buffer.to_pybytes() for buffer in buffers)


def listed(numbers: Sequence[int], *, limit: int = 5) -> str:
    """Return the first numbers as text: `3, 8, 12 …`."""
    return ", ".join(map(str, numbers[:limit])) + (" …" if len(numbers) > limit else "")
