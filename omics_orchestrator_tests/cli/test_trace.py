"""`omics trace` and `omics dictionary diff` as a person meets them: pages to read, messages without a traceback."""

from __future__ import annotations

import subprocess

from omics_orchestrator_tests.cli.test_commands import omics
from omics_orchestrator_tests.installation import MAPPING, Installation


def test_trace_prints_a_page(installation: Installation) -> None:
    mapping = MAPPING.replace("unit: mg/L}", "unit: mg/dL, censored: yes}")
    derived = '  sampling_ifx: {derive: "crp > 50"}\nsample:\n'
    installation.declare("tiny", mapping=mapping.replace("sample:\n", derived, 1))
    assert omics(installation, "materialize", "raw", "harmonised").returncode == 0
    page = omics(installation, "trace", "tiny", "P1", "--visit", "1", "sampling_ifx")
    assert page.returncode == 0, page.stderr
    value, rule, run, agrees, part, *rest = page.stdout.splitlines()
    assert value == "sampling_ifx = yes    P1 · 1"
    assert rule.startswith("  rule     {derive: crp > 50}    (rule ")
    assert run.startswith("  run      ")
    assert agrees == "  agrees   read again, the raw text gives the same value"
    assert part == "    crp = 55.0 mg/L"
    assert rest[1] == "      from     files.visits, row_number 1: crp '5.5' → value"
    missing = omics(installation, "trace", "tiny", "P2", "crp").stdout
    assert missing.startswith("crp = missing (not_collected)    P2 · 1\n")
    assert "crp (empty) → blank" in missing


def test_trace_tells_what_it_does_not_know(installation: Installation) -> None:
    never = omics(installation, "trace", "tiny", "P1", "crp")
    assert (never.returncode, never.stdout) == (1, "")
    assert never.stderr.strip().endswith("omics materialize harmonised/tiny/participant")
    unknown = omics(installation, "trace", "tiny", "P1", "crpp")
    assert unknown.stderr == 'no variable of tiny "crpp"; nearest: "crp"\n'


def test_dictionary_diff_prints_what_changed(installation: Installation) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(
            ["git", "-C", str(installation.folder), *who, *arguments], check=True, capture_output=True
        )

    alone = omics(installation, "dictionary", "diff", "HEAD")
    assert alone.returncode == 1
    assert alone.stderr.strip().endswith(
        "lies in no git working copy; only there are earlier versions of it kept"
    )
    git("init", "-q")
    git("add", "dictionary")
    git("commit", "-q", "-m", "before")
    same = omics(installation, "dictionary", "diff", "HEAD")
    assert same.stdout.splitlines()[1:] == ["nothing changed", "", "no asset is touched"]
    installation.declare("tiny", mapping=MAPPING.replace("f: female}", "f: female, x: unknown}"))
    found = omics(installation, "dictionary", "diff", "HEAD").stdout.splitlines()
    assert found[2:5] == ["studies", "  ~ tiny", "      + participant.sex.map.x: unknown"]
    assert found[6] == "assets: 1"
    assert found[7].split() == ["harmonised/tiny/participant", "runs", "again"]
