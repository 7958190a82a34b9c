"""Known limitations of what bears an asset key: those of its studies about the columns that it has.

How they are declared: studies/caveats.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from omics_orchestrator.dictionary import ENTITIES
from omics_orchestrator.sources.base import admits
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.caveats import Caveat, caveats_about

Told = dict[str, str]  # study, about, since, text


def caveats_of(
    workspace: Workspace, key: str, columns: Collection[str], studies: Iterable[str] = ()
) -> list[Told]:
    """Return the caveats of what bears `key`: study, about (empty = the whole study), since (or empty), text.

    Args:
        workspace: where the declarations are.
        key: an asset key; of the warehouse the caveats of `studies`, else those of the study that it names.
        columns: the columns that there are: a caveat about other variables only is left out.
        studies: the studies whose rows a table over several studies holds.
    """
    layer, *place = (part for part in key.split("/") if part)
    names = [*studies] if layer == "warehouse" else place[:1]
    known = workspace.catalogue.studies
    return [
        told(name, caveat)
        for name in names
        if name in known
        for caveat in _of_study(known[name], layer, place, columns)
    ]


def told(study: str, caveat: Caveat) -> Told:
    """Return a caveat in plain texts."""
    since = caveat.since.isoformat() if caveat.since else ""
    return {"study": study, "about": caveat.subject, "since": since, "text": caveat.text}


def in_words(one: Told) -> str:
    """Return one caveat as a line."""
    about = f"{one['about']}: " if one["about"] else ""
    return about + one["text"] + (f" (since {one['since']})" if one["since"] else "")


def _of_study(study: Study, layer: str, place: list[str], columns: Collection[str]) -> Iterator[Caveat]:
    match layer, place:
        case "dataset", [_, name]:
            asked = {"dataset": name}
        case "harmonised", [_, entity]:
            asked = {"entity": entity}
        case "warehouse", [entity]:
            asked = {"entity": entity}
        case (("files" | "matrix"), [_, assay]):
            asked = {"assay": assay}
        case _:
            asked = {}
    if layer != "matrix":
        found = caveats_about(study, **asked, whole=True)
    else:  # its samples bear the variables of their visits and participants
        named = [caveats_about(study, **asked, whole=True)]
        named += [caveats_about(study, entity=entity) for entity in ENTITIES]
        found = tuple(one for one in study.caveats if any(one in some for some in named))
    shown = _variables(study, layer, place, columns)
    for caveat in found:
        about = caveat.about
        if about is None or not about.variables_only or any(map(admits(about.variables), shown)):
            yield caveat


def _variables(study: Study, layer: str, place: list[str], columns: Collection[str]) -> set[str]:
    """Return the variables that columns show: a dataset has names of its own for them."""
    if layer != "dataset" or len(place) != 2 or place[1] not in study.datasets:
        return {*columns}
    renamed = study.datasets[place[1]].rename
    back = {published: variable for variable, published in renamed.items()}
    return {back.get(name, name) for name in columns}
