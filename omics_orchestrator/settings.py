"""The only reader of environment variables. What a machine is like lives here; what a study is like does not."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from omics_orchestrator.errors import NotConfigured

STORE_SCHEMES = ("file:///", "s3://", "az://")
LOOK_EVERY = 300  # seconds
STORE_VARIABLE = re.compile(r"OMICS_STORE_[A-Z0-9_]+_URL")
DATABASE_PASSWORD = "OMICS_DATABASE_PASSWORD"  # noqa: S105 - a name; or OMICS_DATABASE_PASSWORD_FILE; for URLs without one
DEMO_VARIABLES = "environment.json"  # in the folder of the demo: the variables under which it is read
KEEP_RUNS, KEEP_RUNS_LEAST = 90, 7  # days
WORKING_COPY = Path(__file__).resolve().parent.parent


def with_driver(url: str) -> str:
    """Return the SQLAlchemy form of a plain `postgresql://` URL (dagster-postgres breaks on another driver)."""
    scheme, rest = url.split("://", 1)
    return f"postgresql+psycopg2://{rest}" if scheme in {"postgresql", "postgres"} else url


def without_password(url: str) -> str:
    """Return the URL as it may be printed: user and password left out."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit(parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host))


def _with_password(url: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the URL of a database; where it names a user alone, with the password from `OMICS_DATABASE_PASSWORD`."""
    if not url:
        return None
    parts = urlsplit(url)
    if not parts.username or parts.password is not None:
        return url
    password = _secret(environment, DATABASE_PASSWORD)
    if password is None:
        return url
    place = parts.netloc.removeprefix(f"{parts.username}@")
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{quote(password, safe='')}@{place}"))


def _days(text: str | None) -> int:
    """Return after how many days runs are deleted: long enough for the night's own keys and for `omics status`."""
    if not text:
        return KEEP_RUNS
    if not text.isdecimal() or 0 < int(text) < KEEP_RUNS_LEAST:
        raise NotConfigured(
            f"OMICS_KEEP_RUNS_DAYS is a number of days, {KEEP_RUNS_LEAST} or more; 0 keeps runs for ever"
        )
    return int(text)


def _secret(environment: Mapping[str, str], name: str) -> str | None:
    """Return the variable `name`, or the content of the file that `<name>_FILE` names; None = neither is set."""
    if value := environment.get(name):
        return value
    if not (file := environment.get(f"{name}_FILE")):
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NotConfigured(f"the file named by {name}_FILE cannot be read: {error.strerror}") from error


def _code_server(environment: Mapping[str, str]) -> tuple[str, int] | None:
    """Return host and port of the code location's server."""
    host, port = environment.get("OMICS_CODE_HOST"), environment.get("OMICS_CODE_PORT", "")
    return (host, int(port)) if host and port.isdigit() else None


def _store_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that name a source store."""
    return {name: value for name, value in environment.items() if STORE_VARIABLE.fullmatch(name) and value}


def _demo_variables(home: Path) -> dict[str, str]:
    """Return what the demo in a home sets: where its REDCap server is, and its tokens."""
    try:
        found = json.loads((home / "demo" / DEMO_VARIABLES).read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Settings:
    """Where this machine keeps things; every field has a default that works on a laptop.

    Attributes:
        home: `OMICS_HOME`: server files, object store, Dagster home. Default `.omics` in the working copy.
        dictionary: `OMICS_DICTIONARY`: the folder `data_dictionary`.
        postgres_bin: `OMICS_POSTGRES_BIN`: folder with `postgres` and `initdb`; None = wheel, then system.
        database_url: `OMICS_DATABASE_URL`, plain `postgresql://…`; None = the embedded server. A URL with a user
            and no password takes the secret `OMICS_DATABASE_PASSWORD`.
        dagster_database_url: `OMICS_DAGSTER_DATABASE_URL`; None = the same server, database `dagster`.
        dagster_yaml: `OMICS_DAGSTER_YAML`: the configuration of Dagster's instance. Default that of the working copy.
        store_url: `OMICS_STORE_URL`: our own object store.
        keep_runs_days: `OMICS_KEEP_RUNS_DAYS`: days after which runs, their events and logs are deleted; 0 = never.
        code_server: `OMICS_CODE_HOST` and `OMICS_CODE_PORT`: where the code location is served; None = nowhere.
        look_every: `OMICS_LOOK_EVERY`: seconds between two looks of the sensors at stores and folders.
        word_vectors: `OMICS_WORD_VECTORS`: a file of word vectors for suggestions; None = they go by letters alone.
        source_stores: name → URL of every `OMICS_STORE_<NAME>_URL` (names in lower case).
        environment: the variables that secrets are read from.
    """

    home: Path
    dictionary: Path
    store_url: str
    keep_runs_days: int = KEEP_RUNS
    postgres_bin: Path | None = None
    database_url: str | None = None
    dagster_database_url: str | None = None
    dagster_yaml: Path = WORKING_COPY / "dagster.yaml"
    code_server: tuple[str, int] | None = None
    look_every: int = LOOK_EVERY
    word_vectors: Path | None = None
    source_stores: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from `environment` (default: this process's)."""
        env = os.environ if environment is None else environment
        home = Path(env.get("OMICS_HOME") or WORKING_COPY / ".omics").expanduser().resolve()
        folder = Path(env.get("OMICS_DICTIONARY") or WORKING_COPY / "data_dictionary").expanduser().resolve()
        stores = {
            name.removeprefix("OMICS_STORE_").removesuffix("_URL").lower(): value
            for name, value in _store_variables(env).items()
        }
        if (home / "demo").is_dir():
            stores.setdefault("demo", (home / "demo").as_uri())
        for name, url in {"OMICS_STORE_URL": env.get("OMICS_STORE_URL"), **_store_variables(env)}.items():
            if url and not url.startswith(STORE_SCHEMES):
                raise NotConfigured(f"{name} must begin with one of {', '.join(STORE_SCHEMES)}")
        for name in ("OMICS_DATABASE_URL", "OMICS_DAGSTER_DATABASE_URL"):
            if (url := env.get(name)) and not url.startswith(("postgresql://", "postgres://")):
                raise NotConfigured(f"{name} must begin with postgresql://")
        every = env.get("OMICS_LOOK_EVERY") or str(LOOK_EVERY)
        if not (every.isdigit() and 1 <= int(every) <= 86400):
            raise NotConfigured("OMICS_LOOK_EVERY is a number of seconds, 1 to 86400")
        bin_folder, vectors = env.get("OMICS_POSTGRES_BIN"), env.get("OMICS_WORD_VECTORS")
        return cls(
            home=home,
            dictionary=folder,
            store_url=env.get("OMICS_STORE_URL") or (home / "store").as_uri(),
            keep_runs_days=_days(env.get("OMICS_KEEP_RUNS_DAYS")),
            postgres_bin=Path(bin_folder) if bin_folder else None,
            database_url=_with_password(env.get("OMICS_DATABASE_URL"), env),
            dagster_database_url=_with_password(env.get("OMICS_DAGSTER_DATABASE_URL"), env),
            dagster_yaml=Path(env.get("OMICS_DAGSTER_YAML") or WORKING_COPY / "dagster.yaml")
            .expanduser()
            .resolve(),
            code_server=_code_server(env),
            look_every=int(every),
            word_vectors=Path(vectors).expanduser().resolve() if vectors else None,
            source_stores=stores,
            environment={**_demo_variables(home), **env},
        )

    @property
    def dagster_home(self) -> Path:
        """The folder that `DAGSTER_HOME` names."""
        return self.home / "dagster"

    def for_children(self, dagster_url: str) -> dict[str, str]:
        """Return the variables that Dagster's processes need to meet this installation."""
        return {
            "OMICS_HOME": str(self.home),
            "OMICS_DICTIONARY": str(self.dictionary),
            "OMICS_DAGSTER_STORAGE_URL": with_driver(dagster_url),
            "DAGSTER_HOME": str(self.dagster_home),
            "OMICS_KEEP_RUNS_DAYS": str(self.keep_runs_days),
            # Off even where dagster.yaml is not read yet: hospital networks are offline and nothing may phone out.
            "DAGSTER_DISABLE_TELEMETRY": "true",
        }

    def has_secret(self, name: str) -> bool:
        """Tell whether the secret or its file is named here."""
        return bool(self.environment.get(name) or self.environment.get(f"{name}_FILE"))

    def secret(self, name: str) -> str:
        """Return the secret `name`: the variable itself, or the content of the file that `<name>_FILE` names.

        Raises:
            NotConfigured: when neither is set or the file cannot be read.
        """
        if (value := _secret(self.environment, name)) is not None:
            return value
        raise NotConfigured(f"secret {name} is not set: set {name} or {name}_FILE")


def wants_json() -> bool:
    """Tell whether logs are to be JSON lines: `OMICS_LOG=json`, by default text.

    Raises:
        NotConfigured: it is another word.
    """
    chosen = os.environ.get("OMICS_LOG") or "text"
    if chosen not in {"text", "json"}:
        raise NotConfigured("OMICS_LOG must be text or json")
    return chosen == "json"


def export(variables: Mapping[str, str]) -> None:
    """Set environment variables of this process (Dagster reads its home and storage from there)."""
    os.environ.update(variables)
