"""Lists a bucket of S3 through boto3, where keys occur that obstore cannot say: those are barred, the others listed.

Slower than obstore; used from the place on at which obstore's listing ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from omics_orchestrator.errors import AccessDenied, StorageError
from omics_orchestrator.storage.barred import Barred, Tell, key_flaw
from omics_orchestrator.storage.objects import StoredObject

REFUSALS = {"AccessDenied", "403", "SignatureDoesNotMatch", "InvalidAccessKeyId"}


def list_s3(
    bucket: str, root: str, prefix: str, after: str, options: Mapping[str, Any], tell: Tell
) -> Iterator[StoredObject]:
    """Yield the objects below the folder `prefix` whose keys follow `after`.

    Args:
        bucket: its name.
        root: the prefix of the store within the bucket; no part of keys.
        prefix: the folder.
        after: a key; empty = from the first on.
        options: those of obstore.
        tell: takes the keys that obstore cannot say.

    Raises:
        StorageError: the server refuses or fails.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    start = f"{root}/" if root else ""
    folder = f"{start}{prefix.strip('/')}/" if prefix.strip("/") else start
    asked = {"Bucket": bucket, "Prefix": folder, **({"StartAfter": start + after} if after else {})}
    try:
        for page in _client(options).get_paginator("list_objects_v2").paginate(**asked):
            for entry in page.get("Contents", ()):
                if found := _entry(entry, start, tell):
                    yield found
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in REFUSALS:
            raise AccessDenied(f"s3://{bucket}: access denied; check the store's credentials") from None
        raise StorageError(f"s3://{bucket}: {code} while listing", retry=True) from None
    except BotoCoreError as error:
        raise StorageError(f"s3://{bucket}: {type(error).__name__} while listing", retry=True) from None


def _entry(entry: Mapping[str, Any], start: str, tell: Tell) -> StoredObject | None:
    key = entry["Key"][len(start) :]
    if key.endswith("/") and not entry["Size"]:  # a console's folder marker
        return None
    if why := key_flaw(key):
        tell(Barred(key.rstrip("/") if key.endswith("/") else key, why))
        return None
    return StoredObject(key, entry["Size"], entry["LastModified"].astimezone(UTC), entry.get("ETag"))


def _client(options: Mapping[str, Any]) -> Any:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    wanted: dict[str, Any] = {"retries": {"max_attempts": 6, "mode": "standard"}}
    if options.get("endpoint"):
        wanted["s3"] = {"addressing_style": "path"}
    if str(options.get("skip_signature", "")).lower() in {"true", "1", "yes"}:
        wanted["signature_version"] = UNSIGNED
    return boto3.client(
        "s3",
        endpoint_url=options.get("endpoint"),
        aws_access_key_id=options.get("access_key_id"),
        aws_secret_access_key=options.get("secret_access_key"),
        aws_session_token=options.get("session_token"),
        region_name=options.get("region") or "us-east-1",
        config=Config(**wanted),
    )
