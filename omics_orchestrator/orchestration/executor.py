"""The executor of all runs: Dagster's in-process one, in a process that shows that it lives. Who looks: watched.py."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor

from omics_orchestrator.orchestration.current import current_workspace
from omics_orchestrator.storage.presence import WORKER, Presence


class PresentExecutor(InProcessExecutor):
    """Executes in this process and holds the lock of the run meanwhile."""

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Yield the events of the run; a process that is killed lets go of the lock."""
        with Presence(current_workspace().database, WORKER, plan_context.run_id):
            yield from super().execute(plan_context, execution_plan)


@dg.executor(name="in_process")
def present_in_process(_: dg.InitExecutorContext) -> PresentExecutor:
    """Execute all steps of a run in one process, steps that ask for a retry once more."""
    return PresentExecutor(retries=RetryMode.ENABLED)
