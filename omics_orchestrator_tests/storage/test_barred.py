"""Names that are no keys, in a form that a person reads and Postgres keeps; folders as no store should be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.barred import (
    LONGEST,
    NO_KEY,
    NOT_UTF8,
    SHOWN,
    TOO_LONG,
    Barred,
    escaped,
    key_flaw,
    text_flaw,
)
from omics_orchestrator.storage.folder import FolderStore

RIGHTLESS = """
import os, sys
from omics_orchestrator.storage.folder import FolderStore
os.setgroups([]); os.setgid(65534); os.setuid(65534)
barred = []
print([found.key for found in FolderStore(sys.argv[1]).list(sys.argv[2], barred=barred.append)])
print([(one.key, one.folder) for one in barred])
"""


def listed(folder: Path, prefix: str = "") -> tuple[list[str], dict[str, str]]:
    barred: list[Barred] = []
    keys = [found.key for found in FolderStore(folder.as_uri()).list(prefix, barred=barred.append)]
    return keys, {escaped(one.key): one.why for one in barred}


def put(folder: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118 - bytes
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"1")


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_two_keys_never_look_alike_and_postgres_takes_the_form(one: bytes, other: bytes) -> None:
    shown = [escaped(os.fsdecode(name)) for name in (one, other)]
    assert (shown[0] == shown[1]) == (one == other)
    assert "\0" not in shown[0]
    assert shown[0].encode().decode().isprintable() or any(ord(sign) > 159 for sign in shown[0])


def test_signs_that_turn_or_hide_text_are_shown() -> None:
    assert escaped("\u202egnp.\u200b\x1b[31m") == "\\u202egnp.\\u200b\\x1b[31m"


def test_a_long_form_is_cut_and_still_its_own() -> None:
    forms = [escaped("\udcff" * 3000 + end) for end in "ab"]
    assert forms[0] != forms[1]
    assert max(len(form.encode()) for form in forms) < SHOWN + 30


@pytest.mark.parametrize(
    ("key", "text", "bucket"),
    [
        ("a b/c#1.gz", None, None),
        ("line\nend", None, NO_KEY),
        ("a//b", None, NO_KEY),
        ("/a", None, NO_KEY),
        ("a/../b", None, NO_KEY),
        ("caf\udce9", NOT_UTF8, NOT_UTF8),
        ("é" * (LONGEST // 2), None, None),
        ("é" * (LONGEST // 2) + "x", TOO_LONG, TOO_LONG),
    ],
)
def test_what_is_wrong_with_a_key(key: str, text: str | None, bucket: str | None) -> None:
    assert (text_flaw(key), key_flaw(key)) == (text, bucket)


def test_a_bad_name_costs_its_file_and_a_bad_folder_its_files(tmp_path: Path) -> None:
    for name in (b"a.csv", b"caf\xe9.csv", b"b\xff/one", b"b\xff/two", b"z/line\nend", b"z/\xc3\xa9"):
        put(tmp_path, name)
    assert listed(tmp_path) == (
        ["a.csv", "z/line\nend", "z/é"],
        {"caf\\xe9.csv": NOT_UTF8, "b\\xff/": NOT_UTF8},
    )
    with pytest.raises(StorageError, match="not UTF-8") as told:
        list(FolderStore(tmp_path.as_uri()).list())
    assert "caf" not in str(told.value)


def test_a_tree_deeper_than_any_stack_and_any_path(tmp_path: Path) -> None:
    here = os.getcwd()  # noqa: PTH109
    try:
        os.chdir(tmp_path)
        for depth in range(2500):
            if depth in {1000, 2300}:
                Path("file").write_bytes(b"1")
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir(here)
    try:
        keys, barred = listed(tmp_path)
    finally:  # pytest's own cleaning has no such patience
        subprocess.run(["rm", "-rf", "--", tmp_path / "d"], check=True)
    assert keys == ["d/" * 1000 + "file"]
    assert list(barred.values()) == [TOO_LONG]


def test_folders_that_link_to_each_other_end(tmp_path: Path) -> None:
    """Twelve folders, each with links to all: as many paths as there are orders of twelve."""
    for one in range(12):
        (tmp_path / f"f{one:02}").mkdir()
        (tmp_path / f"f{one:02}" / "x").write_bytes(b"1")
        for other in range(12):
            (tmp_path / f"f{one:02}" / f"to{other:02}").symlink_to(tmp_path / f"f{other:02}")
    keys, barred = listed(tmp_path, "f00")
    assert "f00/x" in keys
    assert "f00/to01/x" in keys
    assert len(barred) > 0


def test_links_sockets_pipes_and_devices(tmp_path: Path) -> None:
    import socket

    store, outside = tmp_path / "store", tmp_path / "outside"
    for folder in (store, outside):
        folder.mkdir()
    (outside / "far").write_bytes(b"1")
    (store / "linked").symlink_to(outside)
    (store / "file").symlink_to(outside / "far")
    (store / "broken").symlink_to(outside / "nothing")
    (store / "itself").symlink_to(store / "itself")
    (store / "above").symlink_to(store)
    (store / "null").symlink_to("/dev/null")
    os.mkfifo(store / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(store / "sock"))
        assert listed(store) == (["file", "linked/far"], {})


def test_what_became_a_pipe_since_it_was_listed_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    store = FolderStore(tmp_path.as_uri())
    for read in (store.get, lambda key: list(store.stream(key)), lambda key: store.read_range(key, 0, 1)):
        with pytest.raises(StorageError, match="not the one that was listed"):
            read("pipe")


def test_a_clock_that_was_wrong_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    for moment in (-(2**40), 2**45):
        os.utime(tmp_path / "a", (0, moment))
        assert listed(tmp_path) == (["a"], {})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")
def test_what_may_not_be_read_is_told_and_hides_nothing_else(tmp_path: Path) -> None:
    for folder in [tmp_path, *list(tmp_path.parents)[:-1]]:
        if folder.stat().st_uid == 0 and folder != Path("/tmp"):
            folder.chmod(0o755)
    for name in ("a/x", "lost+found/y", "names only/z", "top/z"):
        put(tmp_path, name.encode())
    (tmp_path / "lost+found").chmod(0o700)
    (tmp_path / "names only").chmod(0o744)
    (tmp_path / "top").chmod(0o700)
    run = [sys.executable, "-c", RIGHTLESS, tmp_path.as_uri()]
    done = subprocess.run([*run, ""], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "['a/x']",
        "[('lost+found/', True), ('names only/z', False), ('top/', True)]",
    ]
    refused = subprocess.run([*run, "top"], capture_output=True, text=True, check=False)
    assert "AccessDenied" in refused.stderr
