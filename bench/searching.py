"""40 searches as researchers type them, the hits that they expect in searches.csv, against Postgres' own full text.

Recall@5: the share of the expected variables among the first five, mean over the searches. The peer searches the same
texts with the same weights (`tsvector`, words joined by OR, `ts_rank`); also with the words of our synonyms added.
`python -m bench.searching` also prints each search that misses something.
"""

from __future__ import annotations

import csv
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg2
import psycopg2.extensions

from bench.report import BenchRow, seconds, show
from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.synonyms import read_synonyms
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.steps.search import NAME, SearchIndex, index_of, search_index
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.database import Database
from omics_orchestrator.studies import load_studies

FOLDER = WORKING_COPY / "data_dictionary"
SEARCHES = Path(__file__).with_name("searches.csv")
FIRST = 5
GOAL = 0.8
REPEATS = 5
Search = Callable[[str], list[str]]
FILL = """
INSERT INTO {table} SELECT %s, %s,
  setweight(to_tsvector('english', %s), 'A') || setweight(to_tsvector('english', %s), 'B')
  || setweight(to_tsvector('english', %s), 'C') || setweight(to_tsvector('english', %s), 'D')
"""
ASK = """
SELECT name FROM {table}, (SELECT replace(plainto_tsquery('english', %s)::text, '&', '|')::tsquery AS asked) AS q
WHERE words @@ asked ORDER BY ts_rank('{{0.125, 0.25, 0.5, 1}}', words, asked) DESC, place
"""


def expected() -> dict[str, list[str]]:
    """Return search → the variables that it should find, at most five."""
    with SEARCHES.open(encoding="utf-8", newline="") as file:
        return {row["search"]: row["expected"].split(";") for row in csv.DictReader(file)}


def recall(search: Search) -> float:
    """Return the share of expected variables among the first five, mean over all searches."""
    return statistics.fmean(
        len({*search(text)[:FIRST]} & {*names}) / len(names) for text, names in expected().items()
    )


def latency(search: Search) -> float:
    """Return the median time of one search, in seconds."""
    laps = []
    for text in [*expected()] * REPEATS:
        started = time.perf_counter()
        search(text)
        laps.append(time.perf_counter() - started)
    return statistics.median(laps)


def ours(index: SearchIndex) -> Search:
    return lambda text: [variable.name for variable in index.find(text).variables]


@contextmanager
def postgres(dictionary: Dictionary, index: SearchIndex) -> Iterator[tuple[Search, Search]]:
    """Give the peer's search, without and with synonyms, on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="omics-bench-") as folder:
        database = Database.open(
            Settings.from_environment({**os.environ, "OMICS_HOME": folder, "OMICS_DATABASE_URL": ""})
        )
        connection = psycopg2.connect(database.url)
        try:
            with connection.cursor() as cursor:
                _fill(cursor, "plain", dictionary, {})
                _fill(cursor, "helped", dictionary, _synonyms(index))

                def search(table: str, text: str) -> list[str]:
                    cursor.execute(ASK.format(table=table), (text,))
                    return [name for (name,) in cursor.fetchall()]

                yield partial(search, "plain"), partial(search, "helped")
        finally:
            connection.close()


def _synonyms(index: SearchIndex) -> dict[str, str]:
    """Return variable → the words that count as much as its name."""
    return {
        entry.variable.name: " ".join(
            index.spoken[word] for word, weight in entry.weights.items() if weight == NAME
        )
        for entry in index.entries
    }


def _fill(
    cursor: psycopg2.extensions.cursor, table: str, dictionary: Dictionary, synonyms: dict[str, str]
) -> None:
    cursor.execute(f"CREATE TABLE {table} (place int, name text, words tsvector)")
    for place, variable in enumerate(dictionary.variables.values()):
        codes = dictionary.code_lists.get(variable.code_list, {})
        texts = (
            f"{variable.name.replace('_', ' ')} {synonyms.get(variable.name, '')}",
            variable.label,
            " ".join((*codes, *codes.values())),
            " ".join((variable.description, variable.domain, *variable.terms)),
        )
        cursor.execute(FILL.format(table=table), (place, variable.name, *texts))
    cursor.execute(f"CREATE INDEX ON {table} USING gin (words)")


def first_answer() -> None:
    """What a notebook waits for: declarations, index, search."""
    workspace = Workspace(Settings.from_environment())
    assert index_of(workspace).find("calprotectin").variables


def rows() -> list[BenchRow]:
    """Return recall@5 against its goal, Postgres and our own without synonyms; then times in milliseconds."""
    dictionary = load_dictionary(FOLDER)
    catalogue = load_studies(FOLDER, dictionary)
    index = search_index(dictionary, read_synonyms(FOLDER, Problems()), catalogue)
    bare = ours(search_index(dictionary, (), catalogue))
    first_answer()  # fills the cache of parsed studies
    with postgres(dictionary, index) as (plain, helped):
        share = recall(ours(index))
        peers = {
            "at least": GOAL,
            "Postgres full text": recall(plain),
            "Postgres full text with our synonyms": recall(helped),
            "ours without synonyms": recall(bare),
        }
        took, peer_took = latency(ours(index)), latency(plain)
    what = f"{len(expected())} searches in {len(dictionary.variables)} variables, recall@{FIRST}"
    times = {
        "one search, ms: at most": (took, 0.01, 1.0),
        "one search, ms: Postgres full text": (took, peer_took, 2.0),
        "declarations, index and one search, ms: at most": (seconds(first_answer), 1.0, 1.0),
    }
    return [
        *(BenchRow(f"{what}: {peer}", share, theirs, theirs / share, 1.0) for peer, theirs in peers.items()),
        *(
            BenchRow(name, mine * 1000, most * 1000, mine / most, goal)
            for name, (mine, most, goal) in times.items()
        ),
    ]


def show_misses() -> None:
    """Print what is expected and not among the first five."""
    search = ours(index_of(Workspace(Settings.from_environment())))
    for text, names in expected().items():
        first = search(text)[:FIRST]
        if missed := [name for name in names if name not in first]:
            print(f"{text}: {', '.join(missed)} not in {', '.join(first)}")


if __name__ == "__main__":
    show(rows())
    show_misses()
