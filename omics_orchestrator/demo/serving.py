"""The demo's REDCap projects, served from a process of their own as long as anybody works with this home.

`ensure_redcap` finds or starts it; it ends after its last client. What it answers: redcap_server.py.

    python -m omics_orchestrator.demo.serving <home>
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from omics_orchestrator.demo.redcap_folder import load_project
from omics_orchestrator.demo.redcap_server import RedcapServer
from omics_orchestrator.errors import OmicsError
from omics_orchestrator.settings import DEMO_VARIABLES, WORKING_COPY, Settings
from omics_orchestrator.storage.server_home import lock_file, same_file

STUDIES = ("demo_adult", "demo_child")
PATIENCE = 30.0
POLL, LINGER = 0.5, 2.0
_held: dict[Path, int] = {}


def ensure_redcap(settings: Settings, *, inheritable: bool = False) -> bool:
    """Find or start the server of the demo in `settings.home`; it stays up until this process has ended.

    Args:
        settings: `home` is used.
        inheritable: a program that this process *becomes* goes on holding the server.

    Returns:
        Whether there is a demo to serve.

    Raises:
        OmicsError: the server does not start.
    """
    folder = settings.home / "demo"
    if not _folders(folder):
        return False
    _hold(folder, inheritable=inheritable)
    port, deadline = _port(folder), time.monotonic() + PATIENCE
    while not _listens(port):
        if time.monotonic() > deadline:
            raise OmicsError(f"the demo's REDCap server does not answer at port {port}; see {_log(folder)}")
        _start(settings.home)
        port = _port(folder)
    return True


def token_of(study: str) -> str:
    """Return the token of a study's project."""
    return study.replace("_", "").upper()


def _folders(folder: Path) -> dict[str, Path]:
    """Return token → folder of every project that was generated."""
    return {token_of(s): folder / s / "redcap" for s in STUDIES if (folder / s / "redcap").is_dir()}


def _hold(folder: Path, *, inheritable: bool) -> None:
    """Take our shared lock: the server ends when it can have the lock alone."""
    held = _held.get(folder)
    if held is None or not same_file(held, _lock(folder)):
        while (lock := lock_file(_lock(folder), fcntl.LOCK_SH)) is None:
            time.sleep(0.02)  # the server looks whether anybody is left
        _held[folder] = held = lock
    if inheritable:
        os.set_inheritable(held, True)


def _port(folder: Path) -> int:
    """Return the port of this home's server, chosen once."""
    file = folder / DEMO_VARIABLES
    try:
        known = json.loads(file.read_text())
        return int(known["DEMO_REDCAP_URL"].rsplit(":", 1)[1].split("/")[0])
    except (OSError, ValueError, KeyError, IndexError):
        return _choose(folder)


def _choose(folder: Path) -> int:
    """Choose a free port and write down where the server is, and the tokens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    told = {f"{study.upper()}_REDCAP_TOKEN": token_of(study) for study in STUDIES}
    told["DEMO_REDCAP_URL"] = f"http://127.0.0.1:{port}/api/"
    file = folder / DEMO_VARIABLES
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(json.dumps(told, indent=1) + "\n")
    draft.replace(file)
    return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _start(home: Path) -> None:
    """Start the server, detached, and wait until it serves or cannot."""
    with (
        _log(home / "demo").open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-m", "omics_orchestrator.demo.serving", str(home)],
            cwd=WORKING_COPY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        process.communicate()


def _lock(folder: Path) -> Path:
    return folder / "redcap.lock"


def _log(folder: Path) -> Path:
    return folder / "redcap.log"


class DemoServer(RedcapServer):
    """Serves the demo's folders; one that was generated anew is opened anew."""

    def __init__(self, folders: Mapping[str, Path], port: int) -> None:
        super().__init__({token: load_project(folder) for token, folder in folders.items()}, port=port)
        self._folders = dict(folders)
        self._seen = self._state()
        self.before = self._refresh

    def _state(self) -> dict[str, int]:
        files = {token: folder / "records.json" for token, folder in self._folders.items()}
        return {token: file.stat().st_mtime_ns for token, file in files.items() if file.is_file()}

    def _refresh(self, _: Mapping[str, str]) -> None:
        state = self._state()
        for token in state.keys() & self._seen.keys():
            if state[token] != self._seen[token]:
                self.tokens[token].project = load_project(self._folders[token])
                self.forget()
        self._seen = state


def main(arguments: list[str]) -> int:
    """Serve until no client was seen for `LINGER` seconds, or the folder is gone."""
    folder = Path(arguments[0]) / "demo"
    if os.fork():
        os._exit(0)  # init becomes our parent, so that no zombie is left
    try:
        server = DemoServer(_folders(folder), _port(folder))
    except OSError:  # somebody else listens there: another server of ours, or a stranger
        time.sleep(0.2)
        if not _listens(_port(folder)):
            _choose(folder)
        return 1
    with server:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the client that waits hears that we serve
        last_seen = time.monotonic()
        while folder.is_dir() and time.monotonic() - last_seen < LINGER:
            time.sleep(POLL)
            if (lock := lock_file(_lock(folder), fcntl.LOCK_EX)) is None:
                last_seen = time.monotonic()
            else:
                os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
