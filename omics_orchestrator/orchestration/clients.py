"""Runs of killed processes: a client's runs carry a number whose lock Postgres frees when the client dies.

Runs that the daemon launched are looked after by watched.py.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.presence import CLIENT, Presence, holder

TAG = "omics/client"
UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]


@contextmanager
def registered(database: Database, instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Yield the tags for this client's runs; runs that a killed client left open are reported as failed first.

    Places in pools that they held are given back.
    """
    number = str(secrets.randbits(62))
    with Presence(database, CLIENT, number):
        for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
            if TAG in run.tags and holder(database, CLIENT, run.tags[TAG]) is None:
                instance.report_run_failed(run, "the process of this run ended before the run did")
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        yield {TAG: number}
