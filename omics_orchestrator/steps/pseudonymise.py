"""Pseudonymise: participant ids of a delivery become keyed hashes before anything is stored.

The key is a secret of this machine; which id became which pseudonym lies in the schema `identifiers` only. Which
columns hold ids: studies/pseudonyms.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.errors import DeliveryError, NotConfigured
from omics_orchestrator.findings import counted
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.base import Attachment, Delivery
from omics_orchestrator.steps.workspace import PSEUDONYM_KEY, Workspace
from omics_orchestrator.storage.private import remember_pseudonyms
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.places import participants_of
from omics_orchestrator.studies.pseudonyms import id_columns

SHORTEST = 32  # characters of the secret
BYTES = 10  # of the hash: 16 letters and digits of base32
WORD = "A-Za-z0-9"


class Pseudonyms:
    """The pseudonyms of one study; `given` collects id → pseudonym."""

    def __init__(self, study: Study, settings: Settings) -> None:
        secret = settings.secret(PSEUDONYM_KEY)
        if len(secret) < SHORTEST:
            raise NotConfigured(
                f"{PSEUDONYM_KEY} is too short: at least {SHORTEST} characters, drawn at random"
            )
        self._key = hmac.digest(secret.encode(), f"omics pseudonyms of {study.study}".encode(), "sha256")
        self._read = (study.written_id or study.participant_id).read
        self.given: dict[str, str] = {}

    def reads(self, text: str | None) -> bool:
        """Tell whether a cell of any column is an id of the study: by the grammar, with a letter and a digit in it."""
        word = (text or "").strip()
        mixed = any(map(str.isdigit, word)) and any(map(str.isalpha, word))
        return mixed and telling(word) and self._read(word) is not None

    def of(self, text: str) -> str:
        """Return what stands for an id: P…; for a text that is no id of the study X…, which none is either."""
        if not text.strip():
            return text
        known = self._read(text)
        spelled = text.strip() if known is None else known
        digest = hmac.digest(self._key, spelled.encode(), hashlib.sha256)[:BYTES]
        self.given[spelled] = ("X" if known is None else "P") + base64.b32encode(digest).decode()
        return self.given[spelled]

    def spelled(self, text: str) -> str | None:
        """Return an id as the house spells it; None = it is no id of the study."""
        return self._read(text)

    def of_participant(self, text: str) -> str | None:
        """Return the pseudonym of a participant's id as a file name spells it; None = it is no id of the study."""
        return None if self._read(text) is None else self.of(text)

    def digest(self, text: str) -> str:
        """Return a keyed hash of any text, in hexadecimal."""
        return hmac.digest(
            self._key, f"object {text}".encode("utf-8", "surrogateescape"), hashlib.sha256
        ).hex()


def pseudonymised(
    workspace: Workspace, study: Study, source: str, table: str, delivery: Delivery
) -> Delivery:
    """Return the delivery with pseudonyms in the place of participant ids; the crosswalk is written now.

    Replaced are the columns that hold ids; in other columns cells that are an id of this table, or one by the
    grammar (a relative, also one who is gone), and a row's own id as a word within a cell (sample names). Ids too
    short to be told from codes are replaced in their columns only.

    Raises:
        NotConfigured: this machine has no key, or a short one.
        DeliveryError: two spellings of one id make two rows of one key.
        StorageError: the crosswalk cannot be kept apart from readers.
    """
    if not study.pseudonymise:
        return delivery
    made = Pseudonyms(study, workspace.settings)
    columns = id_columns(study, source, table)
    kept = study.kept_apart(source, table)
    changed = _replaced(delivery, columns, set(kept), made)
    _must_be_unique(changed, f"{source}.{table}")
    remember_pseudonyms(workspace.database, participants_of(study.study)[1], made.given)
    return changed


def source_signature(workspace: Workspace, study: Study, source: str, *, hasty: bool = False) -> str:
    """Return what a source looks like now; another one under another key, for then every table is read again.

    With `hasty` a store that does not answer is given up quickly.

    Raises:
        DeliveryError: the source does not answer.
        NotConfigured: this machine has no key, or not what the source needs.
    """
    stores = workspace.hasty_stores if hasty else workspace.stores
    found = study.sources[source].signature(stores)
    if not study.pseudonymise:
        return found
    key = workspace.settings.secret(PSEUDONYM_KEY).encode()
    return hmac.digest(key, f"omics signature {found}".encode(), "sha256").hex()


