"""How a bucket is opened: which variable says what to obstore, and how long a server is waited for.

Credentials, endpoint and region: `<STORE>_ENDPOINT`, `_ACCESS_KEY_ID`, `_SECRET_ACCESS_KEY`, `_REGION` of the
store, else the `AWS_…` and `AZURE_STORAGE_…` variables; without any, obstore's own chain (machine roles).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from omics_orchestrator.settings import Settings

# A stalled server ends a request after `read_timeout`; tries and waits between them end after about four minutes.
# There is no limit on a whole request (obstore's own is 30 s): a file of 100 GB takes hours.
CLIENT = {
    "connect_timeout": timedelta(seconds=10),
    "read_timeout": timedelta(seconds=60),
    "timeout": timedelta(days=2),
}
RETRY = {
    "max_retries": 6,
    "retry_timeout": timedelta(minutes=3),
    "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=15), "base": 2},
}
# For a question that comes again soon: given up within half a minute.
HASTY_CLIENT = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=15),
    "timeout": timedelta(seconds=15),
}
HASTY_RETRY = {**RETRY, "max_retries": 2, "retry_timeout": timedelta(seconds=15)}
# obstore's option: (suffix of the store's own variable, general variable)
S3 = {
    "endpoint": ("ENDPOINT", "AWS_ENDPOINT_URL"),
    "access_key_id": ("ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
    "secret_access_key": ("SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
    "session_token": ("SESSION_TOKEN", "AWS_SESSION_TOKEN"),
    "region": ("REGION", "AWS_REGION"),
    "skip_signature": ("SKIP_SIGNATURE", "AWS_SKIP_SIGNATURE"),
}
AZURE = {
    "endpoint": ("ENDPOINT", "AZURE_STORAGE_ENDPOINT"),
    "account_name": ("ACCESS_KEY_ID", "AZURE_STORAGE_ACCOUNT_NAME"),
    "account_key": ("SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY"),
}


def options_of(
    names: dict[str, tuple[str, str]], variables: str, settings: Settings, *, hasty: bool = False
) -> dict[str, Any]:
    """Return obstore's options from the environment; http only where an endpoint says http itself."""
    client: dict[str, Any] = dict(HASTY_CLIENT if hasty else CLIENT)
    options: dict[str, Any] = {"client_options": client, "retry_config": HASTY_RETRY if hasty else RETRY}
    for option, (suffix, general) in names.items():
        for variable in (f"{variables}_{suffix}", general):
            if {variable, f"{variable}_FILE"} & settings.environment.keys():
                options[option] = settings.secret(variable)
                break
    if str(options.get("endpoint", "")).startswith("http://"):
        client["allow_http"] = True
    return options
