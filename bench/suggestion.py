"""`omics dictionary suggest`, one study left out at a time: is the variable that a person chose among the first five?

Every column that a rule reads is asked for, once with its label, codes and unit (studies that have a REDCap
dictionary), once by its name alone (all studies); the mappings of the other studies are the synonyms. The peer is
plain likeness of names and labels (difflib), without synonyms. Shares of misses, not seconds, save in the last row.

`plain_words.csv` has labels in everyday words, whose letters are unlike the dictionary's. Where `OMICS_WORD_VECTORS`
names a file, all of it is printed with meanings compared too.
"""

from __future__ import annotations

import csv
import difflib
import json
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.report import BenchRow, seconds, show
from omics_orchestrator.demo import adult, child
from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.similarity import Similarity, spoken
from omics_orchestrator.dictionary.synonyms import read_synonyms
from omics_orchestrator.identifiers import speaks_of
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.sources.described import Described
from omics_orchestrator.sources.redcap_described import of_metadata
from omics_orchestrator.steps.suggest.codes import code_lists, list_of, recoding
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.fit import unit_in
from omics_orchestrator.steps.suggest.ranking import Ranking
from omics_orchestrator.steps.suggest.synonyms import Synonym, mapped_pairs, synonyms_of
from omics_orchestrator.steps.suggest.word_vectors import WordVectors
from omics_orchestrator.studies import Study, load_studies
from omics_orchestrator.verbs.recode import Recode

DATA = WORKING_COPY.parent / "shared" / "data" / "redcap"
PLAIN_WORDS = Path(__file__).parent / "plain_words.csv"
FIRST = 5  # a person reads so many
DEPTH = 40  # ranks that are looked for; what comes later counts as not found
GOAL = 0.05  # share of columns whose variable may be missing among the first five
MANY = 2_000  # columns of the row that is timed
REPEATS = 3


@dataclass(frozen=True)
class Case:
    """A column, and the variables that its study's mapping makes of it."""

    column: SourceColumn
    chosen: frozenset[str]


@dataclass(frozen=True)
class Ranks:
    """The place of the chosen variable for each column; None = not found."""

    places: tuple[int | None, ...]

    def within(self, number: int) -> float:
        """Return the share of columns whose variable is among the first `number`."""
        return statistics.fmean(place is not None and place <= number for place in self.places)

    @property
    def mean_reciprocal(self) -> float:
        """The mean of 1 / place."""
        return statistics.fmean(0.0 if place is None else 1 / place for place in self.places)

    def __str__(self) -> str:
        """Return the figures in one line."""
        figures = (
            f"top-1 {self.within(1):.3f}  top-5 {self.within(FIRST):.3f}  MRR {self.mean_reciprocal:.3f}"
        )
        return f"{len(self.places):4} columns  {figures}"


