"""Steps wait for a place in the pool of what they use: one per REDCap server, one for what is heavy in Postgres."""

from __future__ import annotations

import threading
import time

import dagster as dg

from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.orchestration.materialise import QUIET
from omics_orchestrator.orchestration.pools import DATABASE, of_source
from omics_orchestrator.settings import Settings
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.steps.test_extract_redcap import MAPPING, STUDY

WAREHOUSE = dg.AssetKey(["warehouse", "participant"])


def test_one_pool_for_one_server_whatever_study_reads_it(installation: Installation) -> None:
    installation.declare(
        "one",
        study=STUDY.format(url="https://redcap.example.org/api/").replace("tiny", "one"),
        mapping=MAPPING,
    )
    secret = STUDY.format(url="there").replace('"there"', "{secret: TWO_URL}").replace("tiny", "two")
    installation.declare("two", study=secret, mapping=MAPPING)
    studies = installation.workspace().catalogue.studies
    known = Settings.from_environment({"TWO_URL": "https://redcap.example.org/other/api/"})
    other = Settings.from_environment({"TWO_URL": "https://redcap.elsewhere.org/api/"})
    pool = of_source(known, studies["one"], "redcap")
    assert pool is not None
    assert pool.startswith("redcap_")
    assert "example" not in pool
    assert of_source(known, studies["two"], "redcap") == pool
    assert of_source(other, studies["two"], "redcap") not in {None, pool}
    assert of_source(Settings.from_environment({}), studies["two"], "redcap") is None
    assert of_source(known, studies["tiny"], "files") is None


def test_a_step_waits_until_the_pool_has_a_place(installation: Installation) -> None:
    workspace = installation.workspace()
    instance = open_instance(installation.settings)
    storage = instance.event_log_storage
    storage.set_concurrency_slots(DATABASE, 1)
    assert storage.claim_concurrency_slot(DATABASE, "another", "step").is_claimed
    job = build_definitions(workspace).resolve_implicit_global_asset_job_def()
    done: list[bool] = []

    def run() -> None:
        result = job.execute_in_process(
            instance=instance, asset_selection=[WAREHOUSE], raise_on_error=False, run_config=QUIET
        )
        done.append(result.success)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 240
    while not storage.get_concurrency_info(DATABASE).pending_step_count and time.monotonic() < deadline:
        time.sleep(0.1)
    info = storage.get_concurrency_info(DATABASE)
    assert (info.active_slot_count, info.pending_step_count, done) == (1, 1, [])
    storage.free_concurrency_slots_for_run("another")
    thread.join(240)
    assert len(done) == 1
    assert storage.get_concurrency_info(DATABASE).active_slot_count == 0
