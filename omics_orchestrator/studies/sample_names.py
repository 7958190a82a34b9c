"""How a sample name found inside a file is read: by the rule `link: {in_file: …}` of the assay.

The registry links by it, matrices label their rows by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from omics_orchestrator.studies.assay import InFile


def sample_reader(rule: InFile) -> Callable[[str], tuple[str | None, str | None]]:
    """Return the function that turns a name found inside a file into (participant, sample).

    A name that the rule's pattern does not match is returned as it is: no known sample is likely to bear it.
    """
    pattern = re.compile(rule.pattern)
    named = {"participant", "sample"} & pattern.groupindex.keys()

    def read(name: str) -> tuple[str | None, str | None]:
        match = pattern.fullmatch(name)
        if match is None:
            return None, name
        groups = match.groupdict("")
        if rule.written is not None:
            return groups.get("participant"), rule.written.format(**groups)
        return (groups.get("participant"), groups.get("sample")) if named else (None, name)

    return read
