"""What the pages tell of a variable in a study: status, share of rows, rule in words, who approved it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from omics_orchestrator.dictionary import Variable
from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.harmonise.status import ERROR
from omics_orchestrator.steps.catalogue.coarse import Coarse
from omics_orchestrator.steps.catalogue.distribution import Distribution
from omics_orchestrator.steps.catalogue.held import Held
from omics_orchestrator.steps.rule_text import readable
from omics_orchestrator.steps.rule_words import rule_in_words
from omics_orchestrator.steps.status import Status
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.caveats import Caveat, caveats_about
from omics_orchestrator.studies.suggestions import Suggestion, read_suggestions
from omics_orchestrator.verbs import Verb

DECLARED = "declared"
WORDS = {
    "complete": "every value that the source holds was read",
    "partial": "some values of the source were lost on the way; the reason says which",
    "impossible": "never asked or measured in this study",
    "undetermined": "nobody has settled it yet",
    "restricted": "exists, but is not given to us",
    DECLARED: "a rule is written; no data are here yet",
    ERROR: "the declaration of the study is broken",
}


@dataclass(frozen=True)
class Entry:
    """One variable in one study.

    Attributes:
        study: its name.
        title: its title.
        variable: the variable.
        status: a word of `WORDS`.
        why: the reason in words, counts made coarse.
        share: how many rows have a value, in words; empty = it was never counted.
        percent: the same for a bar; None = no bar.
        words: the rule in sentences; empty = there is none.
        rule: as one would write it in mapping.yaml.
        review: what became of suggestions, in words.
        distribution: how the values are spread; None = there are no data.
        caveats: known limitations of it.
    """

    study: str
    title: str
    variable: Variable
    status: str
    why: str = ""
    share: str = ""
    percent: int | None = None
    words: str = ""
    rule: str = ""
    review: tuple[str, ...] = ()
    distribution: Distribution | None = None
    caveats: tuple[Caveat, ...] = ()

    @property
    def told(self) -> bool:
        """Whether the study says anything of the variable."""
        return self.status != "undetermined" or bool(self.review or self.caveats)


@dataclass(frozen=True)
class Entries:
    """All variables in all studies."""

    workspace: Workspace
    held: Held
    coarse: Coarse
    distributions: Mapping[tuple[str, str], Distribution]
    """(study, variable) → how its values are spread."""

    def of_variable(self, variable: Variable) -> list[Entry]:
        """Return the entry of each study, in the order of their names."""
        row = self.held.matrix.cells.get((variable.entity, variable.name), {})
        return [
            self._entry(variable, study, row[study]) for study in self.held.matrix.studies if study in row
        ]

    def of_study(self, name: str) -> Iterator[Entry]:
        """Yield the entries of one study, in the dictionary's order; keys are none."""
        for variable in self.workspace.dictionary.variables:
            if (name, variable) in self._all:
                yield self._all[name, variable]

    def having(self, variable: Variable) -> list[str]:
        """Return the studies in which a rule makes the variable."""
        studies = self.workspace.catalogue.studies.items()
        return [name for name, study in studies if self._rule(study, variable)]

    @cached_property
    def _all(self) -> dict[tuple[str, str], Entry]:
        """(study, variable) → its entry."""
        variables = self.workspace.dictionary.variables
        return {
            (study, name): self._entry(variables[name], study, status)
            for (_, name), row in self.held.matrix.cells.items()
            for study, status in row.items()
        }

    def _entry(self, variable: Variable, name: str, status: Status) -> Entry:
        study = self.workspace.catalogue.studies.get(name)
        if study is None:
            return Entry(name, name, variable, ERROR, status.why)
        rule = self._rule(study, variable)
        word, why = status.status, status.why
        if rule and f"harmonised/{name}/{variable.entity}" not in self.held.tables:
            word, why = DECLARED, ""
        share, percent = self._share(status)
        return Entry(
            study=name,
            title=study.title,
            variable=variable,
            status=word,
            why=self.coarse.reason(why),
            share=share,
            percent=percent,
            words=self._words(study, variable, rule) if rule else "",
            rule=as_declared(rule) if rule else "",
            review=tuple(_reviewed(self._suggestions.get(name, {}).get(variable.name, ()), rule)),
            distribution=self.distributions.get((name, variable.name)),
            caveats=caveats_about(study, variable=variable.name) if study.caveats else (),
        )

    def _share(self, status: Status) -> tuple[str, int | None]:
        counts = status.counts or {}
        values, missing = counts.get("n_value"), counts.get("n_missing")
        if values is None or missing is None:
            return "", None
        share = self.coarse.share(values, values + missing)
        drawn = share.endswith("%") or share == "nearly all"
        return share, self.coarse.percent(values, values + missing) if drawn else None

    def _words(self, study: Study, variable: Variable, rule: Verb) -> str:
        delivered = self.held.columns(study.study)
        return rule_in_words(rule, variable, study.mapping, self.workspace.dictionary, delivered)

    @staticmethod
    def _rule(study: Study, variable: Variable) -> Verb | None:
        block = study.mapping.entities.get(variable.entity)
        return block.rules.get(variable.name) if block else None

    @cached_property
    def _suggestions(self) -> dict[str, dict[str, list[Suggestion]]]:
        """Study → variable → what was suggested for it; a list that cannot be read is for `omics check`."""
        found: dict[str, dict[str, list[Suggestion]]] = {}
        for name, study in self.workspace.catalogue.studies.items():
            try:
                listed = read_suggestions(study.folder, self.workspace.dictionary.variables)
            except DeclarationError:
                continue
            for one in listed:
                found.setdefault(name, {}).setdefault(one.variable, []).append(one)
        return found


def as_declared(rule: Verb) -> str:
    """Return a rule as one would write it in mapping.yaml."""
    return readable(rule.model_dump(mode="json", by_alias=True, exclude_unset=True))


def _reviewed(suggestions: list[Suggestion] | tuple[()], rule: Verb | None) -> Iterator[str]:
    """Yield `column: approved 2026-11-20`; what was rejected is of no use to readers."""
    used = {reference.rpartition(".")[2] for reference in rule.references()} if rule else set()
    for one in suggestions:
        day = f" on {one.on}" if one.on else ""
        column = one.column.rpartition(".")[2]
        if one.state == "approved":
            yield f"{column}: approved{day}"
        elif one.state == "proposed" and column not in used:
            yield f"{column}: proposed{day}, nobody has looked at it yet"
