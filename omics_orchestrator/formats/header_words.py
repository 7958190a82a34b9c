"""Free text of file headers (comments, descriptions, command lines), taken apart for header_scan.suspicious.

That judges one entry with its name; here text such as `patient: Jane Doe, DOB 11/02/1957` becomes such entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

LONGEST = 4096  # characters of one text that are looked at
MOST = 32  # entries made of one text
TOLD = re.compile(
    r"(?i)(?<![a-z])(dob|d\.o\.b|date of birth|birth ?date|born(?: on)?|mrn|nhs(?: ?(?:no|number))?"
    r"|chi(?: ?(?:no|number))?|hospital ?(?:no|number)|(?:patient|participant|subject|donor)(?:[ _]?name)?|surname"
    r"|forename|phone|mobile|tel|post ?code|zip ?code|address)(?![a-z])[\s.:=#^_-]*(?:is\b|was\b)?\s*"
)
REST = re.compile(r"[^;,|\t\n]{2,60}")
PAIR = re.compile(r"([A-Za-z][A-Za-z0-9 _.-]{1,40}?)\s*[:=]\s*([^;,|\t\n]{2,80})")
MAIL = re.compile(r"[^\s@<>,;:=\"']+@[^\s@<>,;:=\"']+\.[A-Za-z]{2,}")
TEN = re.compile(r"(?<![0-9-])[0-9]{3}([ -])[0-9]{3}\1[0-9]{4}(?![0-9-])")
DATES = re.compile(r"(?i)d\.?o\.?b|date|birth|born")
NUMBERS = re.compile(r"(?i)mrn|nhs|chi|hospital")
PERSON = re.compile(r"(?i)patient|participant|subject|donor|surname|forename")
DATE = re.compile(r"[0-9]{1,4}[-/. ][0-9A-Za-z]{1,9}[-/. ][0-9]{2,4}|[0-9]{8}")
DIGITS = re.compile(r"[A-Za-z]{0,3}[0-9][0-9 -]{3,13}[0-9]")
CALLED = re.compile(r"(?i)phone|mobile|tel")
PHONE = re.compile(r"[+(]?[0-9][0-9 ()/-]{5,18}[0-9]")
WORDS = re.compile(r"[^\W\d_][\w'’.-]*(?:[ _^][^\W\d_][\w'’.-]*){1,2}")


def entries(place: str, text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (place, name, text) of what a text holds that may be judged on its own, at most 32.

    Args:
        place: where the text stands (`@CO line 12`).
        text: what stands there; of a very long one the first 4,096 characters count.
    """
    for called, part in islice(dict.fromkeys(_parts(text[:LONGEST])), MOST):
        yield place, called, part


def _parts(text: str) -> Iterator[tuple[str, str]]:
    from omics_orchestrator.identifiers import KINDS

    for mail in MAIL.finditer(text):
        yield "email", mail[0]
    for ten in TEN.finditer(text):
        yield ("NHS number" if _is_nhs(ten[0]) else "phone"), ten[0]
    for word in TOLD.finditer(text):
        if rest := REST.match(text, word.end()):
            yield from _told(word[1], rest[0].strip())
    for name, value in PAIR.findall(text):
        spoken = re.sub("[_.-]+", " ", name).lower().strip()
        if any(kind.hint.search(spoken) for kind in KINDS):
            yield spoken, value.strip()


def _is_nhs(number: str) -> bool:
    import pyarrow as pa

    from omics_orchestrator.identifier_shapes import nhs

    return bool(nhs(pa.array([number])).all())


def _told(word: str, rest: str) -> Iterator[tuple[str, str]]:
    """Yield what follows a word that speaks for an identifier, cut to the shape that such a thing has."""
    called, shape = word, REST
    if DATES.match(word):
        called, shape = "date of birth", DATE
    elif PERSON.match(word):
        called, shape = "patient name", WORDS
    elif NUMBERS.match(word):
        shape = DIGITS
    elif CALLED.match(word):
        shape = PHONE
    found = shape.search(rest)
    if found and (shape is not WORDS or all(one[:1].isupper() for one in re.split("[ _^]", found[0]))):
        yield called, re.sub("[_^]", " ", found[0])
