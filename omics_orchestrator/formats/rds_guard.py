"""The parser of one R object behind guards: every length, depth and count is held against a limit.

The parsing is rdata's; what rdata leaves out (raw vectors, weak references, long vectors) or does one call per
element (text, linked lists) is done here. Nothing is ever evaluated. How numbers are written: rds_parse.py.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from rdata.missing import R_INT_NA, mask_na_values
from rdata.parser import RObject, RObjectInfo, RObjectType
from rdata.parser._parser import Parser, parse_r_object_info

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_altrep import ALTREP, LONGEST
from omics_orchestrator.formats.rds_arrays import SMALL, Unkept, text_of
from omics_orchestrator.formats.rds_stream import Stream

DEPTH = 120  # nested objects; real ones stay below 40
MOST_OBJECTS = 1_000_000  # nodes other than texts, about 300 bytes each
MOST_TEXTS = 50_000_000
KEPT_ARRAY = 64 * 1024 * 1024  # bytes of an array of whole numbers that an inspection keeps
KEPT = 512 * 1024 * 1024  # bytes of all of them

LIST, CHAR, STR, RAW, WEAKREF = 2, 9, 16, 24, 23
PERSISTENT, PACKAGE, BASE_NAMESPACE, UNBOUND, END = 247, 248, 250, 252, 254
PAIRED = {2, 3, 5, 6, 17, 239, 240}  # types that may have a tag
BCODE, REPEATED, REPEATABLE = 21, 243, 244
CALLS, WITH_ATTRIBUTES = {2, 6, 239, 240}, {239, 240}  # calls and lists within byte code
REF = 255  # the index stands where others have flags


class Guarded(Parser):
    """What the three writings share: limits, and the kinds of node that rdata leaves out."""

    expand_altrep: bool
    encoding: str | None = None

    def __init__(self, stream: Stream, *, keep: bool) -> None:
        super().__init__(altrep_constructor_dict=ALTREP)
        self.stream = stream
        self._keep_all = keep
        self._kept = 0
        self._depth = self._objects = self._texts = self._expanded = 0
        self._pending: int | None = None
        self._tag = ""
        self._seen: dict[tuple[int, bytes], str] = {}

    def parse_int(self) -> int:
        """Return the next integer, or the one that was looked at before."""
        if self._pending is not None:
            value, self._pending = self._pending, None
            return value
        return self.next_int()

    @abstractmethod
    def next_int(self) -> int:
        """Return the next integer of the stream."""

    def length(self) -> int:
        """Return the length of a vector; those of 2^31 and more are written as -1 and two halves."""
        first = self.parse_int()
        if first == -1:
            return (self.parse_int() << 32) + (self.parse_int() & 0xFFFFFFFF)
        if first < 0:
            raise FormatError("a vector's length is negative: the file is damaged")
        return first

    def parse_extra_info(self, versions: Any) -> Any:
        """Remember the encoding that text is in unless it says otherwise (version 3)."""
        if versions.format >= 3 and not 0 <= (size := self.parse_int()) <= 64:
            raise FormatError("the name of the encoding is longer than any: the file is damaged")
        if versions.format >= 3:
            self._pending = size
        extra = super().parse_extra_info(versions)
        self.encoding = extra.encoding
        return extra

    def _parse_array(self, dtype: Any) -> Any:
        length, dtype = self.length(), np.dtype(dtype)
        return self._parse_array_values(dtype, length)

    def parse_nullable_int_array(self, *, fill_value: Any = R_INT_NA) -> Any:
        """Return whole numbers, masked where NA."""
        values = self._parse_array(np.int32)
        return values if isinstance(values, Unkept) else mask_na_values(values, fill_value=fill_value)

    def keeps(self, size: int) -> bool:
        """Tell whether an array of so many bytes is to be kept, and count it."""
        if self._keep_all or size <= SMALL:
            return True
        if self._tag in {"i", "j", "x"} or size > KEPT_ARRAY or self._kept + size > KEPT:
            return False
        self._kept += size
        return True

    def expand_altrep_to_object(self, info: RObject, state: RObject) -> Any:
        """Expand a vector written in short; all of them together within the limit."""
        kind, value = super().expand_altrep_to_object(info, state)
        self._expanded += len(value) if value is not None else 0
        if self._expanded > LONGEST:
            raise FormatError(f"ranges of more than {LONGEST:,} numbers")
        return kind, value

    def parse_R_object(  # noqa: N802 - rdata's name
        self, reference_list: Any = None, bytecode_rep_list: Any = None, info_int: int | None = None
    ) -> RObject:
        """Parse the next node, within the limits."""
        del bytecode_rep_list, info_int  # only for byte code, which is read here
        references = [] if reference_list is None else reference_list
        self._deeper()
        mine = self._own(references)
        node = super().parse_R_object(references) if mine is None else mine
        self._depth -= 1
        return node

    def _own(self, references: list[RObject]) -> RObject | None:
        """Parse what rdata does not, or not fast; otherwise look at the flags and leave them to it."""
        flags = self.parse_int()
        kind = flags & 0xFF
        if kind in CONSTANTS:
            return CONSTANTS[kind]
        if kind == LIST:
            return self._pairlist(flags, references)
        if kind == STR:
            return self._with_attributes(flags, RObjectType.STR, list(self._text_values()), references)
        if kind == RAW:
            values = self.raw_values(self.length())
            return self._with_attributes(flags, RObjectType.RAW, values, references)
        if kind == WEAKREF:
            node = self._with_attributes(flags & ~0x200, RObjectType.WEAKREF, None, references)
            references.append(node)
            if flags & 0x200:
                node.attributes = self.parse_R_object(references)
            return node
        if kind in (PERSISTENT, PACKAGE):
            if self.parse_int() != 0:
                raise FormatError("the name of a package is damaged")
            node = new_node(RObjectType.NAMESPACE, list(self._text_values()))
            references.append(node)
            return node
        if kind == REF and not 0 < flags >> 8 <= len(references):
            raise FormatError("a reference to an object that is not there")
        self._pending = flags if kind in PAIRED or kind == REF else flags & ~0x400
        return None

    def _with_attributes(
        self, flags: int, kind: RObjectType, value: Any, references: list[RObject]
    ) -> RObject:
        node = new_node(kind, value, parse_r_object_info(flags))
        if flags & 0x200:
            node.info.attributes = True
            node.attributes = self.parse_R_object(references)
        return node

    def _text_values(self) -> Iterator[str | None]:
        """Yield the texts of a text vector; NA is None."""
        for _ in range(self.length()):
            flags, size = self.parse_int(), self.next_int()
            self._texts += 1
            if flags & 0xFF != CHAR or size < -1:
                raise FormatError("a text vector holds something else: the file is damaged")
            if self._texts > MOST_TEXTS:
                raise FormatError(f"more than {MOST_TEXTS:,} texts")
            yield None if size < 0 else self._text(flags, self.parse_string(size))

    def _text(self, flags: int, raw: bytes) -> str:
        """Return a text, the same object for the same text: names of cells come again and again."""
        if len(raw) > 64 or (known := self._seen.get((flags, raw))) is None:
            known = text_of(raw, flags >> 12, self.encoding)
            if len(raw) <= 64 and len(self._seen) < 1_000_000:
                self._seen[flags, raw] = known
        return known

    def _pairlist(self, flags: int, references: list[RObject]) -> RObject:
        """Parse a linked list in a loop, where rdata would call itself once per element."""
        nodes: list[RObject] = []
        while flags & 0xFF == LIST:
            self._objects += 1
            if self._objects > MOST_OBJECTS:
                raise FormatError(f"more than {MOST_OBJECTS:,} objects within the object")
            node = new_node(RObjectType.LIST, None, parse_r_object_info(flags))
            node.attributes = self.parse_R_object(references) if flags & 0x200 else None
            node.tag = self.parse_R_object(references) if flags & 0x400 else None
            outer, self._tag = self._tag, _symbol(node.tag)
            node.value = self.parse_R_object(references)
            self._tag = outer
            nodes.append(node)
            flags = self.parse_int()
        self._pending = flags
        rest = self.parse_R_object(references)
        for node in reversed(nodes):
            node.value = (node.value, rest)
            rest = node
        return rest

    def _parse_vector_value(self, reference_list: Any, bytecode_rep_list: Any = None) -> list[RObject]:
        """Parse the elements of a list; a package's name (NAMESPACE) is a list of bare texts."""
        return [self.parse_R_object(reference_list, bytecode_rep_list) for _ in range(self.length())]

    def _parse_bytecode(self, reference_list: Any, bytecode_rep_list: Any = None) -> Any:
        """Read over byte code (R source, serialize.c, ReadBC): nothing of it is kept but that it is there."""
        del bytecode_rep_list
        self.parse_int()  # size of the table of repetitions, which is not needed
        self._bytecode(reference_list)

    def _bytecode(self, references: list[RObject]) -> None:
        self.parse_R_object(references)
        for _ in range(self.length()):
            kind = self.next_int()
            if kind == BCODE:
                self._deeper()
                self._bytecode(references)
                self._depth -= 1
            else:
                self._language(kind, references)

    def _language(self, kind: int, references: list[RObject]) -> None:
        """Read over a constant of byte code: calls are linked lists whose parts may be said again by number."""
        while True:
            if kind == REPEATED:
                self.next_int()
                return
            if kind == REPEATABLE:
                self.next_int()
                kind = self.next_int()
            if kind not in CALLS:
                self.parse_R_object(references)
                return
            for _ in range(2 if kind in WITH_ATTRIBUTES else 1):  # attributes, tag
                self.parse_R_object(references)
            self._deeper()
            self._language(self.next_int(), references)
            self._depth -= 1
            kind = self.next_int()

    def _deeper(self) -> None:
        """Count a node and a step down; the step up is the caller's (an error ends the whole parsing)."""
        self._depth += 1
        self._objects += 1
        if self._depth > DEPTH:
            raise FormatError(f"nested more than {DEPTH} deep: no data object of ours")
        if self._objects > MOST_OBJECTS:
            raise FormatError(f"more than {MOST_OBJECTS:,} objects within the object")

    @abstractmethod
    def raw_values(self, length: int) -> Any:
        """Return bytes as an array of numbers from 0 to 255."""

    def parse_string(self, length: int) -> bytes:
        """Return the bytes of a text."""
        return self.stream.read(length)

    def check_complete(self) -> None:
        """What follows the object is counted by `parse`."""


def new_node(kind: RObjectType, value: Any, info: RObjectInfo | None = None) -> RObject:
    """Return a node without attributes."""
    return RObject(info or RObjectInfo(kind, False, False, False, 0, 0), value, None)


def _symbol(node: RObject | None) -> str:
    """Return the name that tags an element of a linked list; empty where there is none."""
    node = node.referenced_object if node and node.referenced_object else node
    text = getattr(getattr(node, "value", None), "value", None)
    return text.decode("latin-1") if isinstance(text, bytes) else ""


CONSTANTS = {
    END: new_node(RObjectType.NILVALUE, None),
    BASE_NAMESPACE: new_node(RObjectType.BASEENV, None),
    UNBOUND: new_node(RObjectType.MISSINGARG, None),
}
"""One node for all that are NULL (or the end of a linked list), R's own namespace, a variable without value."""
