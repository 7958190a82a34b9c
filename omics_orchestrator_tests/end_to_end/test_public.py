"""The three public cohorts in one warehouse, from their files to `load()`; skipped where the files are not at hand."""

from __future__ import annotations

import json
import subprocess
import sys

from omics_orchestrator_tests.end_to_end.conftest import Made

NOTEBOOK = """
import json, warnings
warnings.simplefilter("ignore")
from omics_orchestrator import load
people = load("warehouse/participant")
matrix = load("matrix/hmp2/metabolomics")
print(json.dumps({
    "participants": people.groupby("study").size().to_dict(),
    "groups": sorted(set(people["study_group"].dropna())),
    "sexes": sorted(set(people["sex"].dropna())),
    "visits": len(load("warehouse/visit", studies=["hmp2"])),
    "shape": list(matrix.shape),
    "unique": bool(matrix.var_names.is_unique),
    "repeated": int(matrix.var_names.str.contains("#").sum()),
    "empty": bool(__import__("numpy").isnan(matrix.X).any()),
    "obs": sorted({"study_group", "sex", "age", "calprotectin", "sample_type"} & set(matrix.obs.columns)),
    "cd": len(load("matrix/hmp2/metabolomics", where={"study_group": "cd"})),
}))
"""


def test_public_cohorts_meet_in_one_coding(public: Made) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], env=public.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["participants"] == {"hmp2": 24, "prism": 220, "risk": 80}
    assert found["groups"] == ["cd", "control", "ibdu", "non_ibd", "uc"]
    assert found["sexes"] == ["female", "male"]
    assert found["visits"] == 420
    assert (found["shape"], found["unique"], found["empty"]) == ([135, 507], True, True)
    assert found["repeated"] == 41
    assert found["obs"] == ["age", "calprotectin", "sample_type", "sex", "study_group"]
    assert found["cd"] == 42


def test_what_the_tables_hide_is_told(public: Made) -> None:
    status = public.omics("status", "--failed")
    assert "sccai_in_cd" in status
    assert "18 rows, made from 53 source rows" in status
    assert "calprotectin_in_two_columns" in status
    assert "(25 rows" in status
    missing = public.omics(
        "sql",
        "select variable, outcome, count from harmonised_hmp2.participant__ledger where outcome like 'missing%'",
    )
    weights = [line.split()[-1] for line in missing.splitlines() if line.startswith("baseline_weight")]
    assert weights == ["3"]
    unknown = public.omics(
        "sql",
        "select sum(count) as told from harmonised_risk.participant__ledger where outcome like 'missing%'",
    )
    assert int(unknown.splitlines()[1].strip()) > 0


def test_second_run_writes_nothing(public: Made) -> None:
    assert "nothing ran, nothing was written" in public.omics("demo", "--studies", "public")
