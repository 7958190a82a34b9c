"""What a store lists and cannot hand out: names that are no text or no key, folders that may not be read.

Whoever lists says what becomes of it: the registry tells it, a source refuses the delivery.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import NamedTuple

from omics_orchestrator.errors import StorageError

LONGEST = 2048  # bytes of a key: Postgres' indexes take no longer ones; S3 allows 1,024
SHOWN = 1000  # bytes of an escaped key that are kept
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\\]")
NOT_UTF8 = "its name is not UTF-8: rename it (find . | grep -axv '.*')"
TOO_LONG = f"its path is longer than {LONGEST:,} bytes: move it up or shorten the names"
NO_KEY = "its key has an empty part, `.`, `..` or a control character: copy it to another key"
DENIED = "access is denied: give the account that runs omics the right to read it"
NOT_READ = "the file system does not say what it is: look at it with ls -l"
DEEP = "a link to a folder behind links to folders: its files are listed where it leads to"


class Barred(NamedTuple):
    """A file, or a folder with all that is below it, that is listed and cannot be reached by its name.

    `key` is as the store has it: bytes that are no UTF-8 are lone surrogates; that of a folder ends in a slash.
    """

    key: str
    why: str

    @property
    def folder(self) -> bool:
        """Whether it stands for all that is below."""
        return self.key.endswith("/")


Tell = Callable[[Barred], None]


def refused(url: str) -> Tell:
    """Return what stops a listing at the first thing that is barred."""

    def tell(barred: Barred) -> None:
        what = "a folder" if barred.folder else "a file"
        raise StorageError(f"{what} in {url} cannot be listed: {barred.why}")

    return tell


def text_flaw(key: str) -> str | None:
    """Return why a name of a file system cannot be a key; None = it can."""
    if key.isascii():
        return TOO_LONG if len(key) > LONGEST else None
    try:
        return TOO_LONG if len(key.encode()) > LONGEST else None
    except UnicodeEncodeError:
        return NOT_UTF8


def key_flaw(key: str) -> str | None:
    """Return why obstore cannot say a key of a bucket; None = it can."""
    if not {"", ".", ".."}.isdisjoint(key.split("/")) or re.search(r"[\x00-\x1f\x7f]", key):
        return NO_KEY
    return text_flaw(key)


def escaped(key: str) -> str:
    r"""Return a key as a person may read it and Postgres may keep it; two keys never look alike.

    >>> escaped("caf\udce9\n.csv")
    'caf\\xe9\\n.csv'
    """
    text = CONTROL.sub(_escape, key)
    if len(text.encode()) <= SHOWN:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text.encode()[:SHOWN].decode('utf-8', 'ignore')}… ({digest})"


def _escape(sign: re.Match[str]) -> str:
    code = ord(sign[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if sign[0] == "\\":
        return "\\\\"
    return sign[0].encode("unicode_escape").decode()
