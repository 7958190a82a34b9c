"""The records of one REDCap form: asked for in batches, and held against a second answer of keys only.

Which records are wanted is decided in redcap_changes.py; what becomes of the rows, in redcap_tables.py.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.base import admits
from omics_orchestrator.sources.redcap_api import RedcapApi
from omics_orchestrator.sources.redcap_batches import FIRST_CELLS, MOST_RECORDS, Batches
from omics_orchestrator.sources.redcap_csv_answer import csv_table
from omics_orchestrator.sources.redcap_edits import PLAIN
from omics_orchestrator.sources.redcap_refusals import Changed, Cut, Passing, Refused, TooBig
from omics_orchestrator.sources.redcap_standing import Declarations, Listed

PLACES = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
GROUP = "redcap_data_access_group"
SURVEY = "redcap_survey_identifier"
Keys = set[tuple[str, ...]]


@dataclass(frozen=True)
class Asked:
    """What is asked of a form.

    Attributes:
        form: the instrument.
        fields: asked for under their original names, the record id first, the form's status last.
        columns: field → columns that an answer must have of it.
        options: further words of the request.
        optional: columns that may come without being any field's.
        codes: columns of boxes for missing data codes → their field; they may come.
    """

    form: str
    fields: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    options: Mapping[str, Any]
    optional: frozenset[str]
    codes: Mapping[str, str] = field(default_factory=dict)

    @property
    def record_id(self) -> str:
        """The field of the record id."""
        return self.fields[0]

    @cached_property
    def width(self) -> int:
        """Columns of a row."""
        return sum(map(len, self.columns.values())) + len(PLACES)

    def withheld(self, header: Collection[str]) -> tuple[str, ...]:
        """Return the fields that an answer lacks altogether: the token's user has no right to them.

        Raises:
            Changed: columns that were not asked for, or some only of a field's.
        """
        known = (
            {name for names in self.columns.values() for name in names} | self.optional | self.codes.keys()
        )
        there = {name for name, columns in self.columns.items() if set(columns) <= set(header)}
        part = [n for n, columns in self.columns.items() if n not in there and set(columns) & set(header)]
        if set(header) - known or part or self.record_id not in there:
            raise Changed(
                f"the columns of {self.form} are not those that the project declares: was it changed? Run again"
            )
        return tuple(name for name in self.columns if name not in there)


def asked_of(declared: Declarations, form: str, admitted: Collection[str] | None, *, survey: bool) -> Asked:
    """Return what is asked of a form: the record id, the admitted fields and the form's status, nothing else."""
    admit = admits(admitted)
    columns: dict[str, tuple[str, ...]] = {declared.record_id: (declared.record_id,)}
    codes: dict[str, str] = {}
    for row in declared.metadata[1:]:
        name = row["field_name"]
        if row["form_name"] != form or row["field_type"] == "descriptive" or name.startswith("redcap_"):
            continue
        exported = declared.columns(row)
        if any(map(admit, exported)):
            columns[name] = exported
            if row["field_type"] == "checkbox":
                boxes = {box_of(name, code): name for code in declared.missing_codes}
                codes |= {box: name for box in boxes if box not in exported}
    status = f"{form}_complete"
    columns[status] = (status,)
    groups = declared.groups is not False and admit(GROUP)
    stamp = survey and admit(f"{form}_timestamp")
    options = {"exportBlankForGrayFormStatus": True, "decimalCharacter": "."}
    options |= {"exportDataAccessGroups": True} if groups else {}
    options |= {"exportSurveyFields": True} if stamp else {}
    optional = {*PLACES, *([GROUP] if groups else []), *([SURVEY, f"{form}_timestamp"] if stamp else [])}
    return Asked(form, tuple(columns), columns, options, frozenset(optional), codes)


def box_of(name: str, code: str) -> str:
    """Return the column of a checkbox field's code."""
    return f"{name}___{re.sub('[^a-z0-9_]', '_', code.lower())}"


