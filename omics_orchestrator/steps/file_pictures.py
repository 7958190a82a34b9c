"""Small pictures of an assay's files, for its page: mean quality of reads by position, a sheet of thumbnails.

Drawn in formats/sheet.py. No file is read: the registry holds the profiles, our own store the thumbnails.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from omics_orchestrator.registry.query import pictured_contents, quality_profiles
from omics_orchestrator.steps.workspace import Workspace

MOST_FILES = 500  # profiles that are averaged
MOST_THUMBNAILS = 16
THUMBNAIL = "thumbnail.png"


def pictures(workspace: Workspace, study: str, assay: str) -> dict[str, bytes]:
    """Return PNG files by name; none without pillow (the extra `images`)."""
    if find_spec("PIL") is None:
        return {}
    from omics_orchestrator.formats.sheet import quality_picture, thumbnail_sheet

    drawn = {}
    if profile := mean_profile(quality_profiles(workspace.database, study, assay, MOST_FILES)):
        drawn["quality by position"] = quality_picture(profile)
    if thumbnails := _thumbnails(workspace, study, assay):
        drawn["thumbnails"] = thumbnail_sheet(thumbnails)
    return drawn


def mean_profile(profiles: Sequence[tuple[Sequence[float], int]]) -> list[float]:
    """Return the mean over files of their mean quality, by position of the read; empty = there is no profile.

    Args:
        profiles: per file, means of so many bases at a time (first position first), and how many.
    """
    length = max((len(means) * width for means, width in profiles), default=0)
    step = max((width for _, width in profiles), default=1)
    averaged = []
    for start in range(0, length, step):
        found = [means[start // width] for means, width in profiles if start // width < len(means)]
        if found:
            averaged.append(sum(found) / len(found))
    return averaged


def _thumbnails(workspace: Workspace, study: str, assay: str) -> list[bytes]:
    own = workspace.stores.own
    found = []
    for sha256 in pictured_contents(workspace.database, study, assay, MOST_THUMBNAILS):
        key = f"derived/{sha256}/{THUMBNAIL}"
        if own.head(key):
            found.append(own.get(key))
        if len(found) == MOST_THUMBNAILS:
            break
    return found
