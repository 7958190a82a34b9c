"""The S3 client of boto3 through dagster-aws, for jobs that expect one; our own steps read stores through obstore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.settings import Settings

if TYPE_CHECKING:
    from dagster_aws.s3 import S3Resource

OPTIONS = {
    "endpoint_url": ("ENDPOINT", "AWS_ENDPOINT_URL"),
    "aws_access_key_id": ("ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
    "aws_secret_access_key": ("SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
    "aws_session_token": ("SESSION_TOKEN", "AWS_SESSION_TOKEN"),
    "region_name": ("REGION", "AWS_REGION"),
}


S3 = "s3"
"""Name of the resource in the code location: an op or asset that asks for `s3: S3Store` gets it."""


class S3Store(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A named store (`OMICS_STORE_<NAME>_URL=s3://…`) as boto3 sees it; no secret is part of the configuration.

    dagster-aws takes a second to import, so it is imported when a client is asked for, and only then the settings
    are read. A run chooses another store by its configuration: `resources: {s3: {config: {store: lab}}}`.

    Attributes:
        store: the store's name; empty = our own store.
    """

    store: str = ""

    def resource(self) -> S3Resource:
        """Return dagster-aws' resource with the endpoint, keys and region of the store.

        Raises:
            NotConfigured: this machine has no such store, or it is no S3 bucket.
        """
        from dagster_aws.s3 import S3Resource

        settings = Settings.from_environment()
        url = settings.source_stores.get(self.store.lower()) if self.store else settings.store_url
        variables = "_".join(part for part in ("OMICS_STORE", self.store.upper()) if part)
        if not url or not url.startswith("s3://"):
            raise NotConfigured(f"{variables}_URL names no S3 bucket: boto3 reads s3://bucket/prefix only")
        options: dict[str, Any] = {}
        for option, (suffix, general) in OPTIONS.items():
            for variable in (f"{variables}_{suffix}", general):
                if settings.has_secret(variable):
                    options[option] = settings.secret(variable)
                    break
        return S3Resource(**options)

    def get_client(self) -> Any:
        """Return the client of boto3; presigned links are signed with SigV4, which rclone and new regions demand."""
        from boto3.session import Session
        from botocore.config import Config

        found = self.resource()
        signed = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if found.endpoint_url else "auto"},
            retries={"max_attempts": found.max_attempts},
        )
        return Session().client(
            "s3",
            config=signed,
            endpoint_url=found.endpoint_url,
            region_name=found.region_name,
            aws_access_key_id=found.aws_access_key_id,
            aws_secret_access_key=found.aws_secret_access_key,
            aws_session_token=found.aws_session_token,
        )
