"""boto3 through dagster-aws lists, reads and signs links on the servers that our own stores read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.orchestration.resources import S3Store
from omics_orchestrator.settings import Settings
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


def test_the_resource_costs_the_code_location_no_import_of_boto3() -> None:
    code = (
        "import sys, omics_orchestrator.orchestration.resources\n"
        "print({'boto3', 'dagster_aws'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
