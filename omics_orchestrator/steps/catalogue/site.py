"""A folder of files put in the place of the last one: whole, or not at all. What the files say is told elsewhere."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from omics_orchestrator.errors import FormatError

MARKER = "omics-catalogue.json"  # lists the files that are ours
EXCHANGE = 2  # RENAME_EXCHANGE of renameat2: two names change places in one step
HERE = -100  # AT_FDCWD


class NotOurs(FormatError):
    """The folder holds something that this program did not write."""


def write_site(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make `folder` hold these files and nothing else; an interrupted run leaves it as it was.

    Args:
        folder: the site's folder; made when missing.
        files: place below the folder → content.

    Raises:
        NotOurs: the folder holds other things than a site that was written here.
    """
    folder = folder.absolute()
    if folder.is_symlink():
        folder = folder.resolve()
    refuse_foreign(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    with _beside(folder) as draft:
        for place, content in {**files, MARKER: _marker(files)}.items():
            file = draft / place
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
        draft.chmod(folder.stat().st_mode & 0o777 if folder.exists() else 0o777 & ~_umask())
        refuse_foreign(folder)
        _put_in_place(draft, folder)


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder in which something lies that is not ours.

    Raises:
        NotOurs: naming the first such file.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise NotOurs(f"{folder} is no folder; name another one for the pages")
    ours = {MARKER, *_listed(folder)}
    held = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    )
    for place in held:
        if place not in ours:
            told = f"{folder} holds {place}, which this command did not write"
            raise NotOurs(f"{told}: move it away, or name another folder")


def _listed(folder: Path) -> list[str]:
    """Return the files that the marker lists; one that cannot be read lists none."""
    try:
        found = json.loads((folder / MARKER).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [place for place in found if isinstance(place, str)] if isinstance(found, list) else []


def _marker(files: Mapping[str, bytes]) -> bytes:
    told = {"written by": "omics catalogue", "files": sorted(files)}
    return json.dumps(told, indent=0).encode() + b"\n"


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Make a folder beside, locked while we live; whatever bears its name at the end is removed."""
    draft = Path(mkdtemp(dir=folder.parent, prefix=_prefix(folder)))
    lock = os.open(draft, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield draft
    finally:
        os.close(lock)
        shutil.rmtree(draft, ignore_errors=True)


def _prefix(folder: Path) -> str:
    return f".{folder.name}.new-"


def _remove_leftovers(folder: Path) -> None:
    """Remove the drafts of runs that were killed: those that nobody locks."""
    for draft in folder.parent.glob(f"{_prefix(folder)}*"):
        try:
            lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(draft, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)


def _put_in_place(draft: Path, folder: Path) -> None:
    """Give the draft the folder's name; the old folder, if any, gets the draft's."""
    if not folder.exists():
        draft.rename(folder)
        return
    try:
        _exchange(draft, folder)
    except OSError as error:
        if error.errno not in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}:
            raise
        old = draft.with_name(f"{draft.name}.old")  # two steps where the system knows no exchange
        folder.rename(old)
        draft.rename(folder)
        old.rename(draft)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders change places in one step.

    Raises:
        OSError: with ENOSYS where the system does not know how.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        raise OSError(errno.ENOSYS, "no renameat2")
    if library.renameat2(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))
