"""How the demo server words cells and headers that are not asked for raw: labels, boxes, the decimal character."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from omics_orchestrator.demo.redcap_store import RedcapProject

STATUS = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
TWO = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}
ABOUT = {
    "redcap_event_name": "Event Name",
    "redcap_repeat_instrument": "Repeat Instrument",
    "redcap_repeat_instance": "Repeat Instance",
    "redcap_data_access_group": "Data Access Group",
    "redcap_survey_identifier": "Survey Identifier",
}
Wording = Callable[[str], str]


def worded(
    project: RedcapProject, asked: Mapping[str, str], header: Sequence[str], rows: list[list[str]]
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows as the request wants them worded; what is raw stays the same object."""
    told = list(header)
    if asked.get("rawOrLabelHeaders") == "label":
        titles = dict(_titles(project))
        told = [titles.get(name, name) for name in header]
    wordings = dict(_decimals(project, asked.get("decimalCharacter", "")))
    if asked.get("rawOrLabel") == "label":
        wordings |= dict(_labels(project, titled=asked.get("exportCheckboxLabel") == "true"))
    places = [(place, wordings[name]) for place, name in enumerate(header) if name in wordings]
    for row in rows if places else ():
        for place, wording in places:
            row[place] = wording(row[place])
    return told, rows


def _decimals(project: RedcapProject, character: str) -> Iterator[tuple[str, Wording]]:
    """Yield how numbers are written: fields of numbers only, for calculations always have a point."""
    for entry in project.metadata:
        if character and entry["text_validation_type_or_show_slider_number"].startswith("number"):
            yield entry["field_name"], _separated(character)


def _separated(character: str) -> Wording:
    return lambda cell: cell.replace(",", ".").replace(".", character)


def _labels(project: RedcapProject, *, titled: bool) -> Iterator[tuple[str, Wording]]:
    events = {str(one["unique_event_name"]): str(one["event_name"]) for one in project.events}
    yield "redcap_event_name", _replaced(events)
    yield "redcap_data_access_group", _replaced(project.dags)
    for form in project.forms:
        yield f"{form}_complete", _replaced(STATUS)
    for entry in project.metadata:
        kind, choices = entry["field_type"], choices_of(entry["select_choices_or_calculations"])
        if kind == "checkbox":
            for code, column in project.columns(entry):
                ticked = (
                    {"1": choices.get(code, code), "0": ""} if titled else {"1": "Checked", "0": "Unchecked"}
                )
                yield column, _replaced(ticked)
        elif kind in {"radio", "dropdown", *TWO}:
            yield entry["field_name"], _replaced(TWO.get(kind, choices))


def _replaced(labels: Mapping[str, str]) -> Wording:
    return lambda cell: labels.get(cell, cell)


def _titles(project: RedcapProject) -> Iterator[tuple[str, str]]:
    yield from ABOUT.items()
    for form in project.forms:
        yield f"{form}_complete", "Complete?"
    for entry in project.metadata:
        choices = choices_of(entry["select_choices_or_calculations"])
        for code, column in project.columns(entry):
            box = f" (choice={choices.get(code, code)})" if code else ""
            yield column, f"{entry['field_label']}{box}"


def choices_of(text: str) -> dict[str, str]:
    """Return code → label of a field's choices; only the first comma divides."""
    parts = (part.partition(",") for part in text.split("|"))
    return {code.strip(): label.strip() for code, _, label in parts if code.strip()}
