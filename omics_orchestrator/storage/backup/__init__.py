"""Back-up and restore: take.py writes a folder, restore.py reads it back, manifest.py says what lies in it."""

from omics_orchestrator.storage.backup.manifest import Manifest, Part, read_manifest
from omics_orchestrator.storage.backup.restore import Restored, restore
from omics_orchestrator.storage.backup.take import Taken, last_backup, take
from omics_orchestrator.storage.backup.verify import verify

__all__ = [
    "Manifest",
    "Part",
    "Restored",
    "Taken",
    "last_backup",
    "read_manifest",
    "restore",
    "take",
    "verify",
]
