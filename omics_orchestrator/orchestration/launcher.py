"""Runs in containers of their own, each made like the container that launches it: image, variables, mounts, networks.

Only docker-compose.docker-runs.yml asks for it; it needs the socket of the engine.
"""

from __future__ import annotations

import socket
from typing import Any

import dagster as dg
import docker
from dagster._core.launcher import LaunchRunContext, ResumeRunContext
from dagster_docker import DockerRunLauncher
from dagster_docker.container_context import DockerContainerContext
from docker.errors import DockerException, NotFound
from docker.models.containers import Container
from docker.types import LogConfig, Mount

from omics_orchestrator.errors import NotConfigured

RUN = "dagster/run_id"  # the label that DockerRunLauncher writes
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = {"com.docker.compose.oneoff": "True", "com.docker.compose.container-number": "1"}
NOT_FOR_RUNS = "docker.sock"  # the end of a mount's target: a run has no business with the engine


class Launcher(DockerRunLauncher):
    """Dagster's DockerRunLauncher that asks the engine what its own container is like.

    What `container_kwargs` says in the configuration (`mem_limit: 8g`) is added, or comes instead.

    Raises:
        NotConfigured: no engine answers, or this process is in no container of it.
    """

    def get_container_context(self, dagster_run: dg.DagsterRun) -> DockerContainerContext:
        """Return variables, networks and mounts of this container, for a run."""
        own = _own()
        return DockerContainerContext(
            registry=self.registry,
            env_vars=own.attrs["Config"]["Env"] or [],
            networks=sorted(own.attrs["NetworkSettings"]["Networks"]),
            container_kwargs={**_like(own), **self.container_kwargs},
        )

    def _get_docker_image(self, job_code_origin: object) -> str:
        """Return the image of this container by its id: a tag may have moved to a newer build meanwhile."""
        return str(_own().attrs["Image"])

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launch a run; containers of runs that have ended go first."""
        self._sweep()
        super().launch_run(context)

    def resume_run(self, context: ResumeRunContext) -> None:
        """Launch a run again whose container has gone."""
        self._sweep()
        super().resume_run(context)

    def _sweep(self) -> None:
        """Remove the ended containers of runs whose end Dagster knows; what they died of stands in its events."""
        own = _own()
        labels = [RUN, *(f"{PROJECT}={name}" for name in [own.labels.get(PROJECT)] if name)]
        for container in own.client.containers.list(
            all=True, ignore_removed=True, filters={"status": "exited", "label": labels}
        ):
            run = self._instance.get_run_by_id(container.labels[RUN])
            if run is None or run.is_finished:
                container.remove()


def _own() -> Container:
    """Return the container of this process; a container's host name is its id."""
    try:
        return docker.from_env().containers.get(socket.gethostname())
    except NotFound as error:
        raise NotConfigured(
            f"this process ({socket.gethostname()}) is in no container of the Docker engine"
        ) from error
    except DockerException as error:
        raise NotConfigured(
            "no Docker engine answers: its socket must be mounted and OMICS_DOCKER_GROUP be the group that owns it"
        ) from error


def _like(own: Container) -> dict[str, Any]:
    """Return the options of `containers.create` under which a run's container is like `own`."""
    host = own.attrs["HostConfig"]
    project = own.labels.get(PROJECT)
    mounts = [
        Mount(
            one["Destination"],
            one["Name"] if one["Type"] == "volume" else one["Source"],
            type=one["Type"],
            read_only=not one["RW"],
        )
        for one in own.attrs["Mounts"]
        if not one["Destination"].endswith(NOT_FOR_RUNS)
    ]
    return {
        "mounts": mounts,
        "user": own.attrs["Config"]["User"],
        "working_dir": own.attrs["Config"]["WorkingDir"],
        "init": host["Init"],
        "cap_drop": host["CapDrop"],
        "security_opt": host["SecurityOpt"],
        "log_config": LogConfig(type=host["LogConfig"]["Type"], config=host["LogConfig"]["Config"]),
        "healthcheck": {"test": ["NONE"]},  # that of the image asks for a code server
        "stop_timeout": 30,  # seconds between the asking and the killing
        # Compose takes the container for one that `run` made for this service: `down` ends it with the rest.
        "labels": {PROJECT: project, SERVICE: own.labels[SERVICE], **ONE_OFF} if project else {},
    }
