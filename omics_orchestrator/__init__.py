"""Clinical and omics data of research studies: declared, extracted, harmonised, registered, loaded.

The public names are imported on first use: `import omics_orchestrator` loads no Dagster, pandas or anndata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omics_orchestrator.loaders import fetch_file, list_studies, load, search
    from omics_orchestrator.traces import trace

__all__ = ["fetch_file", "list_studies", "load", "search", "trace"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = "traces" if name == "trace" else "loaders"
    return getattr(import_module(f"omics_orchestrator.{module}"), name)


def __dir__() -> list[str]:
    """List the public names for completion."""
    return sorted([*globals(), *__all__])
