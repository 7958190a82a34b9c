"""This machine: Python, optional packages, disks, and what killed processes left in the home folder."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.doctor.line import Line
from omics_orchestrator.storage.folder import ABANDONED, STAGING
from omics_orchestrator.storage.server import processes_in
from omics_orchestrator.storage.server_home import ServerHome, lock_file

OLDEST, NEWEST = (3, 11), (3, 13)
EXTRAS = {  # as in pyproject.toml; modules by which each is known
    "matrices": ("anndata", "mudata", "zarr", "h5py", "scanpy"),
    "variants": ("pysam", "isal", "numba"),
    "reads": ("isal", "numba"),
    "profiles": ("biom", "mwtab"),
    "images": ("tifffile", "pydicom", "PIL"),
}
LITTLE, TOO_LITTLE = 5 << 30, 512 << 20  # bytes free
FEW_FILES = 1000  # files that a disk still takes


def versions() -> Iterator[Line]:
    """Look at Python and at the optional packages."""
    here = sys.version_info[:2]
    told = ".".join(map(str, sys.version_info[:3]))
    if OLDEST <= here <= NEWEST:
        yield Line("ok", "python", told)
    else:
        yield Line(
            "fail", "python", f"{told}; 3.11 to 3.13 is needed", "make clean install PYTHON=python3.11"
        )
    for extra, modules in EXTRAS.items():
        if missing := [name for name in modules if importlib.util.find_spec(name) is None]:
            mend = f"make install, or pip install 'omics-orchestrator[{extra}]'"
            yield Line("warn", "packages", f"{extra}: {', '.join(missing)} is not installed", mend)
        else:
            yield Line("ok", "packages", extra)


def disks(settings: Settings) -> Iterator[Line]:
    """Look at the space and the right to write where this installation writes."""
    places = {"OMICS_HOME": settings.home, "TMPDIR": Path(tempfile.gettempdir())}
    if store := own_folder(settings):
        places["OMICS_STORE_URL"] = store
    for name, place in places.items():
        there = next((one for one in (place, *place.parents) if one.exists()), Path("/"))
        yield _disk(name, there)


def _disk(name: str, place: Path) -> Line:
    state = os.statvfs(place)
    free, files = state.f_bavail * state.f_frsize, state.f_favail if state.f_files else FEW_FILES
    told = f"{free / (1 << 30):.1f} GiB free at {place}"
    if not os.access(place, os.W_OK | os.X_OK) or state.f_flag & os.ST_RDONLY:
        return Line("fail", "disk", f"{name}: {place} cannot be written", f"mend its rights, or set {name}")
    if free < TOO_LITTLE or files < FEW_FILES:
        told = told if free < TOO_LITTLE else f"no room for more files at {place}"
        return Line("fail", "disk", f"{name}: {told}", f"free space there, or set {name} to a larger disk")
    if free < LITTLE:
        return Line("warn", "disk", f"{name}: {told}", f"free space there, or set {name} to a larger disk")
    return Line("ok", "disk", f"{name}: {told}")


def leftovers(settings: Settings) -> Iterator[Line]:
    """Look for what killed processes left in the home and in our store; before anything starts and tidies up."""
    files = ServerHome(settings.home)
    found = []
    if _free(files.supervisor) and (number := len(processes_in(files.data))):
        mend = "the next start of the server ends them; if not, end them by hand"
        yield Line("warn", "leftovers", f"{number} processes of PostgreSQL without their supervisor", mend)
        found.append(number)
    draft = files.data.with_name("data.new")
    if draft.exists() and _free(files.supervisor):
        yield Line("warn", "leftovers", f"a half-made data folder {draft}", "the next start removes it")
        found.append(1)
    if store := own_folder(settings):
        old = [size for size, age in _staged(store) if age > ABANDONED]
        if old:
            mend = "the next write into the store removes them; the probe below is one"
            told = f"{len(old)} half-written objects in {STAGING}, {sum(old):,} bytes"
            yield Line("warn", "leftovers", told, mend)
            found.append(len(old))
    if not found:
        yield Line("ok", "leftovers", "none in the home and the store")


def own_folder(settings: Settings) -> Path | None:
    """Return the folder of our own store; None = it is a bucket."""
    if not settings.store_url.startswith("file://"):
        return None
    return Path(url2pathname(urlsplit(settings.store_url).path))


def _staged(store: Path) -> Iterator[tuple[int, float]]:
    """Yield size and age in seconds of half-written objects."""
    folder = store / STAGING
    for file in folder.iterdir() if folder.is_dir() else ():
        try:
            state = file.stat()
        except FileNotFoundError:
            continue
        yield state.st_size, time.time() - state.st_mtime


def _free(lock: Path) -> bool:
    """Tell whether nobody holds the lock."""
    if not lock.exists():
        return True
    descriptor = lock_file(lock, fcntl.LOCK_SH)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is not None
