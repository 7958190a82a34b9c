"""Which pages the site has and what each is given; how it looks is the matter of templates/."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from omics_orchestrator.dictionary import Variable
from omics_orchestrator.findings import counted
from omics_orchestrator.steps.catalogue.changelog import changelog
from omics_orchestrator.steps.catalogue.drug_page import DRUGS, DrugPages, class_place, drug_file
from omics_orchestrator.steps.catalogue.entries import WORDS, Entries
from omics_orchestrator.steps.catalogue.frame import Page, anchor, file_of
from omics_orchestrator.steps.catalogue.study_page import study_content
from omics_orchestrator.steps.unit_print import in_print
from omics_orchestrator.studies import Study

TYPES = {
    "text": "free text",
    "integer": "whole number",
    "decimal": "number",
    "boolean": "yes or no",
    "code": "one code of a list",
    "set": "any number of codes of a list",
    "date": "date",
    "partial_date": "date, sometimes only the month or year",
    "censored": "number, sometimes only below or above a limit (<5)",
    "file": "file",
}
SENSITIVITIES = {
    "open": "open",
    "personal": "personal: could help to recognise a person",
    "identifying": "identifying",
    "restricted": "restricted",
}
UNREACHED = "The database did not answer when they were written"
EMPTY = "Nothing has been harmonised here yet"
VARIABLES, STUDIES = ("Variables", "variables.html"), ("Studies", "studies.html")


@dataclass(frozen=True)
class Site:
    """All pages of one installation."""

    entries: Entries
    drugs: DrugPages = field(default_factory=DrugPages)

    def pages(self) -> Iterator[Page]:
        """Yield every page."""
        shared = self._shared()
        yield Page("index.html", "Data catalogue", "start.html", self._start() | shared)
        yield Page("variables.html", "Variables", "variables.html", self._start() | shared)
        yield Page("studies.html", "Studies", "studies.html", self._start() | shared)
        yield Page("changes.html", "Changes", "changes.html", self._changes() | shared)
        for variable in self.entries.workspace.dictionary.variables.values():
            yield self._variable(variable, shared)
        catalogue = self.entries.workspace.catalogue
        for name in sorted([*catalogue.studies, *catalogue.broken]):
            title = catalogue.studies[name].title if name in catalogue.studies else name
            content = study_content(self.entries, name) | shared
            yield Page(file_of("study", name), title, "study.html", content, (STUDIES,))
        yield Page(DRUGS[1], DRUGS[0], "drugs.html", self.drugs.overview(self.entries) | shared)
        for drug in self.drugs.drugs.drugs.values():
            content = self.drugs.content(drug, self.entries) | shared
            yield Page(drug_file(drug.name), drug.name.capitalize(), "drug.html", content, (DRUGS,))

    def shown(self) -> dict[str, dict[str, str]]:
        """Return variable → what a search result tells of it; `search.js` finds names alone."""
        return {
            one.name: {
                "label": one.label,
                "told": " · ".join(
                    (
                        one.domain,
                        unit_of(one) or TYPES[one.type],
                        counted(len(self.entries.having(one)), "study", "studies"),
                    )
                ),
                "page": file_of("variable", one.name),
            }
            for one in self.entries.workspace.dictionary.variables.values()
        }

    def shown_studies(self) -> dict[str, dict[str, str]]:
        """Return study → what a search result tells of it."""
        return {
            name: {
                "label": study.title,
                "told": f"study · {counted(_mapped(study), 'variable')} · {counted(len(study.assays), 'assay')}",
                "page": file_of("study", name),
            }
            for name, study in self.entries.workspace.catalogue.studies.items()
        }

    def _shared(self) -> dict[str, Any]:
        held = self.entries.held
        without = UNREACHED if held.unreached else EMPTY if held.empty else ""
        notice = f"{without}: these pages tell what is declared, not what is held." if without else ""
        version = self.entries.workspace.dictionary.digest_of_all[:12]
        return {"notice": notice, "least": self.entries.coarse.least, "version": version, "words": WORDS}

    def _start(self) -> dict[str, Any]:
        dictionary, catalogue = self.entries.workspace.dictionary, self.entries.workspace.catalogue
        domains: dict[str, list[dict[str, Any]]] = {}
        for one in dictionary.variables.values():
            row = {"variable": one, "unit": unit_of(one), "studies": len(self.entries.having(one))}
            domains.setdefault(one.domain, []).append(row)
        studies = [
            {"name": name, "title": study.title, "description": study.description, "broken": False}
            | {"variables": _mapped(study)}
            | {"assays": len(study.assays)}
            for name, study in catalogue.studies.items()
        ]
        studies += [{"name": name, "title": name, "broken": True} for name in catalogue.broken]
        drugs = self.drugs.drugs
        classes = [
            (name, class_place(name), number)
            for name in drugs.classes
            if (number := len(drugs.of_class(name)))
        ]
        return {
            "domains": domains,
            "studies": sorted(studies, key=lambda one: one["name"]),
            "types": TYPES,
            "drug_classes": classes,
        }

    def _changes(self) -> dict[str, Any]:
        workspace = self.entries.workspace
        labels = {one.name: one.label for one in workspace.dictionary.variables.values()}
        drugs = {name: drug_file(name) for name in self.drugs.drugs.drugs}
        log = changelog(workspace.settings.dictionary)
        return {"log": log, "known": labels.keys(), "labels": labels, "drugs_known": drugs}

    def _variable(self, variable: Variable, shared: dict[str, Any]) -> Page:
        dictionary = self.entries.workspace.dictionary
        entries = self.entries.of_variable(variable)
        content = {
            "variable": variable,
            "facts": list(_facts(variable)),
            "codes": dictionary.code_lists.get(variable.code_list, {}),
            "drugs": self.drugs.links(variable.name),
            "entries": [entry for entry in entries if entry.told],
            "silent": [entry for entry in entries if not entry.told],
        }
        place = file_of("variable", variable.name)
        chapter = (variable.domain, f"variables.html#{anchor(variable.domain)}")
        title = variable.label or variable.name
        return Page(place, title, "variable.html", content | shared, (VARIABLES, chapter))


def _mapped(study: Study) -> int:
    """Return how many variables a study makes."""
    return sum(len(block.rules) for block in study.mapping.entities.values())


def unit_of(variable: Variable) -> str:
    """Return the unit as people write it: `µg/g`, `10⁹/L`, `kg/m²`."""
    return in_print(variable.unit)


def _facts(variable: Variable) -> Iterator[tuple[str, str]]:
    """Yield what the dictionary says of a variable, name and text."""
    yield "Type", TYPES[variable.type]
    if variable.unit:
        yield "Unit", unit_of(variable)
    if variable.min is not None or variable.max is not None:
        yield "Plausible", _bounds(variable)
    yield "One value per", variable.entity
    yield "Domain", variable.domain
    if variable.terms:
        yield "Terminology", "; ".join(variable.terms)
    yield "Sensitivity", SENSITIVITIES[variable.sensitivity]


def _bounds(variable: Variable) -> str:
    """Return `0 to 50,000 µg/g`; a bound that is not declared is left out."""
    low, high = ("" if bound is None else f"{bound:,.10g}" for bound in (variable.min, variable.max))
    span = f"{low} to {high}" if low and high else f"{low} or more" if low else f"{high} or less"
    return f"{span} {unit_of(variable)}".strip()
