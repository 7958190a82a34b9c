"""Pydantic's complaints in a data manager's words: what is wrong, what would be right.

Where in the file it is wrong is found in validation.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from omics_orchestrator.dictionary.problems import suggest

Loc = tuple[str | int, ...]

TAGS = {"kind": "kind of source", "format": "format", "verb": "verb"}
SECRET = {"token", "url", "secret"}  # what stands below these is never repeated
PASSWORD = re.compile(r"://[^/\s]*@")  # user and password in an address
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
    "finite_number": "must be a finite number",
}


def words(detail: ErrorDetails, annotation: Any) -> tuple[str, str]:
    """Return what is wrong and what would be right.

    Args:
        detail: one of pydantic's complaints.
        annotation: the type that was to be read.
    """
    kind, loc, given, context = detail["type"], detail["loc"], detail["input"], detail.get("ctx", {})
    last = str(loc[-1]) if loc else ""
    match kind:
        case "missing":
            return f"{last!r} is missing", described(annotation, loc)
        case "extra_forbidden":
            return f"{last!r} is not known here", suggest(last, _names(model_at(annotation, loc[:-1])))
        case "union_tag_invalid":
            what, tag = tag_of(detail), str(context["tag"])
            return f"{tag!r} is not a {TAGS.get(what, what)}", suggest(tag, _quoted(context["expected_tags"]))
        case "union_tag_not_found":
            return f"{tag_of(detail)!r} is missing", ""
        case "literal_error":
            return f"{given!r} is not allowed", suggest(str(given), _quoted(context["expected"]))
        case "value_error":
            return str(context.get("error", detail["msg"])), described(annotation, loc)
        case "string_pattern_mismatch":
            return f"{_shown(given, loc)} does not have the right form", _form(
                context, described(annotation, loc)
            )
        case "string_too_short" | "too_short":
            return "must not be empty", described(annotation, loc)
    if kind in KINDS:
        return f"{KINDS[kind]}, not {_shape(given, loc)}", described(annotation, loc)
    return detail["msg"], described(annotation, loc)


def tag_of(detail: ErrorDetails) -> str:
    """Return the key that tells the members of a union apart."""
    return str(detail["ctx"]["discriminator"]).strip("'")


def described(annotation: Any, loc: Loc) -> str:
    """Return the first line that describes the innermost named field at `loc`."""
    for cut in range(len(loc) - 1, -1, -1):
        model = model_at(annotation, loc[:cut])
        fields = model.model_fields.items() if model else ()
        found = next((field for name, field in fields if loc[cut] in {name, field.alias}), None)
        if found:
            return (found.description or "").split("\n")[0]
    return ""


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


def _quoted(text: object) -> list[str]:
    return re.findall(r"'([^']*)'", str(text))


def _form(context: dict[str, Any], description: str) -> str:
    return description or f"the pattern is {context.get('pattern', '')}"


def _shape(value: object, loc: Loc) -> str:
    shapes = {dict: "a block", list: "a list", type(None): "empty"}
    return shapes.get(type(value)) or _shown(value, loc)


def _shown(value: object, loc: Loc) -> str:
    """Return a value as it was written, unless it may be a secret that somebody wrote into the file."""
    secret = not SECRET.isdisjoint(loc) or PASSWORD.search(str(value))
    return "what is written here" if secret else repr(value)
