"""A study that comes as a REDCap project: a data dictionary, with the records beside it or without, or the API.

What repeats is read from the project's declarations where there are some; a data dictionary alone does not tell it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from omics_orchestrator.errors import DeliveryError, OmicsError
from omics_orchestrator.findings import counted
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.described import Described
from omics_orchestrator.sources.redcap import Redcap
from omics_orchestrator.sources.redcap_described import of_metadata
from omics_orchestrator.sources.redcap_project import Project, read_project
from omics_orchestrator.steps.new_study.id_shape import pattern_of
from omics_orchestrator.steps.new_study.layout import SOURCE, Layout, guesses, join
from omics_orchestrator.steps.new_study.origin import Origin, named
from omics_orchestrator.steps.suggest.codebook import read_codebook
from omics_orchestrator.storage.objects import Stores

AUTONUMBERED = "[0-9]+"  # as REDCap numbers records by itself


def from_dictionary(study: str, file: Path, settings: Settings) -> Origin:
    """Return what a data dictionary says of a study, and the records where these lie in the same folder.

    Raises:
        DeliveryError: it is not there, cannot be read, or names no field.
    """
    columns = _columns(file)
    place = file.resolve().parent
    store = f"OMICS_STORE_{study.upper()}_URL"
    here = replace(settings, source_stores={**settings.source_stores, study: place.as_uri()})
    location, project, why = _records(f"store+{study}://", file, Stores(here))
    if project is None:
        notes = [
            f"no records beside the data dictionary: {why}"
            if why
            else "no records lie beside the data dictionary"
        ]
        told = "no id was seen: as REDCap numbers records by itself"
        origin = of_layout(Layout(columns), [], AUTONUMBERED, told, here, notes)
        return replace(
            origin, declared=_folder(study, location), set_up={store: "file:///the/folder/of/the/export"}
        )
    layout = Layout(
        columns, project.form_events, _repeating(project.form_events, project.repeating_forms), known=True
    )
    said = [f"records: {counted(len(project.records), 'row')}, {project.decisions.get('project', '')}"]
    ids = {cell for cell in project.record_id.to_pylist() if cell}
    origin = of_layout(layout, said, *_pattern(ids), here, [])
    return replace(origin, declared=_folder(study, location), set_up={store: place.as_uri()})


def from_server(study: str, url: str, token: str, settings: Settings) -> Origin:
    """Return what a project on a REDCap server says of a study; url and token are names of secrets.

    Raises:
        DeliveryError: the server refuses, or does not answer.
        NotConfigured: a secret is not set, or its name is none.
    """
    source = Redcap(url=named(url, "--url"), token=named(token, "--token"))
    declared, ids = source.outline(Stores(settings, hasty=True))
    events = None if declared.mapping is None else _grouped(declared.mapping, "form", "unique_event_name")
    repeats = _grouped(declared.repeats, "form_name", "event_name")
    columns = list(of_metadata(declared.metadata))
    layout = Layout(columns, events, _repeating(events, repeats), known=True)
    kind = "classic" if events is None else "longitudinal"
    said = [f"REDCap {declared.version}: {counted(len(ids), 'record')}, {kind}"]
    why = (
        f"the shape of the {counted(len(ids), 'record id')}"
        if ids
        else "no record yet: as REDCap numbers them"
    )
    origin = of_layout(layout, said, pattern_of(ids) or AUTONUMBERED, why, settings, [])
    line = f"{SOURCE}: {{kind: redcap, url: {{secret: {url}}}, token: {{secret: {token}}}}}"
    return replace(origin, declared=[line])


def of_layout(
    layout: Layout, said: Sequence[str], pattern: str, why: str, settings: Settings, notes: Sequence[str]
) -> Origin:
    """Return what a project says of a study; how it is declared is added by the caller."""
    found = guesses(layout)
    first = layout.columns[0]
    if not layout.known:
        notes = [*notes, "which instruments repeat or lie at several events, a data dictionary does not tell"]
    return Origin(
        SOURCE,
        (),
        [*said, *layout.said()],
        found,
        partial(join, layout, found),
        pattern,
        why,
        settings,
        columns=[one for one in layout.columns if one is not first],
        notes=notes,
        apart=[first.name] if first.identifier else [],
        form_status=True,
        unsure_joins=""
        if layout.known
        else "right as long as none of these repeats or lies at several events",
    )


def _pattern(ids: Collection[str]) -> tuple[str, str]:
    """Return the pattern of the record ids, and whence it comes."""
    if not ids:
        return AUTONUMBERED, "no record yet: as REDCap numbers them by itself"
    return pattern_of(ids), f"the shape of the {counted(len(ids), 'record id')}"


def _grouped(rows: Iterable[Mapping[str, object]], name: str, event: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(str(row.get(name) or ""), []).append(str(row.get(event) or ""))
    return found


def _repeating(
    form_events: Mapping[str, Collection[str]] | None, repeats: Mapping[str, Collection[str]]
) -> list[str]:
    """Return the forms that repeat themselves, or lie at an event that repeats as a whole (listed without a form)."""
    whole = set(repeats.get("", ()))
    at = [form for form, events in (form_events or {}).items() if whole & set(events)]
    return list(dict.fromkeys([*(form for form in repeats if form), *at]))


def _columns(file: Path) -> list[Described]:
    """Return the columns of a data dictionary: as downloaded, or as the API answers.

    Raises:
        DeliveryError: it cannot be read, or names no field.
    """
    if not file.is_file():
        raise DeliveryError(f"{file}: no file lies there")
    found = _of_json(file) if file.suffix.lower() == ".json" else list(read_codebook(file).values())
    if not found:
        raise DeliveryError(f"{file}: the data dictionary names no field")
    lacking = sum(not one.table for one in found)
    if lacking:
        raise DeliveryError(
            f"{file}: {counted(lacking, 'field')} of the data dictionary lie on no form (column Form Name): is it "
            "the codebook of a file? Then give the file by --file, and this as --codebook"
        )
    return found


def _of_json(file: Path) -> list[Described]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8-sig"))
        return list(of_metadata(rows))
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        raise DeliveryError(
            f"{file}: is no answer of REDCap's API to content=metadata, format=json"
        ) from None


def _records(location: str, file: Path, stores: Stores) -> tuple[str, Project | None, str]:
    """Return where the records lie, the project, and why it cannot be read."""
    others = sorted(
        one.name
        for one in file.resolve().parent.iterdir()
        if one.is_file() and one.suffix.lower() in {".csv", ".xml", ".json"} and one.name != file.name
    )
    if not others:
        return location, None, ""
    why = ""
    tries = [location, *(f"{location}{name}" for name in others if not name.endswith(".json"))]
    for place in tries[:6]:
        try:
            return place, read_project(place, "", stores), ""
        except OmicsError as error:
            why = why or str(error)
    return location, None, why


def _folder(study: str, location: str) -> list[str]:
    name = study.upper()
    return [
        f'{SOURCE}: {{kind: redcap_export, location: "{location}"}}',
        "# or from the server itself:",
        f"# {SOURCE}: {{kind: redcap, url: {{secret: {name}_REDCAP_URL}}, token: {{secret: {name}_REDCAP_TOKEN}}}}",
    ]
