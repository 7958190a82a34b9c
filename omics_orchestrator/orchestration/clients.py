"""Runs of killed processes: a client's runs carry a number whose advisory lock Postgres frees when the client dies."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg2
from psycopg2.extensions import cursor as cursor_type

from omics_orchestrator.storage.database import Database

TAG = "omics/client"
UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]


@contextmanager
def registered(database: Database, instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Yield the tags for this client's runs; runs that a killed client left open are reported as failed first."""
    number = secrets.randbits(62)
    connection = psycopg2.connect(database.url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_lock(%s)", (number,))
            for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
                if TAG in run.tags and _is_dead(cursor, int(run.tags[TAG])):
                    instance.report_run_failed(run, "the process of this run ended before the run did")
        yield {TAG: str(number)}
    finally:
        connection.close()


def _is_dead(cursor: cursor_type, number: int) -> bool:
    cursor.execute("select pg_try_advisory_lock(%s)", (number,))
    found = cursor.fetchone()
    if found is None or not found[0]:
        return False
    cursor.execute("select pg_advisory_unlock(%s)", (number,))
    return True
