"""boto3 through dagster-aws lists, reads and signs links on the servers that our own stores read."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.resources import S3Store
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator_tests.object_servers import ObjectServer, moto, rclone, split


@pytest.fixture(scope="module", params=["moto", "rclone"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ObjectServer]:
    opened = moto() if request.param == "moto" else rclone(tmp_path_factory.mktemp("rclone") / "kept")
    with opened as made:
        yield made


@pytest.fixture
def url(server: ObjectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    place = server.place()
    for name, value in {**server.variables, "OMICS_STORE_URL": place, "OMICS_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    Stores(Settings.from_environment()).own.put("runs/ü 1.csv", b"content")
    return place


def test_an_asset_lists_reads_and_signs_through_boto3(server: ObjectServer, url: str) -> None:
    bucket, prefix = split(url)
    seen: dict[str, Any] = {}

    @dg.asset
    def listed(s3: S3Store) -> None:
        client = s3.get_client()
        found = client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/")["Contents"]
        seen["keys"] = [one["Key"] for one in found]
        seen["body"] = client.get_object(Bucket=bucket, Key=seen["keys"][0])["Body"].read()
        params = {"Bucket": bucket, "Key": seen["keys"][0]}
        seen["link"] = client.generate_presigned_url("get_object", Params=params, ExpiresIn=60)

    assert dg.materialize([listed], resources={"s3": S3Store()}).success
    assert (seen["keys"], seen["body"]) == ([f"{prefix}/runs/ü 1.csv"], b"content")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in seen["link"]
    assert requests.get(seen["link"], timeout=10).content == b"content"
    if server.checks_signatures:
        assert requests.get(seen["link"][:-4] + "0000", timeout=10).status_code == 403


def test_a_store_that_is_no_bucket_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMICS_STORE_LAB_URL", tmp_path.as_uri())
    with pytest.raises(NotConfigured, match="OMICS_STORE_LAB_URL names no S3 bucket"):
        S3Store(store="lab").get_client()


class Place(dg.Config):
    """Where an op of the group looks."""

    url: str


@dg.op
def count_objects(config: Place, s3: S3Store) -> int:
    bucket, prefix = split(config.url)
    return len(s3.get_client().list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/").get("Contents", []))


@dg.job
def counted() -> None:
    count_objects()


def test_a_job_of_the_group_gets_it_from_the_code_location(
    server: ObjectServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run may choose a named store; what is chosen is the store's name, never an address or a key."""
    lab = server.place()
    monkeypatch.setenv("OMICS_STORE_URL", lab)
    for key in ("a", "b"):
        Stores(Settings.from_environment()).own.put(key, b"x")
    monkeypatch.setenv("OMICS_STORE_URL", url)
    monkeypatch.setenv("OMICS_STORE_LAB_URL", lab)
    ours = build_definitions(Workspace(Settings.from_environment()))
    job = dg.Definitions.merge(ours, dg.Definitions(jobs=[counted])).get_job_def("counted")
    for place, resources, expected in ((url, {}, 1), (lab, {"s3": {"config": {"store": "lab"}}}, 2)):
        run = {"ops": {"count_objects": {"config": {"url": place}}}, "resources": resources}
        assert job.execute_in_process(run).output_for_node("count_objects") == expected


def test_loading_the_code_location_imports_no_boto3(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from omics_orchestrator.orchestration.definitions import definitions\n"
        "resources = definitions().get_repository_def().get_top_level_resources()\n"
        "print(sorted(resources), {'boto3', 'botocore', 'dagster_aws'} & set(sys.modules))"
    )
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OMICS_HOME": str(tmp_path)}
    said = subprocess.check_output([sys.executable, "-c", code], cwd=WORKING_COPY, env=environment, text=True)
    assert said.strip() == "['s3', 'tables'] set()"
