"""The digest of the declarations as they lie on the disk, whoever may have read them."""

from __future__ import annotations

import hashlib
from pathlib import Path

DERIVED = "schema"  # written from the models, read by editors only


def folder_digest(folder: Path) -> str:
    """Return a digest of the names and contents of all declarations below `folder`; hidden files are none of them.

    A file that vanishes meanwhile (a `git pull` at work) counts as gone.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if parts[0] == DERIVED or any(part.startswith(".") for part in parts):
            continue
        try:
            content = path.read_bytes()
        except OSError:  # a folder, or gone
            continue
        digest.update(f"{'/'.join(parts)}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    return digest.hexdigest()[:24]
