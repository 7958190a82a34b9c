"""Tables registered and built into our own store: a folder, or S3 over the wire (moto's server)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from omics_orchestrator.matrices.build import BuiltMatrix, build_matrix
from omics_orchestrator.registry.register import Circumstances, register
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies.assay import Assay

COLUMNS = {"format": "feature_table", "samples": "columns", "location": "store+lab://table.csv"}


@dataclass
class Bench:
    """A folder of tables as source store `lab`, a database, our own store."""

    folder: Path
    database: Database
    stores: Stores

    def build(self, table: str | None = None, **options: Any) -> BuiltMatrix:
        """Write the table (when given), register it, build its matrix."""
        if table is not None:
            (self.folder / "table.csv").write_text(table)
        self.register(options.get("assay", COLUMNS))
        return self.build_registered(**options)

    def register(self, assay: dict[str, Any] = COLUMNS) -> None:
        declared = Assay.model_validate(assay)
        around = Circumstances()
        register(
            self.database,
            self.stores,
            study="demo",
            assay_name="counts",
            assay=declared,
            circumstances=around,
        )

    def build_registered(
        self, assay: dict[str, Any] = COLUMNS, known: list[str] | None = None
    ) -> BuiltMatrix:
        return build_matrix(
            self.database,
            self.stores,
            study="demo",
            assay_name="counts",
            assay=Assay.model_validate(assay),
            known_samples=None if known is None else pa.table({"participant_id": known, "sample_id": known}),
        )

    def held(self) -> list[str]:
        return [found.key for found in self.stores.own.list("matrix")]


@pytest.fixture(scope="session")
def s3_variables() -> Iterator[dict[str, str]]:
    """The environment of a running S3 server that has the bucket `own`."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://127.0.0.1:{1}".format(*server.get_host_and_port())
    secret = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **secret)
    client.create_bucket(Bucket="own")
    named = {name.upper(): value for name, value in secret.items()}
    yield {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", **named}
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def bench(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Bench:
    folder = tmp_path / "lab"
    folder.mkdir()
    environment = {"OMICS_HOME": str(tmp_path / "home"), "OMICS_STORE_LAB_URL": folder.as_uri()}
    if request.param == "s3":
        environment |= request.getfixturevalue("s3_variables")
        environment["OMICS_STORE_URL"] = f"s3://own/{tmp_path.name}"
    return Bench(folder, database, Stores(Settings.from_environment(environment)))
