"""Manifests that come with a delivery (`md5sum`, `sha256sum`): which digest each file must have.

Written by GNU coreutils (`digest  name`, `digest *name`, names may be escaped) or BSD (`MD5 (name) = digest`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from omics_orchestrator.errors import DeliveryError

if TYPE_CHECKING:
    from omics_orchestrator.storage.objects import Stores

GNU = re.compile(r"(?P<escaped>\\?)(?P<digest>[0-9A-Fa-f]{32}|[0-9A-Fa-f]{64}) [ *](?P<name>.+)")
BSD = re.compile(r"(MD5|SHA2?-?256) \((?P<name>.+)\) = (?P<digest>[0-9A-Fa-f]{32}|[0-9A-Fa-f]{64})")
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\\\": "\\"}
LARGEST = 256 * 1024 * 1024  # bytes


class Manifest:
    """Digests by object key; a file may be named by several manifests, which must agree."""

    def __init__(self) -> None:
        self._expected: dict[str, set[str]] = {}

    def __bool__(self) -> bool:
        """Whether it names any file."""
        return bool(self._expected)

    @classmethod
    def read(cls, stores: Stores, location: str) -> Manifest:
        """Read every manifest at a location (one file, or a glob in the last part); names are below its own folder.

        Raises:
            DeliveryError: there is no manifest, or a line is none.
        """
        found = cls()
        listed = stores.expand(location)
        if not listed:
            raise DeliveryError(
                "there is no manifest where study.yaml says; correct `manifest:` or leave it out"
            )
        for number, (store, entry) in enumerate(listed, 1):
            if entry.size > LARGEST:
                raise DeliveryError(
                    f"manifest {number} is larger than {LARGEST >> 20} MiB: no list of digests"
                )
            found.add(store.get(entry.key), entry.key.rpartition("/")[0], f"manifest {number}")
        return found

    def add(self, raw: bytes, folder: str, called: str) -> None:
        """Add the lines of one manifest."""
        for number, line in enumerate(raw.decode("utf-8-sig", "surrogateescape").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            match = GNU.fullmatch(line) or BSD.fullmatch(line)
            if match is None:
                raise DeliveryError(f"{called}, line {number}: not written as md5sum or sha256sum write it")
            name = match["name"]
            if match.groupdict().get("escaped"):
                name = re.sub(r"\\[nr\\]", lambda one: ESCAPES[one[0]], name)
            key = "/".join(part for part in (folder, name.removeprefix("./")) if part)
            self._expected.setdefault(key, set()).add(match["digest"].lower())

    @property
    def names_md5(self) -> bool:
        """Whether some digest is an md5, which must be taken while reading."""
        return any(len(digest) == 32 for digests in self._expected.values() for digest in digests)

    def lines(self) -> Iterable[str]:
        """Yield what the manifests say, in a fixed order."""
        yield from (f"{key}\0{sorted(digests)}" for key, digests in sorted(self._expected.items()))

    def contradicts(self, key: str, sha256: str | None, md5: str | None) -> bool:
        """Tell whether a file that was read has another digest than a manifest gives."""
        if sha256 is None or not (expected := self._expected.get(key)):
            return False
        return any(digest != (md5 if len(digest) == 32 else sha256) for digest in expected)

    def keys_named(self) -> list[str]:
        """Return the keys of all files that the manifests name."""
        return list(self._expected)
