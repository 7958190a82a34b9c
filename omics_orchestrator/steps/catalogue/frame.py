"""The frame in which every page stands: head, navigation, trail, foot. What a page says is its template's matter."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import jinja2
from markupsafe import Markup, escape

PLAIN = re.compile(r"[a-z][a-z0-9_]{0,79}")
RESERVED = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")  # no file of Windows bears such a name
NAVIGATION = (
    ("Search", "index.html"),
    ("Variables", "variables.html"),
    ("Studies", "studies.html"),
    ("Drugs", "drugs.html"),
    ("Changes", "changes.html"),
)


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        place: its file below the site's folder, such as `variable/crp.html`.
        title: its name, in the window's title and the trail.
        template: the file in templates/ that extends `frame.html` and fills its block `content`.
        trail: (title, place) of the pages above it.
        content: what the template is given.
    """

    place: str
    title: str
    template: str
    content: dict[str, Any]
    trail: Sequence[tuple[str, str]] = ()

    def html(self) -> bytes:
        """Return the page; its links lead to other pages by relative paths."""
        root = "../" * self.place.count("/")

        def to(place: str) -> str:
            return root + place

        text = (
            templates()
            .get_template(self.template)
            .render(**self.content, page=self, to=to, navigation=NAVIGATION)
        )
        return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()).encode() + b"\n"


def file_of(kind: str, name: str) -> str:
    """Return the place of a page: `variable/crp.html`; a name that files may not bear gets a digest instead."""
    safe = name if PLAIN.fullmatch(name) and not RESERVED.fullmatch(name) else ""
    return f"{kind}/{safe or 'x-' + sha256(name.encode()).hexdigest()[:12]}.html"


def anchor(text: str) -> str:
    """Return a text as the name of a place within a page."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "other"


def prose(text: str) -> Markup:
    """Return a declared text escaped, what stands between backticks as code."""
    parts = (str(escape(part)) for part in text.split("`"))
    told = "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
    return Markup(told)  # noqa: S704 - every part is escaped above


def as_json(content: object) -> Markup:
    """Return JSON that may stand within a `script` element: nothing in it can end the element."""
    text = json.dumps(content, ensure_ascii=False, indent=1)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - every sign that HTML could take for its own is escaped above


@cache
def templates() -> jinja2.Environment:
    """Return the templates; all that is put into them is escaped."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("omics_orchestrator.steps.catalogue"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(variable=lambda name: file_of("variable", name))
    found.globals.update(study=lambda name: file_of("study", name), json_ld=as_json, anchor=anchor)
    found.filters["prose"] = prose
    return found
