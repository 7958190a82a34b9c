"""The launcher of runs in containers: what chooses it, and its words without an engine; the rest: make test-compose."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.orchestration.instance import open_instance, prepare
from omics_orchestrator.orchestration.launcher import Launcher
from omics_orchestrator.settings import WORKING_COPY

NAMES = ("dagster.yaml", "dagster.docker-runs.yaml")


@pytest.fixture
def both(tmp_path):
    """The file that the image makes of two."""
    made = tmp_path / "both.yaml"
    made.write_text("".join((WORKING_COPY / name).read_text() for name in NAMES))
    return made


def test_the_two_files_share_only_the_launcher(both):
    parts = [yaml.safe_load((WORKING_COPY / name).read_text()) for name in NAMES]
    assert parts[0].keys() & parts[1].keys() <= {"run_launcher"}  # the later one counts
    assert yaml.safe_load(both.read_text()) == parts[0] | parts[1]


def test_the_file_chooses_the_launcher_and_back(installation, both):
    with open_instance(replace(installation.settings, dagster_yaml=both)) as instance:
        assert isinstance(instance.run_launcher, Launcher)
        assert instance.run_launcher.supports_check_run_worker_health
    prepare(installation.settings)
    link = installation.settings.dagster_home / "dagster.yaml"
    assert link.resolve() == WORKING_COPY / "dagster.yaml"


def test_without_an_engine_it_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(NotConfigured, match="OMICS_DOCKER_GROUP"):
        Launcher()._get_docker_image(None)
