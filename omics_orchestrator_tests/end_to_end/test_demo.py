"""`omics demo` as a person meets it: an empty home, the embedded server, every planted fault reported."""

from __future__ import annotations

import json
import re

from omics_orchestrator_tests.end_to_end.conftest import Made


def failed_checks(made: Made) -> dict[tuple[str, str], str]:
    """Return (asset, check) → message of the failed checks."""
    found = {}
    for line in made.omics("status", "--failed").splitlines():
        if match := re.match(r"(?:error|warn) +(\S+) · (\w+): (.*)", line):
            found[match[1], match[2]] = match[3]
    return found


def test_first_run_tells_where_everything_is(demo: Made) -> None:
    for word in (
        "Tables",
        "Values",
        "Files",
        "Matrices",
        "Checks",
        "Coverage",
        "Next",
        "warehouse",
        "demo_child",
    ):
        assert word in demo.printed
    assert "failed  raw" not in demo.printed
    assert "held back" not in demo.printed


def test_second_run_writes_nothing(demo: Made) -> None:
    before = {path: path.stat().st_mtime_ns for path in (demo.home / "store").rglob("*") if path.is_file()}
    printed = demo.omics("demo")
    assert "nothing ran, nothing was written" in printed
    after = {path: path.stat().st_mtime_ns for path in (demo.home / "store").rglob("*") if path.is_file()}
    assert before == after


def test_every_planted_fault_is_reported_and_nothing_else(demo: Made) -> None:
    faults = json.loads((demo.home / "demo" / "manifest.json").read_text())["faults"]
    assert len(faults) >= 5
    failed = failed_checks(demo)
    planted = {fault["asset"] for fault in faults}
    for fault in faults:
        messages = [message for (asset, _), message in failed.items() if asset == fault["asset"]]
        assert messages, fault
    assert {asset for asset, _ in failed} == planted


SWAPS = {
    "sex_swap_genotype": "sex_genotype",
    "sex_swap_expression": "sex_expression",
    "genomes_of_two_people": "concordance",
    "one_content_twice": "one_content",
}


def test_identity_checks_find_the_planted_swaps_and_no_other(demo: Made) -> None:
    faults = json.loads((demo.home / "demo" / "manifest.json").read_text())["faults"]
    planted = {(f["asset"], SWAPS[f["kind"]]): f["count"] for f in faults if f["kind"] in SWAPS}
    assert len(planted) == len(SWAPS)
    found = {}
    for study in ("demo_adult", "demo_child", "demo_registry"):
        query = f"select 'x', \"check\", count(*) from identity_{study}.outcomes where outcome = 'differs' group by 2"
        for line in demo.omics("sql", query).splitlines():
            if match := re.match(r"x +(\w+) +(\d+)", line):
                found[f"identity/{study}", match[1]] = int(match[2])
    assert found == planted


def test_ledger_balances(demo: Made) -> None:
    match = re.search(r"Values +([\d,]+) in = ([\d,]+) out \+ ([\d,]+) accounted for", demo.printed)
    assert match
    values_in, values_out, lost = (int(number.replace(",", "")) for number in match.groups())
    assert values_in == values_out + lost
    assert values_in > 10_000


def test_forced_run_touches_no_row(demo: Made) -> None:
    assert re.search(r"\d+ assets ran, 0 rows and objects written", demo.omics("materialize", "--force"))


def test_sql_is_read_only(demo: Made) -> None:
    assert "120" in demo.omics("sql", "select study, count(*) from warehouse.participant group by study")
    for query, words in {
        "delete from warehouse.participant": "a query begins with SELECT",
        "with gone as (delete from warehouse.participant returning 1) select * from gone": "read-only transaction",
    }.items():
        refused = demo.omics("sql", query, check=False)
        assert words in refused
        assert "Traceback" not in refused


def test_doors_answer(demo: Made) -> None:
    assert "calprotectin" in demo.omics("variables", "calprotectin")
    assert "quarantine: invalid" in demo.omics("files", "demo_adult")
    assert "are fine" in demo.omics("check")
    status = demo.omics("status")
    assert "hmp2, prism, risk: not available here, OMICS_STORE_PUBLIC_URL is not set" in status
    assert demo.omics("run", "--", "sh", "-c", "echo $PGDATABASE $DAGSTER_HOME").split()[0] == "omics"


def test_nothing_stored_by_dagster_names_a_participant(demo: Made) -> None:
    dump = demo.omics(
        "run", "--", "sh", "-c", 'PGDATABASE=dagster psql -At -c "select event from event_logs" || true'
    )
    assert "ASSET_MATERIALIZATION" in dump
    for pattern in (r"DA-\d\d-\d{3}", r"DA\d{3}[SB]\d"):
        assert not re.search(pattern, dump)
