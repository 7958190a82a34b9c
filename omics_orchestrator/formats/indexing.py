"""Makes the index that a file lacks: .bai or .csi of a BAM, .crai of a CRAM, .tbi or .csi of variant calls, by htslib.

Where it is kept is the registry's matter. Whether an index that lies beside a file fits: alignment_index.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from omics_orchestrator.errors import FormatError, NotConfigured
from omics_orchestrator.formats.temporary import is_full, no_room, said
from omics_orchestrator.formats.text import GZIP, text_head

LONGEST_BAI = 1 << 29  # bases of a reference: beyond it a .bai or .tbi has no bins (SAM specification, 5.1.1)
_one_at_a_time = Lock()  # htslib's verbosity and pysam's capture of stderr are the process's


@dataclass(frozen=True)
class DerivedIndex:
    """An index made by us; its name is that of the file with `suffix` after it."""

    suffix: str
    raw: bytes = field(repr=False)


def make_index(file: Path) -> DerivedIndex:
    """Return the index of a local file; the file and its folder are left as they are.

    The kind is told by content: BAM sorted by position → .bai (.csi where a reference has 2^29 bases or more),
    CRAM → .crai, VCF compressed by bgzip → .tbi (.csi alike), BCF → .csi.

    Raises:
        FormatError: it cannot be indexed: another kind of file, plain gzip, not sorted, cut off, damaged.
        NotConfigured: pysam is not installed (the extra `variants`).
        StorageError: there is no room for it on the disk of temporary files.
    """
    with file.open("rb") as stream:
        head = stream.read(64 * 1024)
    kind = _kind(head)
    pysam = _pysam()
    size = file.stat().st_size
    with ExitStack() as held:
        try:
            folder = Path(held.enter_context(TemporaryDirectory(prefix="omics-")))
            link = folder / "content"  # htslib reads URLs and `##idx##` out of names: it sees only this one
            link.symlink_to(file.resolve())
        except OSError as error:
            raise no_room(said(error), size) from None
        try:
            with _quiet(pysam):
                return _indexed(pysam, link, kind)
        except (FormatError, OSError):
            if is_full(folder):  # htslib does not tell why it stopped
                raise no_room("is full", size) from None
            raise


def _indexed(pysam: Any, link: Path, kind: str) -> DerivedIndex:
    if kind == "BAM":
        return _of_bam(pysam, link)
    if kind == "CRAM":
        return _of_reads(pysam, link, ".crai")
    return _of_calls(pysam, link, kind)


def _kind(head: bytes) -> str:
    """Return BAM, CRAM, VCF or BCF.

    Raises:
        FormatError: none of them, or not compressed so that parts of it can be read.
    """
    if head.startswith(b"CRAM"):
        return "CRAM"
    text = text_head(head)
    kinds = {b"BAM\1": "BAM", b"BCF\2": "BCF", b"##fileformat=VCF": "VCF"}
    kind = next((kind for magic, kind in kinds.items() if text.startswith(magic)), "")
    if not kind:
        raise FormatError("there is no index of such a file: no BAM, CRAM, VCF or BCF")
    if not head.startswith(GZIP + b"\x08\x04") or head[12:14] != b"BC":
        how = "gzip" if head.startswith(GZIP) else "not compressed"
        raise FormatError(f"{how} instead of bgzip: it cannot be indexed")
    return kind


def _of_bam(pysam: Any, link: Path) -> DerivedIndex:
    try:
        with pysam.AlignmentFile(str(link), "rb", check_sq=False) as reads:
            longest = max(reads.lengths, default=0)
    except (OSError, ValueError):
        raise _refusal() from None
    if not longest:
        raise FormatError("its reads are not aligned: there is nothing to index")
    return _of_reads(pysam, link, ".bai" if longest < LONGEST_BAI else ".csi")


def _of_reads(pysam: Any, link: Path, suffix: str) -> DerivedIndex:
    made = link.with_name(f"index{suffix}")
    options = ["-c"] if suffix == ".csi" else []
    try:
        pysam.index(*options, str(link), str(made), catch_stdout=False)
    except pysam.SamtoolsError:
        raise _refusal() from None
    return _made(made, suffix)


def _of_calls(pysam: Any, link: Path, kind: str) -> DerivedIndex:
    for suffix in (".csi",) if kind == "BCF" else (".tbi", ".csi"):
        made = link.with_name(f"index{suffix}")
        try:
            pysam.tabix_index(
                str(link),
                preset=kind.lower(),
                index=str(made),
                csi=suffix == ".csi",
                keep_original=True,
                force=True,
            )
        except (OSError, ValueError):
            continue
        return _made(made, suffix)
    raise _refusal()


def _made(made: Path, suffix: str) -> DerivedIndex:
    if not made.is_file() or not made.stat().st_size:
        raise _refusal()
    return DerivedIndex(suffix, made.read_bytes())


def _refusal() -> FormatError:
    """Return the refusal; htslib's own words may hold what stands in the file."""
    return FormatError("it cannot be indexed: not sorted by position, cut off or damaged")


@contextmanager
def _quiet(pysam: Any) -> Iterator[None]:
    """Keep htslib from writing to stderr, one thread at a time."""
    with _one_at_a_time:
        before = pysam.set_verbosity(0)
        try:
            yield
        finally:
            pysam.set_verbosity(before)


def _pysam() -> Any:
    try:
        import pysam
    except ImportError:
        raise NotConfigured("indexes are made by pysam: install omics-orchestrator[variants]") from None
    return pysam
