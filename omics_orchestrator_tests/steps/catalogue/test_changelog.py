"""What changed in the dictionary, by day, from git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from omics_orchestrator.steps.catalogue.changelog import NOW, Changed, changelog

HEADER = "name,entity,label,unit\n"
CODES = "code_list,code,label\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "working copy" / "dictionary"
    made.mkdir(parents=True)
    git(made.parent, "init", "-q", "-b", "main")
    (made / "README.md").write_text("stays")
    return made


def git(folder: Path, *arguments: str, day: str = "2025-01-01") -> None:
    when = f"{day}T12:00:00+0000"
    environment = {
        "GIT_COMMITTER_DATE": when,
        "GIT_AUTHOR_DATE": when,
        "HOME": str(folder),
        "PATH": "/usr/bin:/bin",
    }
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(
        ["git", *who, "-C", str(folder), *arguments], check=True, env=environment, capture_output=True
    )


def commit(folder: Path, day: str, variables: str, codes: str = "") -> None:
    (folder / "variables.csv").write_text(HEADER + variables)
    if codes:
        (folder / "code_lists.csv").write_text(CODES + codes)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x", day=day)


def test_days_in_turn(folder):
    commit(
        folder, "2025-01-01", "sex,participant,Sex,\nage,participant,Age,a\n", "sex,m,Male\nsex,f,Female\n"
    )
    commit(
        folder,
        "2025-02-01",
        "sex,participant,Sex,\ncrp,visit,CRP,mg/L\n",
        "sex,m,Male\nsex,f,Women\nsex,x,Other\n",
    )
    commit(folder, "2025-02-03", "sex,participant,Sex,\ncrp,visit,C-reactive protein,mg/L\n")
    third, second, first = changelog(folder).days
    assert (first.day, first.first, first.added) == ("2025-01-01", 2, ())
    assert second.day == "2025-02-01"
    assert second.added == (("crp", "CRP"),)
    assert second.removed == (("age", "Age"),)
    assert second.changed == ()
    assert second.codes == (Changed("sex", (("f", "Female", "Women"), ("x", "", "Other"))),)
    assert third.changed == (Changed("crp", (("label", "CRP", "C-reactive protein"),)),)


def test_drugs_that_came_went_or_changed(folder):
    def drugs(day: str, rows: str) -> None:
        (folder / "drugs.csv").write_text("ingredient,class,atc\n" + rows)
        commit(folder, day, "sex,participant,Sex,\n")

    drugs("2025-01-01", "infliximab,anti-TNF,L04AB02\ntofacitinib,JAK inhibitor,L04AA29\n")
    drugs("2025-02-01", "infliximab,anti-TNF,L04AB02\ntofacitinib,JAK inhibitor,L04AF01\n")
    drugs("2025-03-01", "tofacitinib,JAK inhibitor,L04AF01\netrasimod,S1P modulator,\n")
    third, second, first = changelog(folder).days
    assert (first.first, first.drugs) == (1, ())
    assert second.drugs == (Changed("tofacitinib", (("atc", "L04AA29", "L04AF01"),)),)
    assert third.drugs == (
        Changed(
            "infliximab",
            (("ingredient", "infliximab", ""), ("class", "anti-TNF", ""), ("atc", "L04AB02", "")),
        ),
        Changed("etrasimod", (("ingredient", "", "etrasimod"), ("class", "", "S1P modulator"))),
    )


def test_the_day_on_which_drugs_are_declared_first_does_not_list_them_all(folder):
    commit(folder, "2025-01-01", "sex,participant,Sex,\n")
    (folder / "drugs.csv").write_text("ingredient,class\ninfliximab,anti-TNF\n")
    commit(folder, "2025-02-01", "sex,participant,Sex,\nage,participant,Age,a\n")
    assert [(day.added, day.drugs) for day in changelog(folder).days] == [((("age", "Age"),), ()), ((), ())]


def test_what_came_and_went_on_one_day_is_not_told_and_moved_lines_are_no_change(folder):
    commit(folder, "2025-01-01", "sex,participant,Sex,\nage,participant,Age,a\n")
    commit(folder, "2025-02-01", "sex,participant,Sex,\nage,participant,Age,a\noops,visit,Oops,\n")
    commit(folder, "2025-02-01", "age,participant,Age,a\nsex,participant,Sex,\n")
    assert [day.day for day in changelog(folder).days] == ["2025-01-01"]


def test_a_branch_counts_on_the_day_of_its_merge(folder):
    commit(folder, "2025-01-01", "sex,participant,Sex,\n")
    git(folder, "checkout", "-q", "-b", "branch")
    commit(folder, "2025-01-05", "sex,participant,Sex,\ncrp,visit,CRP,\n")
    git(folder, "checkout", "-q", "main")
    git(folder, "merge", "-q", "--no-ff", "branch", "-m", "x", day="2025-01-09")
    assert [day.day for day in changelog(folder).days] == ["2025-01-09", "2025-01-01"]


def test_what_is_not_committed_stands_first(folder):
    commit(folder, "2025-01-01", "sex,participant,Sex,\n")
    (folder / "variables.csv").write_text(HEADER + "sex,participant,Sex,\nnew,visit,New,\n")
    now, _ = changelog(folder).days
    assert (now.day, now.added) == (NOW, (("new", "New"),))


def test_damaged_and_missing_versions_are_read_as_far_as_they_go(folder):
    commit(folder, "2025-01-01", "sex,participant,Sex,\n")
    (folder / "variables.csv").write_bytes(b'\xff\xfe\x00name,\n"open quote\n,,,,,\n')
    git(folder, "commit", "-q", "-a", "-m", "x", day="2025-01-02")
    git(folder, "rm", "-q", "variables.csv")
    git(folder, "commit", "-q", "-m", "x", day="2025-01-03")
    commit(folder, "2025-01-04", "sex,participant,Sex,\n")
    days = changelog(folder).days
    assert [day.day for day in days] == ["2025-01-04", "2025-01-02", "2025-01-01"]
    assert days[0].added == (("sex", "Sex"),)


def test_nothing_was_committed(folder):
    (folder / "variables.csv").write_text(HEADER + "sex,participant,Sex,\n")
    (now,) = changelog(folder).days
    assert (now.day, now.first) == (NOW, 1)


def test_without_a_working_copy_and_without_git(tmp_path, monkeypatch):
    assert "lies in no git working copy" in changelog(tmp_path).why_not
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git is not installed" in changelog(tmp_path).why_not
