"""The data dictionary as it was at a git commit: its files, and when they changed. What they say is read elsewhere."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from omics_orchestrator.errors import NotConfigured, UnknownKey


def files_at(folder: Path, ref: str, into: Path) -> str:
    """Write the files of `folder` as they were at `ref` into `into`; return the commit's short name.

    Raises:
        NotConfigured: git is not installed, or `folder` lies in no git working copy.
        UnknownKey: no commit, branch or tag is called `ref`, or the folder was not there yet.
    """
    _see_working_copy(folder)
    prefix = _said(folder, "rev-parse", "--show-prefix")
    top = Path(_said(folder, "rev-parse", "--show-toplevel"))
    found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.returncode:
        raise UnknownKey("commit, branch or tag", ref, _refs(folder))
    commit = found.stdout.decode().strip()
    archive = _git(top, "archive", "--format=tar", f"{commit}:{prefix.rstrip('/')}")
    if archive.returncode:
        raise UnknownKey("data dictionary at", ref, ())
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(into, filter="data")
    return commit[:12]


def days_of(folder: Path, names: Sequence[str]) -> list[tuple[str, dict[str, bytes]]]:
    """Return each day (YYYY-MM-DD) on which one of these files changed and their content at its end, the oldest first.

    Commits of branches count on the day on which they were merged; a file that was not there then is left out.

    Raises:
        NotConfigured: git is not installed, or `folder` lies in no git working copy.
    """
    _see_working_copy(folder)
    logged = _said(folder, "log", "--first-parent", "--reverse", "--format=%H %cs", "--", *names).splitlines()
    days: list[tuple[str, str]] = []
    for commit, day in (line.split() for line in logged):
        if days and days[-1][0] == day:
            days.pop()
        days.append((day, commit))
    asked = [f"{commit}:./{name}" for _, commit in days for name in names]
    found = iter(_contents(folder, asked))
    return [(day, {n: c for n in names if (c := next(found)) is not None}) for day, _ in days]


def _contents(folder: Path, asked: Sequence[str]) -> Iterator[bytes | None]:
    """Yield the content of each `<commit>:./<file>`, None where there is none; one process for all."""
    said = _git(folder, "cat-file", "--batch", given="\n".join(asked).encode() + b"\n").stdout
    place = 0
    for _ in asked:
        head = said[place : said.index(b"\n", place)]
        place += len(head) + 1
        if head.endswith(b" missing"):
            yield None
            continue
        size = int(head.rpartition(b" ")[2])
        yield said[place : place + size]
        place += size + 1


def _see_working_copy(folder: Path) -> None:
    if _git(folder, "rev-parse", "--is-inside-work-tree").stdout.strip() != b"true":
        raise NotConfigured(
            f"{folder} lies in no git working copy; only there are earlier versions of it kept"
        )


def user_address(folder: Path) -> str:
    """Return the e-mail address of whoever commits in `folder`; '' = git was not told any.

    Raises:
        NotConfigured: git is not installed.
    """
    return _said(folder, "config", "user.email").strip()


def _refs(folder: Path) -> list[str]:
    listed = _git(folder, "for-each-ref", "--format=%(refname:short)").stdout.decode().split()
    return ["HEAD", *listed]


def _said(folder: Path, *arguments: str) -> str:
    return _git(folder, *arguments).stdout.decode().removesuffix("\n")


def _git(folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, input=given, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise NotConfigured("the program git is not installed here") from error
