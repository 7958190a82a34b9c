"""The data dictionary as it was at a git commit: its files, written into a folder. What they say is read elsewhere."""

from __future__ import annotations

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from omics_orchestrator.errors import NotConfigured, UnknownKey


def files_at(folder: Path, ref: str, into: Path) -> str:
    """Write the files of `folder` as they were at `ref` into `into`; return the commit's short name.

    Raises:
        NotConfigured: git is not installed, or `folder` lies in no git working copy.
        UnknownKey: no commit, branch or tag is called `ref`, or the folder was not there yet.
    """
    if _git(folder, "rev-parse", "--is-inside-work-tree").stdout.strip() != b"true":
        raise NotConfigured(
            f"{folder} lies in no git working copy; only there are earlier versions of it kept"
        )
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


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise NotConfigured("the program git is not installed here") from error
