"""From a REDCap project's flat rows to one table per instrument with one key in every project structure.

What repeats is read from the project's declarations, never guessed from the data. Whence the project comes (a folder,
the API) is not known here.
"""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.errors import DeliveryError, UnknownKey
from omics_orchestrator.findings import Finding
from omics_orchestrator.sources.base import Delivery, admits, without_nul
from omics_orchestrator.sources.redcap_project import Project

KEY = ("record_id", "event_name", "event_instance", "form_instance")
OPENED = ("1", "2")  # form status unverified, complete; 0 is also what a form shows that nobody ever opened


def form_table(project: Project, form: str, admitted: Collection[str] | None, source: str) -> Delivery:
    """Return one instrument.

    Its key is `KEY`: event_name is '' in a classic project, an instance is 0 where nothing repeats.
    A row is kept when its form was opened or an admitted field has content (an unticked box is none).

    Args:
        project: the project.
        form: the instrument.
        admitted: names of columns, or patterns with `*`; None = all.
        source: the source's name, for messages.

    Raises:
        DeliveryError: no such instrument, a key twice.
    """
    if form not in project.forms:
        raise DeliveryError(f"{source}: {UnknownKey('instrument', form, project.forms)}")
    seen = project.columns(form)
    columns = [column for column in filter(admits(admitted), seen) if column not in KEY]
    belongs, key = _belongs(project, form), _key(project, form)
    content = _content(project, form, columns)
    strays = pc.sum(pc.and_(pc.invert(belongs), content)).as_py() or 0
    keep = pc.or_(content, pc.and_(belongs, _opened(project, form)))
    data = pa.table([*key.columns, *(project.records[c] for c in columns)], _schema(key, project, columns))
    data, findings = without_nul(data if pc.all(keep).as_py() else data.filter(keep))
    _must_be_unique(data, f"{source}.{form}")
    if strays:
        message = f"rows of {form} lie where the project declares no such form or repeat"
        findings.append(Finding("delivery", message, strays, subject=form))
    if taken := [column for column in seen if column in KEY]:
        message = f"fields that bear the name of a key column stay out: {', '.join(taken)}"
        findings.append(Finding("drift", message, len(taken), "note", form))
    empty = (pc.sum(belongs).as_py() or 0) + strays - data.num_rows
    if empty:
        findings.append(Finding("delivery", "rows without any content were left out", empty, "note", form))
    return Delivery(
        data,
        KEY,
        (*seen, *project.strays),
        tuple(findings),
        project.decisions | {"rows": str(data.num_rows)},
    )


def _belongs(project: Project, form: str) -> pa.ChunkedArray:
    """Tell for each row of the export whether the declarations place the form there."""
    repeating = pc.is_in(
        project.event, value_set=pa.array(project.repeating_forms.get(form, ()), pa.string())
    )
    mapped = True
    if project.form_events is not None:
        events = pa.array(project.form_events.get(form, ()), pa.string())
        mapped = pc.is_in(project.event, value_set=events)
    of_form = pc.equal(project.repeat_instrument, form)
    of_event = pc.equal(project.repeat_instrument, "")
    return pc.and_(pc.if_else(repeating, of_form, of_event), mapped)


def _key(project: Project, form: str) -> pa.Table:
    """Return the four key columns for every row of the export."""
    of_form = pc.equal(project.repeat_instrument, form)
    return pa.table(
        {
            "record_id": project.record_id,
            "event_name": project.event,
            "event_instance": pc.if_else(of_form, 0, project.repeat_instance),
            "form_instance": pc.if_else(of_form, project.repeat_instance, 0),
        }
    )


def _schema(key: pa.Table, project: Project, columns: Collection[str]) -> pa.Schema:
    """Return the schema of a delivery; a field's metadata tell its REDCap type, choices and label."""
    known = project.field_of
    about = {column: known[column].about() for column in columns if column in known}
    return pa.schema([*key.schema, *(pa.field(c, pa.string(), metadata=about.get(c)) for c in columns)])


def _opened(project: Project, form: str) -> pa.ChunkedArray:
    status = f"{form}_complete"
    if status not in project.records.column_names:
        return pa.chunked_array([pa.array([False] * project.records.num_rows, pa.bool_())])
    return pc.is_in(project.records[status], value_set=pa.array(OPENED))


def _content(project: Project, form: str, columns: Collection[str]) -> pa.ChunkedArray:
    """Tell for each row whether an admitted field has content (calculation, status, unticked box: none)."""
    content = pa.chunked_array([pa.array([False] * project.records.num_rows, pa.bool_())])
    for column in columns:
        field = project.field_of.get(column)
        kind = field.kind if field else ""
        if kind == "calc" or column == f"{form}_complete":
            continue
        cells = project.records[column]
        filled = pc.not_equal(cells, "")
        content = pc.or_(content, pc.and_(filled, pc.not_equal(cells, "0")) if kind == "checkbox" else filled)
        if pc.all(content).as_py():
            break  # no other column can change it
    return content


def _must_be_unique(data: pa.Table, where: str) -> None:
    if pc.count_distinct(data["record_id"]).as_py() == data.num_rows:
        return  # the cheaper question
    repeated = data.num_rows - data.select(KEY).group_by(list(KEY)).aggregate([]).num_rows
    if repeated:
        raise DeliveryError(f"{where}: {repeated} rows repeat the key of another ({', '.join(KEY)})")
