"""The base of everything that a person declares: source kinds, formats, verbs, checks, studies, variables."""

from __future__ import annotations

import inspect
from typing import Annotated, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, StringConstraints

Words: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text for people; blanks alone say nothing."""


class Declared(BaseModel):
    """A frozen declaration; unknown keys are refused, never ignored.

    `version` is the constant that enters the code version of every asset which uses the class: raise it when
    the same declaration would give another result than before.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True
    )
    version: ClassVar[str] = "1"

    @classmethod
    def explain(cls) -> str:
        """Return the class docstring's first paragraph: the help shown to data managers."""
        return inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]
