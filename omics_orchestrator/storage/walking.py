"""Walks a folder by key, without holding more than the names of the folders it stands in. What a file is: folder.py.

Links to folders are followed, but never into a folder that it stands in, and no more than three behind each other:
folders that link to one another have more paths than can be walked.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from omics_orchestrator.storage.barred import DEEP, DENIED, NOT_READ, TOO_LONG, Barred, Tell, text_flaw

NOTHING_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}  # ELOOP: a link that leads to itself
PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EBUSY, errno.EAGAIN, errno.ENETUNREACH}
LINKS = 3  # links to folders behind each other that are followed


class Level(NamedTuple):
    """A folder that the walk stands in; `above`: what folders it lies in, by device and inode."""

    path: str
    prefix: str
    names: Iterator[tuple[str, bool]]
    above: tuple[tuple[int, int], ...]
    links: int


def walk(path: str, prefix: str, staging: str, tell: Tell, after: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, key) of all that is no folder, by key.

    Args:
        path: the folder.
        prefix: what its keys begin with.
        staging: the key of the folder that is left out.
        tell: takes folders that cannot be read; the first folder raises `OSError`.
        after: only what comes later than this key.
    """
    levels = _opened(path, prefix, (), 0)
    while levels:
        level = levels[-1]
        name, is_link = next(level.names, ("", False))
        if not name:
            levels.pop()
        elif (key := level.prefix + name) <= after and not (name.endswith("/") and after.startswith(key)):
            continue
        elif not name.endswith("/"):
            yield f"{level.path}/{name}", key
        elif key != staging:
            levels += _deeper(level, name, level.links + is_link, tell)


def why_barred(error: OSError) -> str:
    """Return why a single name cannot be looked at.

    Raises:
        OSError: it may pass by itself.
    """
    if error.errno in PASSING:
        raise error
    if error.errno in {errno.EACCES, errno.EPERM}:
        return DENIED
    return TOO_LONG if error.errno == errno.ENAMETOOLONG else NOT_READ


def _deeper(level: Level, name: str, links: int, tell: Tell) -> list[Level]:
    key = level.prefix + name
    if why := text_flaw(key) or (DEEP if links > LINKS else None):
        tell(Barred(key, why))
        return []
    try:
        return _opened(f"{level.path}/{name[:-1]}", key, level.above, links)
    except OSError as error:
        tell(Barred(key, why_barred(error)))
        return []


def _opened(path: str, prefix: str, above: tuple[tuple[int, int], ...], links: int) -> list[Level]:
    """Return the folder as a level; none where it is gone, or is one that the walk stands in."""
    try:
        here = Path(path).stat()
        if (identity := (here.st_dev, here.st_ino)) in above:
            return []
        with os.scandir(path) as entries:
            names = sorted(_name(entry) for entry in entries)
    except OSError as error:
        if error.errno in NOTHING_THERE:
            return []
        raise
    return [Level(path, prefix, iter(names), (*above, identity), links)]


def _name(entry: os.DirEntry[str]) -> tuple[str, bool]:
    """Return the name, of a folder or a link to one with a slash, and whether it is a link to one."""
    try:
        is_folder = entry.is_dir()
    except OSError:  # a link that leads to itself, or to where we may not look: told when it is looked at
        is_folder = False
    return (f"{entry.name}/", entry.is_symlink()) if is_folder else (entry.name, False)
