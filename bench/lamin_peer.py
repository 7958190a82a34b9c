"""Run by LaminDB's own Python (bench/registry.py): registers a folder with its bulk save, prints the seconds it took.

Its instance is SQLite beside the files, in a home of its own, without a login. Connections are refused: it must not
phone out. Arguments: the folder of the instance, the folder of the files below it. Imports nothing of ours.
"""

from __future__ import annotations

import socket
import sys
import time
from typing import Any


def refuse(*_: Any, **__: Any) -> Any:
    """Let no connection out."""
    raise OSError("this measurement has no network")


def seconds(storage: str, files: str) -> float:
    """Return what registering took, without import and setting up the instance."""
    import lamindb_setup

    lamindb_setup.init(storage=storage, modules=None)
    import lamindb as ln

    start = time.perf_counter()
    artifacts = ln.Artifact.from_dir(files)
    ln.save(artifacts)
    taken = time.perf_counter() - start
    stored = ln.Artifact.filter().count()
    if stored != len(artifacts):
        raise SystemExit(f"LaminDB stored {stored} of {len(artifacts)} files")
    print(f"registered {stored}")
    return taken


if __name__ == "__main__":
    socket.getaddrinfo = refuse
    socket.socket.connect = refuse  # type: ignore[method-assign]
    print(f"seconds {seconds(sys.argv[1], sys.argv[2])}")
