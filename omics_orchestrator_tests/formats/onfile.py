"""An `OpenFile` on disk, read in blocks of a chosen size."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OnFile:
    file: Path
    block: int = 64 * 1024

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def size(self) -> int:
        return self.file.stat().st_size

    def blocks(self) -> Iterator[bytes]:
        with self.file.open("rb") as stream:
            while data := stream.read(self.block):
                yield data

    def path(self) -> Path:
        return self.file
