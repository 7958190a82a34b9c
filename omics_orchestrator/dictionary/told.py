"""Which variables tell about something: lists such as `ifx; ifx_*; steroid_drug=prednisolone` in a cell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from omics_orchestrator.declared import Declared
from omics_orchestrator.dictionary.problems import suggest


class Telling(Declared):
    """A variable, or a pattern of names, that tells about the thing; with a code, only where it has that code."""

    names: str
    code: str = ""

    def meets(self, variable: str) -> bool:
        """Return whether it names this variable."""
        return fnmatchcase(variable, self.names)


def split_list(text: object) -> object:
    """Return the parts of a cell that `;` separates."""
    return tuple(part.strip() for part in text.split(";") if part.strip()) if isinstance(text, str) else text


def read_telling(text: object) -> object:
    """Return the variables of a cell, `name`, `pattern_*` or `name=code`, separated by `;`."""
    if not isinstance(text, str):
        return text
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    return tuple(Telling(names=name.strip(), code=code.strip()) for name, _, code in pairs)


def variables_told(told: Iterable[Telling], known: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return variable → the codes that count, none = any; in the order of `known`."""
    found: dict[str, tuple[str, ...]] = {}
    said = tuple(told)
    for variable in known:
        meeting = [one for one in said if one.meets(variable)]
        if meeting:
            found[variable] = tuple(one.code for one in meeting if one.code)
    return found


def wrong_telling(told: Iterable[Telling], codes: Mapping[str, Collection[str]]) -> Iterator[tuple[str, str]]:
    """Yield the names that no variable has and the codes that it cannot hold, with what would be right."""
    for one in told:
        met = [name for name in codes if one.meets(name)]
        if not met:
            yield f"variables: {one.names!r} is not in variables.csv", suggest(one.names, codes)
        for name in met if one.code else ():
            if one.code not in codes[name]:
                yield f"variables: {name!r} has no code {one.code!r}", suggest(one.code, codes[name])