class Repository:
    """The dictionary, its studies, and what is known of their columns; `vectors`: meanings are compared too."""

    def __init__(self, vectors: WordVectors | None = None) -> None:
        self.vectors = vectors
        folder = WORKING_COPY / "data_dictionary"
        self.dictionary: Dictionary = load_dictionary(folder)
        self.terms = read_synonyms(folder, Problems())
        self.studies: Mapping[str, Study] = load_studies(folder, self.dictionary).studies

    @cached_property
    def described(self) -> dict[str, dict[str, Described]]:
        """Study → column → what its REDCap dictionary says; studies without one are not here."""
        found = {name: list(of_metadata(entries)) for name, entries in _metadata().items()}
        return {name: {one.name: one for one in columns} for name, columns in found.items()}

    @cached_property
    def synonyms(self) -> dict[str, list[Synonym]]:
        """Study → what it calls the variables."""
        return {
            name: synonyms_of(study, {one.name: one.label for one in self.described.get(name, {}).values()})
            for name, study in self.studies.items()
        }

    def cases(self, study: str, *, labels: bool) -> list[Case]:
        """Return the columns that a study's rules read, as far as they are columns of its dictionary."""
        chosen: dict[str, set[str]] = defaultdict(set)
        for column, variable in mapped_pairs(self.studies[study]):
            chosen[column].add(variable)
        known = self.described.get(study, {})
        if not labels:
            return [
                Case(SourceColumn(study, Described("", name)), frozenset(to)) for name, to in chosen.items()
            ]
        return [
            Case(self.asked(study, known[name]), frozenset(to))
            for name, to in chosen.items()
            if name in known
        ]

    def asked(self, study: str, about: Described) -> SourceColumn:
        """Return a column as the command asks for it."""
        unit = unit_in(f"{about.label} ({about.note})", self.dictionary.units)
        return SourceColumn(study, about, identifying=speaks_of(about.name, about.told), unit=unit)

    def without(self, study: str) -> Ranking:
        """Return the ranking that knows every study but one."""
        others = [one for name, synonyms in self.synonyms.items() if name != study for one in synonyms]
        return Ranking(self.dictionary, others, terms=self.terms, vectors=self.vectors)

    def plain(self, name: str) -> list[Case]:
        """Return the labels of one list of everyday words."""
        with PLAIN_WORDS.open(encoding="utf-8", newline="") as stream:
            return [
                Case(
                    SourceColumn("x", Described("", "", row["label"])),
                    frozenset(one.strip() for one in row["variables"].split(";")),
                )
                for row in csv.DictReader(stream)
                if row["list"] == name
            ]


def _metadata() -> dict[str, list[dict[str, str]]]:
    """Return study → its REDCap dictionary; the demo's studies are generated, so are their dictionaries."""
    found = {name: module.project([]).files()["metadata.json"] for name, module in MODULES.items()}
    folders = {name: DATA / f"{name}_synthetic" / "metadata.json" for name in ("gidamps", "music")}
    found |= {name: file.read_bytes() for name, file in folders.items() if file.is_file()}
    return {name: json.loads(text) for name, text in found.items()}


MODULES = {"demo_adult": adult, "demo_child": child}


def ours(repository: Repository, study: str, cases: Sequence[Case]) -> Ranks:
    """Return where the chosen variables stand in our ranking."""
    ranked = repository.without(study).of([case.column for case in cases], DEPTH)
    return Ranks(
        tuple(
            next((n for n, one in enumerate(found, start=1) if one.variable in case.chosen), None)
            for case, found in zip(cases, ranked, strict=True)
        )
    )


def peer(repository: Repository, cases: Sequence[Case]) -> Ranks:
    """Return where they stand by difflib's likeness of name and label with each variable's own."""
    own = {one.name: spoken(f"{one.name} {one.label}") for one in repository.dictionary.variables.values()}
    places: list[int | None] = []
    for case in cases:
        matcher = difflib.SequenceMatcher(autojunk=False)
        matcher.set_seq2(spoken(f"{case.column.about.name} {case.column.about.label}"))
        alike = {}
        for name, text in own.items():
            matcher.set_seq1(text)
            alike[name] = matcher.ratio()
        best = sorted(alike, key=lambda name: -alike[name])[:DEPTH]
        places.append(next((n for n, name in enumerate(best, start=1) if name in case.chosen), None))
    return Ranks(tuple(places))


def measured(repository: Repository, *, labels: bool) -> dict[str, tuple[Ranks, Ranks]]:
    """Return study → the places in our ranking and in the peer's; the last, `all`, is over all columns."""
    names = repository.described if labels else repository.studies
    found = {}
    for name in sorted(names):
        cases = repository.cases(name, labels=labels)
        found[name] = ours(repository, name, cases), peer(repository, cases)
    together = (
        Ranks(tuple(place for pair in found.values() for place in pair[side].places)) for side in (0, 1)
    )
    mine, theirs = together
    return {**found, "all": (mine, theirs)}


