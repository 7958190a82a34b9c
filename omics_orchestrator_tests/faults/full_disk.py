"""A disk that is full while a station works, in its own mount namespace: `python -m … <folder> <place>`.

The folder holds `made`, a copy of a station that has ended; `place` says what lies on the small disk.
"""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from pathlib import Path

from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator_tests.faults.station import Station, eventually

SLACK = {"postgres": 48 << 20, "store": 1 << 20}  # bytes that are free at first
BALLAST = "ballast"


def namespace(*command: str) -> list[str]:
    """Return the command in a mount namespace: root's own, or that of a user who is root in a namespace."""
    return ["unshare", "--user", "--map-root-user", "--mount", *command]


def fill(disk: Path) -> None:
    """Take all that is left of the disk."""
    with (disk / BALLAST).open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            while True:
                try:
                    file.write(bytes(size))
                except OSError as error:
                    assert error.errno == errno.ENOSPC  # noqa: PT017 - the loop ends here
                    break


def on_small_disk(folder: Path, disk: Path, place: str) -> Station:
    """Mount the disk and return a station that has the place on it."""
    moved = "home/postgres" if place == "postgres" else "home/store"
    size = sum(one.stat().st_size for one in (folder / "made" / moved).rglob("*") if one.is_file())
    disk.mkdir()
    room = f"size={size + SLACK[place]}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", room, "tmpfs", str(disk)], check=True)
    shutil.move(folder / "made" / moved, disk / "held")
    (folder / "made" / moved).symlink_to(disk / "held")
    return Station(folder / "made", copied=True)


def main(folder: Path, place: str) -> None:
    """Fill the disk, run, free it, run again; say what the command printed, then the content before and after."""
    disk = folder / "disk"
    station = on_small_disk(folder, disk, place)
    try:
        ensure_server(station.settings)
        station.change()
        fill(disk)
        print(station.omics("materialize", check=False), flush=True)
        (disk / BALLAST).unlink()
        assert eventually(lambda: ensure_server(station.settings) and station.query("SELECT 1"))
        print("held", sorted(station.content().items()), flush=True)
        print(station.omics("materialize"), flush=True)
        print("found", sorted(station.content().items()), flush=True)
    finally:
        station.end()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
