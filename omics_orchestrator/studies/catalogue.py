"""All studies of a data dictionary, parsed once: what did not change comes from a cache.

A study that cannot be used keeps its message and hinders no other one.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache as once
from pathlib import Path
from tempfile import NamedTemporaryFile

import pydantic

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.dictionary.problems import Problems, note_unreadable
from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.studies.reading import read_study
from omics_orchestrator.studies.study import Study

CACHE_FILE = "studies.pickle"
PACKAGE = Path(__file__).resolve().parents[1]
READERS = ("errors.py", "declared.py", "dictionary", "sources", "formats", "verbs", "checks", "studies")
Entry = tuple[str, bytes]  # digest of what a study was read from, the pickled study


@dataclass
class Catalogue:
    """The studies that can be used, by name, and why the others cannot."""

    studies: dict[str, Study] = field(default_factory=dict)
    broken: dict[str, DeclarationError] = field(default_factory=dict)

    def united(self, entity: str) -> frozenset[str]:
        """Return the studies whose rows of `entity` belong into the warehouse.

        Those that declare it, available here or not; a broken one keeps what it had, whatever that was.
        """
        declared = {name for name, study in self.studies.items() if entity in study.mapping.entities}
        return frozenset(declared | self.broken.keys())


def load_studies(folder: Path, dictionary: Dictionary, *, cache: Path | None = None) -> Catalogue:
    """Read every study below `folder`/studies.

    Args:
        folder: the data dictionary.
        dictionary: what it says, already read.
        cache: folder for parsed declarations; private to this user, since what lies there is unpickled.

    Raises:
        DeclarationError: when it cannot be seen which studies there are.
    """
    known = _read_cache(cache) if cache else {}
    kept: dict[str, Entry] = {}
    catalogue = Catalogue()
    for place in _places(folder / "studies"):
        entry = known.get(place.name, ("", b""))
        try:
            digest = _digest(place, dictionary)
            study = _unpickled(entry[1]) if entry[0] == digest else None
            if study is None:
                study = read_study(place, dictionary)
                entry = (digest, pickle.dumps(study, pickle.HIGHEST_PROTOCOL)) if cache else entry
        except DeclarationError as error:
            catalogue.broken[place.name] = error
            continue
        catalogue.studies[place.name] = study
        kept[place.name] = entry
    if cache and kept != known:
        _write_cache(cache, kept)
    return catalogue


@once
def code_digest() -> str:
    """Return the digest of the code that reads declarations: other code may read the same differently."""
    digest = hashlib.sha256(pydantic.VERSION.encode())  # its objects are what is pickled
    for name in READERS:
        path = PACKAGE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(PACKAGE)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _places(studies: Path) -> list[Path]:
    """Return the folders of studies: with a study.yaml, or closed to us. A closed one is broken, never absent.

    Raises:
        DeclarationError: when `studies` itself is closed to us.
    """
    with _readable(studies):
        return (
            [place for place in sorted(studies.iterdir()) if _holds_study(place)] if studies.exists() else []
        )


def _holds_study(place: Path) -> bool:
    try:
        (place / "study.yaml").stat()
    except PermissionError:
        return place.name.isidentifier()  # no study is called lost+found or .trash
    except OSError:
        return False
    return True


def _digest(place: Path, dictionary: Dictionary) -> str:
    """Return the digest of everything that a study is read from and checked against.

    Raises:
        DeclarationError: when something of it may not be read.
    """
    digest = hashlib.sha256(f"{place}\0{code_digest()}\0{dictionary.digest_of_all}\0".encode())
    with _readable(place):
        for file in sorted(place.iterdir()):
            if file.is_file():
                content = file.read_bytes()
                digest.update(f"{file.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


@contextmanager
def _readable(place: Path) -> Iterator[None]:
    """Turn what the system refuses below `place` into a mistake of the declaration, with the file's name."""
    try:
        yield
    except OSError as error:
        problems = Problems()
        note_unreadable(Path(error.filename or place), error, problems)
        problems.raise_if_any()


def _read_cache(cache: Path) -> dict[str, Entry]:
    """Return what the cache holds; one that cannot be read is as good as none."""
    try:
        found = pickle.loads((cache / CACHE_FILE).read_bytes())  # noqa: S301 - written by us, in our own folder
    except Exception:  # noqa: BLE001 - damaged bytes make pickle raise anything
        return {}
    return found if isinstance(found, dict) else {}


def _unpickled(raw: bytes) -> Study | None:
    try:
        study = pickle.loads(raw)  # noqa: S301 - as above
    except Exception:  # noqa: BLE001 - as above
        return None
    return study if isinstance(study, Study) else None


def _write_cache(cache: Path, entries: dict[str, Entry]) -> None:
    """Replace the cache in one step; a folder that cannot be written costs time, nothing else."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=cache, delete=False) as file:
            file.write(pickle.dumps(entries, pickle.HIGHEST_PROTOCOL))
        Path(file.name).replace(cache / CACHE_FILE)
    except OSError:
        return