def codes_mapped(repository: Repository) -> tuple[int, int, int, int]:
    """Return how many labelled codes people mapped: all, proposed so, otherwise, the same as the label alone."""
    count = so = otherwise = same = 0
    lists = code_lists(repository.dictionary)
    for name, known in repository.described.items():
        for variable, rule in _rules(repository.studies[name]):
            about, listed = known.get(rule.columns[0]), list_of(repository.dictionary.variables[variable])
            if about is None or not listed:
                continue
            proposed = recoding(about.choices, lists[listed]).map
            for code, label in about.choices.items():
                chosen = rule.map.get(code)
                if chosen is None:
                    otherwise += code in proposed and code not in rule.missing
                    continue
                count, so = count + 1, so + (proposed.get(code) == chosen)
                otherwise += proposed.get(code, chosen) != chosen
                same += spoken(label) == lists[listed].said[chosen]
    return count, so, otherwise, same


def _rules(study: Study) -> Iterator[tuple[str, Recode]]:
    for block in study.mapping.entities.values():
        yield from ((name, rule) for name, rule in block.rules.items() if isinstance(rule, Recode))


def timed(repository: Repository) -> BenchRow:
    """Rank the variables for 2,000 columns with labels, against comparing the words alone."""
    known = [
        repository.asked("x", one) for columns in repository.described.values() for one in columns.values()
    ]
    columns = (known * (MANY // len(known) + 1))[:MANY]
    synonyms = [one for found in repository.synonyms.values() for one in found]
    texts = [f"{one.column} {one.label}" for one in synonyms]
    asked = [f"{one.about.name} {one.about.label}" for one in columns]

    def all_of_it() -> None:
        Ranking(repository.dictionary, synonyms, terms=repository.terms).of(columns, FIRST)

    all_of_it()  # loads the table of units
    took = statistics.median(seconds(all_of_it) for _ in range(REPEATS))
    words = statistics.median(seconds(lambda: Similarity(texts).to(asked)) for _ in range(REPEATS))
    return BenchRow(
        f"suggestion, {MANY:,} columns: all, against likeness of words", took, words, took / words, 20
    )


def show_meanings(repository: Repository) -> None:
    """Print the figures of everyday words, and with word vectors, if this machine has some, those of the studies."""
    file = Settings.from_environment().word_vectors
    with_vectors = [Repository(WordVectors(file))] if file else []
    for name in ("first", "second"):
        for one, what in zip((repository, *with_vectors), ("letters", "vectors"), strict=False):
            print(f"everyday words, {name} list, {what}: {ours(one, '', one.plain(name))}")
    for one in with_vectors:
        for labels in (True, False):
            print(
                f"{'labels' if labels else 'names only'}, vectors: {measured(one, labels=labels)['all'][0]}"
            )


def rows() -> list[BenchRow]:
    """Return the shares of misses among the first five, and what 2,000 columns take."""
    repository = Repository()
    show_meanings(repository)
    found = []
    for labels, what in ((True, "labels"), (False, "names only")):
        figures = measured(repository, labels=labels)
        for name, (mine, theirs) in figures.items():
            print(f"{what:10}  {name:14} {mine}    peer: {theirs}")
        mine, theirs = figures["all"]
        missed = 1 - mine.within(FIRST)
        if labels:
            name = "suggestion, labels: share not among the first five"
            found.append(BenchRow(name, missed, 1 - theirs.within(FIRST), missed, GOAL))
        else:
            name = "suggestion, names only: the same, against the peer's"
            found.append(
                BenchRow(name, missed, 1 - theirs.within(FIRST), missed / (1 - theirs.within(FIRST)), 1)
            )
    count, so, otherwise, same = codes_mapped(repository)
    print(f"recode maps: {count} codes, {so} proposed as a person mapped them, {otherwise} otherwise")
    name, missed = "suggestion, recode maps: share of codes not proposed so", 1 - so / count
    return [*found, BenchRow(name, missed, 1 - same / count, missed, GOAL), timed(repository)]


if __name__ == "__main__":
    show(rows())