def _replaced(delivery: Delivery, columns: frozenset[str], kept: set[str], made: Pseudonyms) -> Delivery:
    data = delivery.data
    own = [data[name] for name in data.column_names if name in columns and data[name].type == pa.string()]
    hashed = _each(data, columns.__contains__, made.of)
    told = {text: made.of(text) for column in own for text in pc.unique(column).to_pylist() if telling(text)}
    told |= {spelled: pseudonym for spelled, pseudonym in made.given.items() if telling(spelled)}
    rest = [
        name for name in data.column_names if name not in columns | kept and data[name].type == pa.string()
    ]
    cells = (text for name in rest for text in pc.unique(data[name]).to_pylist() if made.reads(text))
    told |= {text.strip(): made.of(text) for text in cells}
    for name in rest if told else ():
        hashed = hashed.set_column(
            hashed.column_names.index(name), hashed.schema.field(name), _within(data[name], own, told)
        )
    sides = {
        side: (_each(table, columns.__contains__, made.of), key)
        for side, (table, key) in delivery.beside.items()
    }
    gone = None if delivery.replaced is None else _each(delivery.replaced, columns.__contains__, made.of)
    files = tuple(_attachment(one, delivery.key, columns, told, made) for one in delivery.attachments)
    return replace(delivery, data=hashed, beside=sides, replaced=gone, attachments=files)


def _must_be_unique(delivery: Delivery, where: str) -> None:
    """Refuse a raw key of which two spellings became one: such records are settled where they are kept."""
    key = list(delivery.key)
    repeated = delivery.data.num_rows - delivery.data.select(key).group_by(key).aggregate([]).num_rows
    if repeated:
        rows = counted(repeated, "row repeats", "rows repeat")
        message = f"{where}: {rows} the key of another ({', '.join(key)}) once ids are spelled alike"
        raise DeliveryError(f"{message}; mend the records at the source, or leave `pseudonymise` out")


def telling(text: str | None) -> bool:
    """Tell whether an id can be told from a code wherever it stands: four signs with a letter, or six digits."""
    bare = (text or "").strip()
    return len(bare) >= (6 if bare.isdigit() else 4)


def _each(table: pa.Table, named: Callable[[str], bool], of: Callable[[str], str]) -> pa.Table:
    """Return the table with every filled cell of the named text columns put through `of`."""
    for index, field in enumerate(table.schema):
        if named(field.name) and field.type == pa.string():
            encoded = table[index].combine_chunks().dictionary_encode()
            spoken = pa.array(
                [None if text is None else of(text) for text in encoded.dictionary.to_pylist()], pa.string()
            )
            table = table.set_column(index, field, pc.take(spoken, encoded.indices))
    return table


def _within(cells: pa.ChunkedArray, own: list[pa.ChunkedArray], told: dict[str, str]) -> pa.Array:
    """Return the cells of one column, ids in them replaced: whole cells, and the row's own id as a word."""
    rows = zip(cells.to_pylist(), *(column.to_pylist() for column in own), strict=True)
    return pa.array([_spoken(cell, ids, told) for cell, *ids in rows], pa.string())


def _spoken(cell: str | None, ids: Iterable[str | None], told: dict[str, str]) -> str | None:
    if not cell:
        return cell
    if (whole := told.get(cell.strip())) is not None:
        return whole
    for text in ids:
        bare = (text or "").strip()
        if text in told and bare in cell:
            cell = re.sub(rf"(?<![{WORD}]){re.escape(bare)}(?![{WORD}])", told[text], cell)
    return cell


def _attachment(
    one: Attachment, key: tuple[str, ...], columns: frozenset[str], told: dict[str, str], made: Pseudonyms
) -> Attachment:
    """Return an attachment whose key and name bear no id."""
    ids = [str(part) for name, part in zip(key, one.key, strict=True) if name in columns]
    parts = tuple(
        made.of(part) if name in columns and isinstance(part, str) else part
        for name, part in zip(key, one.key, strict=True)
    )
    return replace(one, key=parts, name=_spoken(one.name, ids, told) or "")
