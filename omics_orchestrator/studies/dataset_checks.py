"""Whether the datasets of study.yaml fit the mapping and the dictionary: every name, every code, every date.

The models know their own fields only; here each mistake gets its line. What is only worth a note: `notes`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set
from collections.abc import Mapping as Dict

from omics_orchestrator.columns import LIMIT, SYSTEM
from omics_orchestrator.dictionary import KEYS, Dictionary, Variable
from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.dictionary.strict_yaml import Document, Place
from omics_orchestrator.studies.datasets import (
    Dataset,
    DatasetColumn,
    columns_of,
    entities_of,
    variables_of,
)
from omics_orchestrator.studies.dating import REFERENCE_DATE, dated_rules, reading_columns
from omics_orchestrator.studies.mapping import Mapping


def check_datasets(
    document: Document, datasets: Dict[str, Dataset], mapping: Mapping, dictionary: Dictionary
) -> None:
    """Note every mistake in the datasets of study.yaml."""
    for name, dataset in datasets.items():
        if "__" in name:  # the table of missing reasons is called <name>__missing
            document.complain(("datasets", name), f"{name!r} holds two underscores in a row", "use one")
        if dataset.entity not in mapping.entities:
            message = f"mapping.yaml has no rows for {dataset.entity}"
            document.complain(
                ("datasets", name, "entity"), message, suggest(dataset.entity, mapping.entities)
            )
            continue
        _DatasetCheck(document, name, dataset, mapping, dictionary).run()


class _DatasetCheck:
    """Follows the names of one dataset."""

    def __init__(
        self, document: Document, name: str, dataset: Dataset, mapping: Mapping, dictionary: Dictionary
    ) -> None:
        self.document = document
        self.place: Place = ("datasets", name)
        self.dataset = dataset
        self.mapping = mapping
        self.dictionary = dictionary
        self.keys = set(KEYS[dataset.entity])
        self.variables: dict[str, Variable] = {
            variable.name: variable
            for entity in entities_of(dataset, mapping)
            for variable in variables_of(mapping, dictionary, entity)
        }

    def run(self) -> None:
        """Note every mistake."""
        extra = {"sample_id"} if self.dataset.samples else set()
        self.known("rename", self.dataset.rename, {*self.keys, *extra})
        self.known("codes_as", self.dataset.codes_as)
        self.known("merged", self.dataset.merged)
        self.known("leave_out", self.dataset.leave_out, extra)
        if self.dataset.samples and "sample" not in self.mapping.entities:
            self.complain(("samples",), "mapping.yaml has no rows for sample", "leave samples: out")
        for name, codes in self.dataset.codes_as.items():
            if name in self.variables:
                self.codes(self.variables[name], codes)
        for name in self.dataset.merged:
            if name not in self.dataset.codes_as:
                self.complain(("merged",), f"{name!r} has no codes under codes_as", "leave it out here")
        self.names(columns_of(self.dataset, self.mapping, self.dictionary))
        if self.dataset.reference_date is not None:
            self.dated()

    def complain(self, place: Place, message: str, allowed: str = "") -> None:
        """Note one mistake at a place of this dataset."""
        self.document.complain((*self.place, *place), message, allowed)

    def known(self, word: str, names: Iterable[str], also: Set[str] = frozenset()) -> None:
        """Every name is a variable that the dataset shows (or a key, where that makes sense)."""
        listed = isinstance(names, tuple)
        for number, name in enumerate(names):
            at: Place = (word, number if listed else name)
            if name in self.keys - also:
                self.complain(at, f"{name!r} is the key of a row; it is always published as it is")
            elif name not in self.variables and name not in also:
                self.complain(
                    at, f"{name!r} is no variable of this dataset", suggest(name, {*self.variables, *also})
                )
            elif word != "leave_out" and name in self.dataset.leave_out:
                self.complain(at, f"{name!r} stands under leave_out too", "one of them is enough")

    def codes(self, variable: Variable, codes: Dict[str, str]) -> None:
        """Every code is one of the variable's, each has its old code, and no two share one unless that is said."""
        at: Place = ("codes_as", variable.name)
        own = self.dictionary.codes(variable.name)
        if not own:
            message = f"{variable.name!r} has no codes ({variable.type})"
            self.complain(at, message, "codes_as translates codes of a list, and yes and no")
            return
        unknown = [code for code in codes if code not in own]
        for code in unknown:
            self.complain((*at, code), f"{code!r} is no code of {variable.name}", suggest(code, own))
        lacking = [code for code in own if code not in codes]
        if lacking and not unknown:
            shown = ", ".join(lacking[:16]) + (" …" if len(lacking) > 16 else "")
            self.complain(at, f"it does not say how these codes are published: {shown}", "name each once")
        shared = sorted(old for old, number in Counter(codes.values()).items() if number > 1)
        if shared and variable.name not in self.dataset.merged:
            message = f"several codes are published as {', '.join(map(repr, shared))}"
            self.complain(at, message, f"if that is meant: merged: [{variable.name}]")

    def names(self, columns: tuple[DatasetColumn, ...]) -> None:
        """No two columns share a name (Postgres would, but spreadsheets do not tell `A` from `a`)."""
        seen: dict[str, DatasetColumn] = {}
        for column in columns:
            at: Place = ("rename", column.variable)
            first = seen.setdefault(column.name.lower(), column)
            if first is not column:
                message = (
                    f"the columns of {first.variable} and {column.variable} are both called {column.name!r}"
                )
                self.complain(at, message, "rename or leave out one of them")
            if len(column.name.encode()) > LIMIT or column.name in SYSTEM:
                self.complain(at, f"{column.name!r} cannot be the name of a column", f"at most {LIMIT} bytes")

    def dated(self) -> None:
        """A rule that waits for the date is computed from harmonised variables only."""
        for entity in entities_of(self.dataset, self.mapping):
            for name, column in reading_columns(self.mapping, entity):
                message = f"{entity}.{name} needs the date and reads the source column {column!r}"
                allowed = "make that column a variable, and name the variable in the rule"
                self.complain((REFERENCE_DATE,), message, allowed)


def notes(datasets: Dict[str, Dataset], mapping: Mapping) -> Iterator[str]:
    """Yield what is no mistake and yet worth knowing: rules that wait for a date which no dataset gives."""
    for entity in mapping.entities:
        dated = dated_rules(mapping, entity)
        shown = [one for one in datasets.values() if entity in entities_of(one, mapping)]
        if dated and not any(one.reference_date for one in shown):
            names = ", ".join(dated)
            yield f"{entity}: {names}: named by or needing {REFERENCE_DATE}, which no dataset gives; never computed"
