"""What pydantic complains about, put into a data manager's words and tied to file and line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.dictionary.strict_yaml import Document, Place

T = TypeVar("T")
Loc = tuple[str | int, ...]

TAGS = {"kind": "kind of source", "format": "format", "verb": "verb"}
KINDS = {
    "string_type": "must be a text",
    "dict_type": "must be a block of `key: value`",
    "mapping_type": "must be a block of `key: value`",
    "model_type": "must be a block of `key: value`",
    "model_attributes_type": "must be a block of `key: value`",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "bool_parsing": "must be yes or no",
    "bool_type": "must be yes or no",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
}


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
        for detail in error.errors(include_url=False):
            loc = detail["loc"]
            at, whole = locate(document, place, loc)
            mistake = at if whole else (*at, *loc[-1:])
            if mistake not in seen:  # the alternatives of a union complain one by one
                seen.add(mistake)
                message, allowed = words(detail, model_at(shape.annotation, loc[:-1]))
                document.complain(at, message, allowed)
        return None


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


def words(detail: ErrorDetails, model: type[BaseModel] | None) -> tuple[str, str]:
    """Return what is wrong and what would be right."""
    kind, last, context = detail["type"], detail["loc"][-1] if detail["loc"] else "", detail.get("ctx", {})
    if kind == "missing":
        return f"{str(last)!r} is missing", _described(model, str(last))
    if kind == "extra_forbidden":
        return f"{str(last)!r} is not known here", suggest(str(last), _names(model))
    if kind == "union_tag_invalid":
        tag = str(context["discriminator"]).strip("'")
        return f"{context['tag']!r} is not a {TAGS.get(tag, tag)}", suggest(
            str(context["tag"]), _quoted(str(context["expected_tags"]))
        )
    if kind == "union_tag_not_found":
        return f"{str(context['discriminator'])} is missing", ""
    if kind == "literal_error":
        return f"{detail['input']!r} is not allowed", suggest(
            str(detail["input"]), _quoted(str(context["expected"]))
        )
    if kind == "value_error":
        return str(context.get("error", detail["msg"])), ""
    if kind in KINDS:
        return f"{KINDS[kind]}, not {_shape(detail['input'])}", ""
    return detail["msg"], ""


def model_at(annotation: Any, loc: Loc) -> type[BaseModel] | None:
    """Return the model that stands at `loc` below a type, for naming the keys that it knows."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not loc:
            return annotation
        field = next((f for name, f in annotation.model_fields.items() if loc[0] in {name, f.alias}), None)
        return model_at(field.annotation, loc[1:]) if field else None
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return _alternative(args, loc)
    if args and loc:
        return model_at(args[1] if origin is dict and len(args) > 1 else args[0], loc[1:])
    return None


def _alternative(members: Sequence[Any], loc: Loc) -> type[BaseModel] | None:
    tagged = [member for member in members if loc and loc[0] in _tags(member)]
    if tagged:
        return model_at(tagged[0], loc[1:])
    return next((model for member in members if (model := model_at(member, loc))), None)


def _tags(member: Any) -> set[str]:
    """Return the words by which pydantic may name this alternative: its Literal tags, or the class name."""
    if get_origin(member) is Annotated:
        inner, *marks = get_args(member)
        return {mark.tag for mark in marks if hasattr(mark, "tag")} | _tags(inner)
    if not (isinstance(member, type) and issubclass(member, BaseModel)):
        return set()
    literals = (get_args(f.annotation) for name, f in member.model_fields.items() if name in TAGS)
    return {member.__name__, *(str(word) for found in literals for word in found)}


def _names(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _described(model: type[BaseModel] | None, name: str) -> str:
    fields = (
        ((field.alias or key, field.description) for key, field in model.model_fields.items())
        if model
        else ()
    )
    return next((text or "" for key, text in fields if key == name), "").split("\n")[0]


def _quoted(text: str) -> list[str]:
    return re.findall(r"'([^']*)'", text)


def _shape(value: object) -> str:
    shapes = {dict: "a block", list: "a list", type(None): "empty"}
    return shapes.get(type(value), repr(value))
