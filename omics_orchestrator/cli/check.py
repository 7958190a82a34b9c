"""`omics check`: every mistake in the declarations at once; no server is started and no source is read."""

from __future__ import annotations

from collections import Counter

from rich.console import Console

from omics_orchestrator.dictionary.drugs import read_drugs
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.synonyms import read_synonyms
from omics_orchestrator.errors import DeclarationError, Problem, UnknownKey
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies.dataset_checks import notes


def run_check(names: list[str]) -> int:
    """Print the problems of all (or the named) studies; return 0 when there is none."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    workspace = Workspace(Settings.from_environment())
    words = _problems_of_words(workspace)
    if words:
        console.print(str(DeclarationError(words)))
    try:
        catalogue = workspace.catalogue
    except DeclarationError as error:
        console.print(str(error))
        console.print(f"{_problems(len(error.problems))} in the dictionary itself; the studies were not read")
        return 1
    known = [*catalogue.studies, *catalogue.broken]
    for name in names:
        if name not in known:
            raise UnknownKey("study", name, known)
    asked = set(names or known)
    broken = {name: error for name, error in catalogue.broken.items() if name in asked}
    for wrong in broken.values():
        console.print(str(wrong))
    for name, study in catalogue.studies.items():
        for note in notes(study.datasets, study.mapping) if name in asked else ():
            console.print(f"{name}: note: {note}")
    files = Counter(problem.file.name for problem in words)
    counts = [f"{_problems(number)} in {name}, for search and pages only" for name, number in files.items()]
    counts += [f"{_problems(len(wrong.problems))} in {name}" for name, wrong in broken.items()]
    fine = sorted(name for name in catalogue.studies if name in asked)
    if fine:
        counts.append(f"{', '.join(fine)} {'is' if len(fine) == 1 else 'are'} fine")
    console.print("; ".join(counts) or "no study is declared")
    return 1 if broken or words else 0


def _problems_of_words(workspace: Workspace) -> list[Problem]:
    """Return the mistakes of synonyms and drugs, which no run reads."""
    problems, folder = Problems(), workspace.settings.dictionary
    read_synonyms(folder, problems)
    try:
        dictionary = workspace.dictionary
    except DeclarationError:  # told below; without it the variables of drugs cannot be checked
        return list(problems.found)
    read_drugs(folder, problems, {name: dictionary.codes(name) for name in dictionary.variables})
    return list(problems.found)


def _problems(number: int) -> str:
    return f"{number} problem{'' if number == 1 else 's'}"
