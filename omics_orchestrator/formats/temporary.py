"""What a disk for temporary files refuses is told with what mends it. Who copies files there says so itself."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from omics_orchestrator.errors import StorageError

LITTLE = 1024 * 1024  # bytes; with less left, what a library failed to write was for want of room


def no_room(says: str, size: int) -> StorageError:
    """Return the refusal of a file of so many bytes; it may pass once there is room."""
    return StorageError(
        f"{tempfile.gettempdir()} {says}; a file of {size >> 20:,} MiB must be copied there: free space, or point "
        "TMPDIR to a disk with more, and run it again",
        retry=True,
    )


def said(error: OSError) -> str:
    """Return what the system says, without the name of the file."""
    return f"says: {error.strerror}"


def is_full(folder: Path) -> bool:
    """Tell whether next to nothing can be written in a folder."""
    return shutil.disk_usage(folder).free < LITTLE
