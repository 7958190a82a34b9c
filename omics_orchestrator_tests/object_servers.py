"""Object stores over the wire, for tests: moto, `rclone serve s3`, Azurite, or a real S3 endpoint.

Variables of a real one (AWS, SeaweedFS, Ceph): `OMICS_TEST_S3_URL=s3://bucket/prefix`, an empty bucket or prefix that
the tests may fill and empty, with `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION` as
everywhere. Azurite is `npm install azurite` in the folder that `OMICS_TEST_AZURITE` names, else a cache folder.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

REAL = "OMICS_TEST_S3_URL"
KEY_ID, SECRET = "omicstestaccesskey", "omics-test-secret-of-32-letters!!"
AZURE_KEY = base64.b64encode(b"omics-test-key-of-azurite".ljust(32)).decode()
AZURITE = Path(tempfile.gettempdir()) / f"omics-azurite-{os.getuid()}"
PATIENCE = 30.0  # seconds that a server may take to start


@dataclass
class ObjectServer:
    """A running server with an empty place for tests.

    Attributes:
        url: of that place, as `OMICS_STORE_…_URL` wants it.
        variables: endpoint and credentials.
        creates_only_once: it honours `If-None-Match: *`.
        checks_signatures: a wrong secret is refused.
        restart: stop and start it on what it kept; None = it keeps nothing, or it is not ours to stop.
    """

    url: str
    variables: dict[str, str]
    creates_only_once: bool = True
    checks_signatures: bool = True
    restart: Callable[[], None] | None = None
    used: list[str] = field(default_factory=list)

    def place(self) -> str:
        """Return a URL below which nothing was written yet."""
        return f"{self.url}/{uuid.uuid4().hex[:12]}"

    def boto3(self) -> Any:
        """Return a client of its own of boto3, which shares no code with ours."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.variables.get("AWS_ENDPOINT_URL"),
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
            region_name=self.variables["AWS_REGION"],
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )


def split(url: str) -> tuple[str, str]:
    """Return bucket and prefix of a store's URL."""
    parts = urlsplit(url)
    return parts.netloc, parts.path.strip("/")


def s3_variables(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


@contextmanager
def moto() -> Iterator[ObjectServer]:
    """Conditional puts and versioning, in memory; it accepts any secret."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    made = ObjectServer("s3://wire", s3_variables(server.get_host_and_port()[1]), checks_signatures=False)
    made.boto3().create_bucket(Bucket="wire")
    yield made
    server.stop()


@contextmanager
def rclone(folder: Path) -> Iterator[ObjectServer]:
    """Real signatures and files on disk; a condition on a put is ignored."""
    program = Path(sys.executable).with_name("rclone")
    port = _free_port()
    (folder / "wire").mkdir(parents=True)
    command: list[str | Path] = [program, "serve", "s3", folder, "--addr", f"127.0.0.1:{port}"]
    command += ["--auth-key", f"{KEY_ID},{SECRET}", "--config", "/dev/null", "--dir-cache-time", "1s"]
    with _Program(command, port) as running:
        yield ObjectServer("s3://wire", s3_variables(port), creates_only_once=False, restart=running.restart)


@contextmanager
def azurite(folder: Path) -> Iterator[ObjectServer]:
    """Azure Blob."""
    port = _free_port()
    folder.mkdir(parents=True)
    command: list[str | Path] = ["node", _azurite_program(), "--blobPort", str(port), "--location", folder]
    command += ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    endpoint = f"http://127.0.0.1:{port}/omics"
    variables = {
        "AZURE_STORAGE_ENDPOINT": endpoint,
        "AZURE_STORAGE_ACCOUNT_NAME": "omics",
        "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY,
    }
    with _Program(command, port, AZURITE_ACCOUNTS=f"omics:{AZURE_KEY}") as running:
        _create_container(endpoint, "wire")
        yield ObjectServer("az://wire", variables, restart=running.restart)


@contextmanager
def real_s3() -> Iterator[ObjectServer]:
    """What the variables of the person who runs the tests name."""
    url = os.environ.get(REAL)
    if not url:
        pytest.skip(f"{REAL} names no S3 endpoint")
    variables = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    variables.setdefault("AWS_REGION", "us-east-1")
    made = ObjectServer(f"{url.rstrip('/')}/{uuid.uuid4().hex[:12]}", variables)
    yield made
    bucket, prefix = split(made.url)
    client = made.boto3()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
        for found in page.get("Contents", []):
            client.delete_object(Bucket=bucket, Key=found["Key"])


class _Program:
    """A server of its own process, until the test session ends."""

    def __init__(self, command: list[str | Path], port: int, **environment: str) -> None:
        self._command, self._port = command, port
        self._environment = {**os.environ, **environment}

    def __enter__(self) -> _Program:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def restart(self) -> None:
        self._stop()
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        self._process.kill()
        raise RuntimeError(f"{self._command[:3]} did not start: {self._process.communicate()[1]!r}")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _azurite_program() -> Path:
    """Return Azurite's main file; it is installed once per machine, outside the repository."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Azurite needs node and npm")
    home = Path(os.environ.get("OMICS_TEST_AZURITE") or AZURITE)
    program = home / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    if not program.exists():
        beside = home.with_name(f"{home.name}.{uuid.uuid4().hex[:8]}")
        command: list[str | Path] = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
            beside,
        ]
        done = subprocess.run(
            [*command, "azurite@3"], capture_output=True, text=True, timeout=240, check=False
        )
        if done.returncode:
            shutil.rmtree(beside, ignore_errors=True)
            pytest.skip(f"Azurite could not be installed: {done.stderr.strip()[-300:]}")
        if program.exists():  # another test process was faster
            shutil.rmtree(beside)
        else:
            beside.rename(home)
    return program


def _create_container(endpoint: str, name: str) -> None:
    """Create a container: obstore cannot, and no other client of Azure is needed for it.

    The Authorization header is that of Azure's "Authorize with Shared Key".
    """
    account = urlsplit(endpoint).path.strip("/")
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2023-11-03"}
    written = "\n".join(f"{key}:{value}" for key, value in sorted(headers.items()))
    signed = f"PUT{chr(10) * 12}{written}\n/{account}/{account}/{name}\nrestype:container"
    digest = hmac.new(base64.b64decode(AZURE_KEY), signed.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {account}:{base64.b64encode(digest).decode()}"
    answer = requests.put(f"{endpoint}/{name}?restype=container", headers=headers, data=b"", timeout=30)
    answer.raise_for_status()
