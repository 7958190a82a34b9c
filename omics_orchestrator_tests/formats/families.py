"""The smallest good file of formats that share a table-driven test: tag → what `tiny()` would return."""

from collections.abc import Callable

from omics_orchestrator.formats import Format
from omics_orchestrator.formats.opaque import Opaque
from omics_orchestrator_tests.formats.tool_tables import TABLES

TINY: dict[str, Callable[[], tuple[Format, str, bytes]]] = {
    "opaque": lambda: (Opaque(), "protocol.docx", b"PK\x03\x04 something"),
    **TABLES,
}
