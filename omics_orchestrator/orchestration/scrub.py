"""The nightly scrub: a share of all registered bytes is read again, so that one flipped bit is found within weeks."""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with the class itself.
import dagster as dg

from omics_orchestrator.findings import counted
from omics_orchestrator.orchestration.current import current_workspace
from omics_orchestrator.orchestration.retries import safe, told
from omics_orchestrator.orchestration.schedules import runs_by_itself
from omics_orchestrator.steps.verify import verify

SHARE = 0.04  # of all bytes a night: each is read once in 25 nights
WHEN = "30 4 * * *"  # after the nightly reading of the sources


@dg.op(description="Reads the registered files that were not read for longest and compares their sha256.")
def read_files_again(context: dg.OpExecutionContext) -> None:
    """Fail when a file holds other bytes than registered; what was read is kept either way."""
    with told(context.run, context.retry_number):
        found = verify(current_workspace(), share=SHARE)
    total = sum(found.outcomes.values())
    context.add_output_metadata({**found.outcomes, "files": total, "bytes": found.size})
    if damaged := found.outcomes["damaged"]:
        numbers = ", ".join(map(str, found.numbers["damaged"][:20]))
        words = counted(
            damaged, "file holds other bytes than registered", "files hold other bytes than registered"
        )
        mend = f"{words} (registry files {numbers}): get them back from a copy, then omics verify"
        raise safe("Damaged", mend)


@dg.job(description="A share of all registered files is read again and compared with what was registered.")
def scrub() -> None:
    """Read files again."""
    read_files_again()


def nightly_scrub() -> dg.ScheduleDefinition:
    """Return the schedule of the scrub, in UTC."""
    return runs_by_itself(
        "nightly_scrub", scrub, WHEN, "Reads a twenty-fifth of all registered bytes again every night."
    )
