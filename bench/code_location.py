"""Loading the code location with 10 and 200 studies against bare Dagster assets with the same checks and metadata.

Both sides run in a process of their own, imports left out; ours reads the declarations through its digest cache.
"""

from __future__ import annotations

import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.report import BenchRow

REPOSITORY = Path(__file__).resolve().parents[1]
MODEL = REPOSITORY / "data_dictionary" / "studies" / "hmp2"
REPEATS = 5

OURS = """
import pickle, sys, time
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.workspace import Workspace
settings = Settings.from_environment()
started = time.perf_counter()
definitions = build_definitions(Workspace(settings))
definitions.get_repository_def()
print(time.perf_counter() - started)
if len(sys.argv) > 1:
    from bench.code_location import recorded
    pickle.dump(recorded(definitions), open(sys.argv[1], "wb"))
"""
BARE = """
import pickle, sys, time
from bench.code_location import bare_definitions
plain = pickle.load(open(sys.argv[1], "rb"))
import dagster as dg
started = time.perf_counter()
bare_definitions(plain).get_repository_def()
print(time.perf_counter() - started)
"""


def recorded(definitions):
    """Return what our assets are made of, as plain keyword arguments of Dagster's own classes."""
    plain = []
    for asset in definitions.assets:
        if not hasattr(asset, "specs"):
            continue
        for spec in asset.specs:
            plain.append(
                {
                    "key": spec.key,
                    "inputs": dict(asset.keys_by_input_name),
                    "checks": [
                        {
                            "name": one.name,
                            "asset": spec.key,
                            "description": one.description,
                            "blocking": one.blocking,
                        }
                        for one in asset.check_specs
                    ],
                    "group_name": spec.group_name,
                    "description": spec.description,
                    "code_version": spec.code_version,
                    "metadata": {
                        name: value
                        for name, value in spec.metadata.items()
                        if not name.startswith("dagster/io")
                    },
                    "kinds": set(spec.kinds),
                    "owners": list(spec.owners),
                    "automation_condition": spec.automation_condition,
                    "freshness_policy": spec.freshness_policy,
                    "daily": spec.partitions_def is not None,
                }
            )
    return plain


def bare_definitions(plain):
    """Return definitions as someone would write them by hand: `@dg.asset` with constants."""
    import dagster as dg

    days = dg.DailyPartitionsDefinition("2004-01-01", end_offset=1)

    def made(one):
        def run(context, **tables):
            return dg.MaterializeResult()

        run.__name__ = "__".join(one["key"].path)
        return dg.asset(
            key=one["key"],
            ins={name: dg.AssetIn(key) for name, key in one["inputs"].items()},
            check_specs=[dg.AssetCheckSpec(**check) for check in one["checks"]],
            **{
                name: one[name]
                for name in ("group_name", "description", "code_version", "metadata", "kinds", "owners")
            },
            automation_condition=one["automation_condition"],
            freshness_policy=one["freshness_policy"],
            partitions_def=days if one["daily"] else None,
            backfill_policy=dg.BackfillPolicy.single_run() if one["daily"] else None,
        )(run)

    return dg.Definitions(assets=[made(one) for one in plain], executor=dg.in_process_executor)


def dictionary_of(folder: Path, number: int) -> None:
    """Write a data dictionary with `number` studies, each a copy of a real one under a name of its own."""
    shutil.copytree(
        REPOSITORY / "data_dictionary", folder, ignore=shutil.ignore_patterns("studies", "schema")
    )
    for index in range(number):
        study = folder / "studies" / f"study_{index:03}"
        shutil.copytree(MODEL, study)
        file = study / "study.yaml"
        file.write_text(file.read_text().replace("study: hmp2", f"study: study_{index:03}"))


def timed(script: str, environment: dict[str, str], *arguments: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout.split()[-1])


def rows() -> list[BenchRow]:
    found = []
    for number in (10, 200):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            dictionary_of(folder / "dictionary", number)
            environment = {
                "PATH": "/usr/bin:/bin",
                "HOME": temporary,
                "OMICS_HOME": str(folder / "home"),
                "OMICS_DICTIONARY": str(folder / "dictionary"),
                "OMICS_STORE_PUBLIC_URL": folder.as_uri(),
            }
            plain = str(folder / "plain.pickle")
            timed(OURS, environment, plain)  # fills the cache and records what the bare side is made of
            pairs = [(timed(OURS, environment), timed(BARE, environment, plain)) for _ in range(REPEATS)]
            assets = len(pickle.loads(Path(plain).read_bytes()))
        ours, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
        name = f"code location, {number} studies, {assets} assets / bare Dagster"
        found.append(BenchRow(name, ours, bare, ours / bare, 1.5))
    return found
