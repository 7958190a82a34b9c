"""Whether caveats name what there is: variables that the study has, its entities, datasets and assays.

The models know their own fields only; here each mistake gets its line. What caveats are: caveats.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from omics_orchestrator.dictionary import ENTITIES, Dictionary
from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.dictionary.strict_yaml import Document, Place
from omics_orchestrator.sources.base import admits
from omics_orchestrator.studies.caveats import About, Caveat
from omics_orchestrator.studies.mapping import Mapping

CAVEATS = "caveats"


def check_caveats(
    document: Document,
    caveats: dict[int, Caveat],
    mapping: Mapping | None,
    dictionary: Dictionary,
) -> None:
    """Note every name that is none.

    Args:
        document: study.yaml; datasets and assays that it names count as there, also those that could not be read.
        caveats: place in the list → what could be read.
        mapping: the study's mapping; None where it is broken: then names are held against the dictionary only.
        dictionary: the dictionary.
    """
    datasets, assays = document.section("datasets"), document.section("assays")
    for number, caveat in caveats.items():
        if (about := caveat.about) is None:
            continue
        at: Place = (CAVEATS, number, "about")
        for place, name in _places(at, document, "dataset", about.dataset):
            if name not in datasets:
                document.complain(place, f"{name!r} is no dataset of the study", suggest(name, datasets))
        for place, name in _places(at, document, "assay", about.assay):
            if name not in assays:
                document.complain(place, f"{name!r} is no assay of the study", suggest(name, assays))
        for place, name in _places(at, document, "entity", about.entity):
            if name not in ENTITIES:
                document.complain(place, f"{name!r} is no entity", suggest(name, ENTITIES))
            elif mapping is not None and name not in mapping.entities:
                message = f"mapping.yaml has no rows for {name}"
                document.complain(place, message, suggest(name, mapping.entities))
        _variables(document, at, about, mapping, dictionary)


def _variables(
    document: Document, at: Place, about: About, mapping: Mapping | None, dictionary: Dictionary
) -> None:
    """Each variable is in the dictionary and has a rule (or stands under `none:`); a pattern meets one that has."""
    has = set(dictionary.variables)
    if mapping is not None:
        has = {name for block in mapping.entities.values() for name in block.rules} | {*mapping.none}
    for place, name in _places(at, document, "variables", about.variables):
        if any(map(admits([name]), has)):
            continue
        if "*" in name:
            document.complain(place, f"the pattern {name!r} meets no variable of the study")
        elif name in dictionary.variables:
            document.complain(place, f"the study has no rule for {name!r}", suggest(name, has))
        else:
            message = f"{name!r} is not a variable of the dictionary"
            document.complain(place, message, suggest(name, has))


def _places(at: Place, document: Document, word: str, names: Collection[str]) -> Iterator[tuple[Place, str]]:
    """Yield each name with its place: that of the word where one name stands there without a list."""
    for number, name in enumerate(names):
        own: Place = (*at, word, number)
        yield own if own in document.lines else own[:-1], name
