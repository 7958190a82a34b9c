"""The command line's manners: exit codes, messages for people, the watcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.installation import MAPPING, Installation


def omics(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(installation.folder), **installation.environment()}
    return subprocess.run(
        [sys.executable, "-m", "omics_orchestrator.cli", *arguments],
        env=environment,
        cwd=WORKING_COPY,
        capture_output=True,
        text=True,
    )


def test_check_tells_every_mistake_with_file_and_line(installation: Installation) -> None:
    fine = omics(installation, "check")
    assert (fine.returncode, fine.stdout) == (0, "tiny is fine\n")
    installation.declare(
        "wrong", mapping=MAPPING.replace("recode: sex", "recodee: sex").replace("unit: a", "unit: kg")
    )
    wrong = omics(installation, "check")
    assert wrong.returncode == 1
    assert "mapping.yaml:4: participant.sex" in wrong.stdout
    assert "mapping.yaml:5: participant.age" in wrong.stdout
    assert wrong.stdout.endswith("2 problems in wrong; tiny is fine\n")
    assert omics(installation, "check", "tiny").returncode == 0


def test_materialize_status_and_doors(installation: Installation) -> None:
    first = omics(installation, "materialize")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "11 assets ran" in first.stdout
    assert "everything is up to date" in omics(installation, "materialize").stdout
    assert "all" not in omics(installation, "status", "--failed").stdout.split("checks")[0]
    assert "tiny" in omics(installation, "status").stdout
    assert "4 samples" in omics(installation, "files", "tiny").stdout
    assert "75%" in omics(installation, "variables", "crp").stdout
    none = omics(installation, "materialize", "nonsense")
    assert none.returncode == 1
    assert "no asset lies below nonsense" in none.stdout


def test_variables_are_searched_by_any_words(installation: Installation) -> None:
    def shown(*words: str) -> list[str]:
        return omics(installation, "variables", *words).stdout.splitlines()

    assert shown("stool", "calprotectin")[1].startswith("calprotectin ")
    assert shown("montreal_uc_extent")[1].startswith("montreal_uc_extent ")
    typed = shown("haemoglobine")
    assert typed[1].startswith("haemoglobin ")
    assert 'no variable holds "haemoglobine"; did you mean haemoglobin?' in typed
    many = shown("surgery")
    assert "20 rows" in many
    assert many[-1].endswith("more hold one of the words: --all")
    assert len(shown("surgery", "--all")) > len(many)
    assert len(shown()) > 500
    named = shown("tiny", "crp")
    assert named[0] == "Studies: tiny (Tiny study)"
    assert named[2].startswith("crp ")
    assert shown("metabolomics")[0] == "Studies: tiny (Tiny study)"


def test_status_tells_how_old_the_last_backup_is(installation: Installation) -> None:
    assert "no back-up was taken here" in omics(installation, "status").stdout
    assert omics(installation, "backup", str(installation.folder / "saved")).returncode == 0
    assert "back-up: just now" in omics(installation, "status").stdout
    (installation.settings.home / "last_backup").write_text("2026-01-01T00:00:00+00:00")
    assert "d ago; " in omics(installation, "status").stdout
    (installation.settings.home / "last_backup").write_text("cut o")
    assert "no back-up was taken here" in omics(installation, "status").stdout


def test_a_study_that_lacks_a_secret_says_which(installation: Installation) -> None:
    study = (
        "study: far\ntitle: Far\nstewards: [far@example.org]\nparticipant_id: {pattern: 'P[0-9]+'}\n"
        "sources: {live: {kind: redcap, url: 'https://redcap.example.org/api/', token: {secret: FAR_TOKEN}}}\n"
    )
    installation.declare(
        "far", study=study, mapping="participant:\n  from: live.people\n  age: {number: age}\n"
    )
    answer = omics(installation, "materialize", "far")
    assert answer.returncode == 1
    assert "far: not available here, FAR_TOKEN is not set" in answer.stdout


def test_a_store_that_is_not_set_is_told_wherever_its_study_is_asked_for(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert omics(installation, "materialize", "raw").returncode == 0
    known = installation.environment()
    known.pop("OMICS_STORE_TINY_URL")
    monkeypatch.setattr(Installation, "environment", lambda _: known)
    says = (
        "tiny: not available here, OMICS_STORE_TINY_URL is not set "
        "(where its files lie: file:///folder, s3://bucket, az://container); what is stored of it stays"
    )
    for asked in ((), ("tiny",), ("raw/tiny",), ("raw/tiny/files/people",)):
        told = omics(installation, "materialize", *asked)
        assert told.stdout.splitlines().count(says) == 1, told.stdout + told.stderr
    told = omics(installation, "dictionary", "suggest", "tiny", "--all")
    assert told.returncode == 0, told.stderr
    assert "set OMICS_STORE_TINY_URL (where its files lie: file:///folder" in told.stdout
    assert "columns that are stored here" in told.stdout
    assert "crp: {number: crp}" in told.stdout


def test_status_of_one_study_and_the_statement_that_shows_what_a_check_found(
    installation: Installation,
) -> None:
    people = installation.source / "people.csv"
    people.write_text("id,sex,age,note\nP1,x9,40,\nP2,m,31,\n")
    assert omics(installation, "materialize").returncode == 0
    told = omics(installation, "status", "tiny").stdout
    assert "\ntiny " in told
    assert "\nwarehouse " not in told
    assert " · codes: sex: 1 cell holds a code that the rule does not name" in told
    assert 'sql "select COLUMN, count(*) from raw_STUDY.SOURCE__TABLE group by 1"' in told
    cells = omics(
        installation, "sql", "select sex, count(*) from raw_tiny.files__people group by 1 order by 1"
    )
    assert [line.split() for line in cells.stdout.splitlines()[1:3]] == [["m", "1"], ["x9", "1"]]
    wrong = omics(installation, "status", "tinny")
    assert (wrong.returncode, 'nearest: "tiny"' in wrong.stderr) == (1, True)


def test_two_columns_of_one_name_are_both_shown(installation: Installation) -> None:
    assert omics(installation, "sql", "select 1 as n, 2 as n").stdout.splitlines()[1].split() == ["1", "2"]


def test_broken_source_exits_with_one_and_names_no_cell(installation: Installation) -> None:
    (installation.source / "people.csv").write_text("id,sex,age,note\nP1,m,40,x,SECRET,more\n")
    failed = omics(installation, "materialize", "raw")
    assert failed.returncode == 1
    assert "SECRET" not in failed.stdout + failed.stderr
    assert "failed  raw/tiny/files/people" in failed.stdout
    assert "1 asset ran, 4 rows" in failed.stdout


@pytest.mark.parametrize(
    "arguments", [("sql", "select nonsense"), ("variables", "xyzzy"), ("run", "--", "nosuch")]
)
def test_errors_are_for_people(installation: Installation, arguments: tuple[str, ...]) -> None:
    answer = omics(installation, *arguments)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert answer.stderr.strip()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("OMICS_HOME", "/proc/nowhere", "No such file or directory"),
        ("OMICS_DATABASE_URL", "mysql://x", "OMICS_DATABASE_URL must begin with postgresql://"),
        ("OMICS_DICTIONARY", "/nowhere", "/nowhere/variables.csv:1: the file is missing"),
    ],
)
def test_what_the_machine_lacks_is_told_without_a_traceback(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    environment = {**installation.environment(), variable: value}
    monkeypatch.setattr(installation, "environment", lambda: environment)
    answer = omics(installation, "materialize")
    assert answer.returncode == 1
    assert told in answer.stderr
    assert "Traceback" not in answer.stderr


def test_materialize_names_broken_studies(installation: Installation) -> None:
    installation.declare("wrong", mapping=MAPPING.replace("recode: sex", "recodee: sex"))
    answer = omics(installation, "materialize", "raw")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "wrong: its declaration is broken" in answer.stdout


def test_run_gives_the_environment_and_the_exit_code(installation: Installation) -> None:
    answer = omics(installation, "run", "--", "sh", "-c", "echo $DAGSTER_HOME $PGPORT; exit 7")
    assert answer.returncode == 7
    assert answer.stdout.split()[0] == str(installation.settings.dagster_home)


def test_run_finds_programs_of_its_own_environment(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.defpath)  # nobody activated it
    for log in ("text", "json"):
        monkeypatch.setenv("OMICS_LOG", log)
        answer = omics(installation, "run", "--", "dagster", "--version")
        assert (answer.returncode, answer.stdout.split()[0]) == (0, "dagster,")


def test_watcher_ends_a_group_whose_owner_was_killed() -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    owner_code = (
        "import subprocess, sys, time\n"
        "watcher = subprocess.Popen([sys.executable, '-m', 'omics_orchestrator.cli.watcher'],"
        " stdin=subprocess.PIPE, start_new_session=True)\n"
        f"child = subprocess.Popen([sys.executable, '-c', {stubborn!r}], process_group=0)\n"
        "watcher.stdin.write(f'{child.pid}\\n'.encode()); watcher.stdin.flush()\n"
        "print(child.pid, flush=True); time.sleep(600)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", owner_code], stdout=subprocess.PIPE, text=True, cwd=WORKING_COPY
    )
    assert owner.stdout
    child = int(owner.stdout.readline())
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and psutil.pid_exists(child):
        time.sleep(0.1)
    assert not psutil.pid_exists(child)
