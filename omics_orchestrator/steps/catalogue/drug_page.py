"""What the pages of drugs tell: names, codes with their years, times with their sources, the variables, the studies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from omics_orchestrator.dictionary import ENTITIES, Variable
from omics_orchestrator.dictionary.atc import AtcCode
from omics_orchestrator.dictionary.drugs import Drug, DrugClass, Drugs
from omics_orchestrator.dictionary.told import variables_told
from omics_orchestrator.steps.catalogue.distribution import Distribution
from omics_orchestrator.steps.catalogue.entries import Entries, Entry
from omics_orchestrator.steps.catalogue.exposure import Exposures, evidence_of
from omics_orchestrator.steps.catalogue.frame import anchor, file_of

ADVANCED = {True: "yes", False: "no", None: "some of them"}
DRUGS = ("Drugs", "drugs.html")


@dataclass(frozen=True)
class DrugPages:
    """All that is known of drugs: what is declared, and how many took them in which study."""

    drugs: Drugs = field(default_factory=Drugs)
    exposures: Exposures = field(default_factory=dict)

    def links(self, variable: str) -> list[tuple[str, str]]:
        """Return the drugs or classes about which a variable tells, each with its place."""
        return [
            (one.name, drug_file(one.name) if isinstance(one, Drug) else class_place(one.name))
            for one in self.drugs.telling(variable)
        ]

    def overview(self, entries: Entries) -> dict[str, Any]:
        """Return what the page of all drugs is given: each class with what belongs to it."""
        variables = entries.workspace.dictionary.variables
        return {"classes": [self._class(one, entries, variables) for one in self.drugs.classes.values()]}

    def content(self, drug: Drug, entries: Entries) -> dict[str, Any]:
        """Return what the page of one drug is given."""
        variables = entries.workspace.dictionary.variables
        told = [variables[name] for name in variables_told(drug.variables, variables)]
        above = [self.drugs.classes[name] for name in self.drugs.groups(drug.drug_class)]
        return {
            "drug": drug,
            "groups": [(one.name, class_place(one.name)) for one in above],
            "advanced": ADVANCED[above[0].advanced],
            "codes": [(code.code, years(code)) for code in drug.atc],
            "by_entity": by_entity(told, variables_told(drug.variables, variables)),
            "of_class": [(one.name, names) for one in above if (names := _told(one, variables))],
            "evidence": [variables[name] for name in evidence_of(drug, variables)],
            "studies": list(self._studies(drug, told, entries)),
        }

    def _class(self, one: DrugClass, entries: Entries, variables: Mapping[str, Variable]) -> dict[str, Any]:
        drugs = self.drugs.of_class(one.name)
        return {
            "group": one,
            "place": anchor(one.name),
            "above": [(name, class_place(name)) for name in self.drugs.groups(one.name)[1:]],
            "below": [
                (name, class_place(name)) for name in self.drugs.classes if self._parent(name) == one.name
            ],
            "number": len(self.drugs.drugs.keys() & {*self.drugs.below(one.name)}),
            "drugs": [(drug, drug_file(drug.name), self._in_studies(drug, entries)) for drug in drugs],
            "variables": _told(one, variables),
        }

    def _parent(self, name: str) -> str:
        return self.drugs.classes[name].part_of

    @staticmethod
    def _in_studies(drug: Drug, entries: Entries) -> int:
        variables = entries.workspace.dictionary.variables
        told = [variables[name] for name in variables_told(drug.variables, variables)]
        return len({study for variable in told for study in entries.having(variable)})

    def _studies(
        self, drug: Drug, told: list[Variable], entries: Entries
    ) -> Iterator[tuple[str, str, Distribution | None, list[Entry]]]:
        """Yield name and title of each study with a rule for one of the variables, its counts, its entries."""
        found: dict[str, list[Entry]] = {}
        for variable in told:
            for entry in entries.of_variable(variable):
                if entry.rule:
                    found.setdefault(entry.study, []).append(entry)
        for study in sorted(found):
            yield study, found[study][0].title, self.exposures.get((study, drug.name)), found[study]


def drug_file(name: str) -> str:
    """Return the place of a drug's page."""
    return file_of("drug", name.lower().replace(" ", "_"))


def class_place(name: str) -> str:
    """Return where a class stands on the page of all drugs."""
    return f"{DRUGS[1]}#{anchor(name)}"


def years(code: AtcCode) -> str:
    """Return in which years of the index a code holds; empty = its years were not looked up."""
    first = f"from {code.first}" if code.first else ""
    last = f"until {code.last}" if code.last else ""
    return f"{first} {last}".strip()


def by_entity(
    told: list[Variable], codes: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, list[tuple[Variable, tuple[str, ...]]]]]:
    """Return entity → its variables, each with the codes that count; entities without any are left out."""
    grouped = [
        (entity, [(one, codes[one.name]) for one in told if one.entity == entity]) for entity in ENTITIES
    ]
    return [(entity, listed) for entity, listed in grouped if listed]


def _told(one: DrugClass, variables: Mapping[str, Variable]) -> list[Variable]:
    return [variables[name] for name in variables_told(one.variables, variables)]
