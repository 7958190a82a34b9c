"""The job that makes the code location read its declarations anew, as its "Reload" button does.

Dagster's code server builds the definitions once and keeps them; a reload starts its inner process again, while runs
go on. Webserver and daemon notice within seconds. The sensor that asks for it: sensors/dictionary.py.
"""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with the class itself.
import dagster as dg

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.settings import Settings

LOAD_SECONDS = 180


@dg.op(
    description="Asks the code server to build its definitions from the declarations as they lie on the disk now."
)
def read_declarations_again(context: dg.OpExecutionContext) -> None:
    """Fail when the code server does not answer, or is none that can reload."""
    from dagster._grpc.client import DagsterGrpcClient

    place = Settings.from_environment().code_server
    if place is None:
        raise NotConfigured(
            "OMICS_CODE_HOST and OMICS_CODE_PORT do not name the code server: set both, as make dev and the stack do"
        )
    client = DagsterGrpcClient(host=place[0], port=place[1])
    before = client.get_server_id()
    client.reload_code(timeout=LOAD_SECONDS)
    context.log.info("the code location was loaded anew: %s", client.get_server_id() != before)


@dg.job(description="The code location reads its declarations anew.", executor_def=dg.in_process_executor)
def reload_declarations() -> None:
    """Read the declarations again."""
    read_declarations_again()