class FormPull:
    """Asks for records of one form until what came is whole.

    Attributes:
        withheld: fields that the answers lacked.
        gone: records that were asked for and are no more.
    """

    def __init__(
        self, api: RedcapApi, asked: Asked, listed: Listed, *, workers: int, cells: float = FIRST_CELLS
    ) -> None:
        self.api, self.asked, self.listed = api, asked, listed
        self.header: list[str] | None = None
        self.withheld: tuple[str, ...] = ()
        self.gone: set[str] = set()
        self._lock = threading.Lock()
        self.where = f"REDCap at {api.host}, records of {asked.form}"
        self.batches = Batches(self._batch, self._cells, workers=workers, stop=api.stop, cells_at_once=cells)

    def whole(self, records: Sequence[str], *, everything: bool) -> pa.Table:
        """Return all rows of the records; of all there are, also those that came meanwhile, if `everything`.

        Raises:
            DeliveryError: rows are missing, asked for twice.
            Changed: columns came or went meanwhile.
        """
        table = self._pulled(records)
        listing = self._listing(None if everything else records)
        if self._agree(table, listing, records):
            return self._without(table, self.gone)
        listed = self.keys(listing)
        unlisted = set(records) - {key[0] for key in listed}
        listed |= self._listed(sorted(unlisted)) if unlisted else set()
        self.gone |= set(records) - {key[0] for key in listed}  # deleted or renamed meanwhile: told so twice
        lost = {key[0] for key in listed - self.keys(table)}
        if lost:
            table = self._once_more(self._without(table, lost), sorted(lost))
        return self._without(table, self.gone)

    def since(self, moment: str) -> set[str]:
        """Return the records that changed since then, in the server's own time."""
        return {key[0] for key in self.keys(self._keys(dateRangeBegin=moment))}

    def keys(self, table: pa.Table) -> Keys:
        """Return record, event, repeating form and instance of each row."""
        return set(zip(*(column.to_pylist() for column in self._places(table).columns), strict=True))

    def _places(self, table: pa.Table) -> pa.Table:
        """Return the key columns, blank ones for those that did not come."""
        blank = pa.array([""], pa.string()).take(pa.array([0] * table.num_rows, pa.int8()))
        present = set(table.column_names)
        names = (self.asked.record_id, *PLACES)
        return pa.table({name: table[name] if name in present else blank for name in names})

    def _agree(self, table: pa.Table, listing: pa.Table, records: Sequence[str]) -> bool:
        """Tell whether rows came as listed, in the same order, and some of every record: the cheaper question."""
        came = self._places(table)
        seen = pc.is_in(pa.array(records, pa.string()), value_set=came[self.asked.record_id])
        return came.equals(listing) and bool(pc.all(seen).as_py())

    def _pulled(self, records: Sequence[str]) -> pa.Table:
        return self.together(self.batches.all(records))

    def together(self, tables: Sequence[pa.Table]) -> pa.Table:
        """Return tables of rows as one; an empty one may lack columns."""
        filled = [table for table in tables if table.num_rows]
        if filled:
            return pa.concat_tables(filled)
        columns = [name for names in self.asked.columns.values() for name in names]
        return pa.table({name: pa.array([], pa.string()) for name in self.header or columns})

    def _once_more(self, table: pa.Table, lost: list[str]) -> pa.Table:
        again = self._pulled(lost)
        missing = self._listed(lost) - self.keys(again)
        if missing:
            message = (
                f"{self.where}: the server left out {len(missing)} rows that it lists, twice; tell its admins"
            )
            raise DeliveryError(message, retry=True)
        return self.together([table, again])

    def _listed(self, records: Sequence[str] | None) -> Keys:
        """Return the keys of some records, of all if None."""
        return self.keys(self._listing(records))

    def _listing(self, records: Sequence[str] | None) -> pa.Table:
        """Return the key columns of some records, of all if None."""
        if records is None:
            try:
                return self._places(self._keys(divisible=True))
            except (TooBig, Cut):
                records = list(self.listed.rows)
        parts = [records[begin : begin + MOST_RECORDS] for begin in range(0, len(records), MOST_RECORDS)]
        return self.together([self._places(self._keys(records=list(part))) for part in parts])

    def _keys(self, **words: Any) -> pa.Table:
        fields = [self.asked.record_id, self.asked.fields[-1]]
        options = {"exportBlankForGrayFormStatus": True, **PLAIN, **words}
        table = self.api.ask("record", csv_table(self.where), fields=fields, **options)
        if table.num_columns and self.asked.record_id not in table.column_names:
            raise Changed(f"{self.where}: the answer lacks the record id; run again")
        return table

    def _batch(self, records: list[str]) -> pa.Table:
        words = {**PLAIN, **self.asked.options, "fields": list(self.asked.fields), "records": records}
        try:
            table = self._rows(words, divisible=len(records) > 1)
        except Refused as error:
            if error.status == 400 and "field" in error.said.lower():
                raise Changed(f"{self.where}: a field is no more; run again") from None
            raise
        if not table.num_columns:
            return table
        with self._lock:
            if table.column_names != self.header:
                withheld = self.asked.withheld(table.column_names)
                if self.header:
                    raise Changed(f"{self.where}: columns came or went while it was read; run again")
                self.header, self.withheld = table.column_names, withheld
        asked_for = pc.is_in(table[self.asked.record_id], value_set=pa.array(records, pa.string()))
        if not pc.all(asked_for, min_count=0).as_py():
            raise Passing(
                f"{self.where}: the server answered with records that were not asked for; run again"
            )
        return table

    def _rows(self, words: dict[str, Any], *, divisible: bool) -> pa.Table:
        """Return rows, as JSON where the CSV of a single record cannot be read (a quote that PHP did not double)."""
        try:
            return self.api.ask("record", csv_table(self.where), divisible=divisible, **words)
        except Cut:
            if divisible:
                raise
        rows, _ = self.api.rows("record", **words)
        names = list(rows[0]) if rows else []
        return pa.table({name: pa.array([str(row[name]) for row in rows], pa.string()) for name in names})

    def _without(self, table: pa.Table, records: Collection[str]) -> pa.Table:
        if not records or not table.num_columns:
            return table
        return table.filter(
            pc.invert(pc.is_in(table[self.asked.record_id], value_set=pa.array(sorted(records))))
        )

    def _cells(self, record: str) -> int:
        return self.asked.width * self.listed.rows.get(record, 1)
