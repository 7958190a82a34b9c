"""Validation by models with the place of every mistake: pydantic's locations become file and line.

The words of the messages live in words.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from omics_orchestrator.dictionary.strict_yaml import Document, Place
from omics_orchestrator.dictionary.words import Loc, tag_of, words

T = TypeVar("T")


@dataclass(frozen=True)
class Shape(Generic[T]):
    """The model, or union of models, that a value must be."""

    annotation: type[T] | Any

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        """Pydantic's reader of that type, built on first use."""
        return TypeAdapter(self.annotation)


def validate(shape: Shape[T], value: object, document: Document, place: Place) -> T | None:
    """Return `value` in its shape, or None after noting every mistake below `place`.

    Args:
        shape: what the value must be.
        value: the tree, possibly rearranged (a verb's short form spelled out).
        document: the file, which knows the lines and collects the mistakes.
        place: where the value stands in the document.
    """
    try:
        return shape.adapter.validate_python(value)
    except ValidationError as error:
        seen: set[Place] = set()
        for detail in _outermost(error.errors(include_url=False)):
            loc = detail["loc"]
            if detail["type"] == "union_tag_invalid":  # the wrong word stands at the tag, not at the model
                loc = (*loc, tag_of(detail))
            at, whole = locate(document, place, loc)
            mistake = at if whole else (*at, *loc[-1:])
            if mistake not in seen:  # the alternatives of a union complain one by one
                seen.add(mistake)
                document.complain(at, *words(detail, shape.annotation))
        return None


def _outermost(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out lists that are too short only because their items were refused."""
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(
            other is not detail and other["loc"][: len(detail["loc"])] == detail["loc"] for other in details
        )
    ]


def locate(document: Document, place: Place, loc: Loc) -> tuple[Place, bool]:
    """Return the place of the file that pydantic's location means, and whether its last part exists there.

    Pydantic names union tags and alternatives on the way, and our models sit deeper than the file's blocks:
    parts that the file does not hold are skipped, and the way that keeps most of the rest is taken.
    """

    def ways(here: Place, rest: Loc) -> Iterator[tuple[bool, int, Place]]:
        if not rest:
            yield False, len(here), here
            return
        step = (*here, rest[0])
        if step in document.lines:
            for ended, length, at in ways(step, rest[1:]):
                yield ended or len(rest) == 1, length, at
        yield from ways(here, rest[1:])

    found = ways(place, tuple(part for part in loc if part != "[key]"))
    whole, _, at = max(found, key=lambda way: way[:2])
    return at, whole
