"""Detectors of direct identifiers in text columns: by what the source declares, by names and labels, by content.

What becomes of a suspicious column is decided in steps/identify.py. The shapes of cells: identifier_shapes.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator import identifier_shapes as shapes

SAMPLED = 20_000  # distinct cells of a column that are looked at; of a suspicious column all are counted
FEW = 3  # distinct cells that must agree where no name or label says what the column holds
LEAST = 0.5  # share of the cells that must agree where a name or label does say so
CODED = frozenset({"radio", "dropdown", "checkbox", "yesno", "truefalse", "slider", "calc", "sql"})
TRUE = frozenset({"y", "yes", "1", "true"})


@dataclass(frozen=True)
class Suspicion:
    """A column that seems to hold direct identifiers.

    Attributes:
        column: its name.
        kind: declared, flagged, email, nhs_number, chi_number, national_id, phone, postcode, address,
            date_of_birth or name.
        reason: why, in words; never a cell.
        cells: how many cells hold one (for declared and flagged: how many are filled).
    """

    column: str
    kind: str
    reason: str
    cells: int


@dataclass(frozen=True)
class Kind:
    """How one kind of identifier is known.

    Attributes:
        name: the kind.
        says: what its cells are, for people.
        shape: tells of distinct cells which are of this kind.
        hint: words of a column's name or label that speak for it.
        hinted: the shape that is enough when the words do; None = the same.
        validations: how the names of REDCap's validations of such fields begin.
        share: of the cells, when nothing but the cells speaks for it; None = cells alone never do.
        few: distinct cells that must agree then.
    """

    name: str
    says: str
    shape: shapes.Shape
    hint: re.Pattern[str]
    hinted: shapes.Shape | None = None
    validations: tuple[str, ...] = ()
    share: float | None = None
    few: int = FEW


def words(pattern: str) -> re.Pattern[str]:
    """Return a pattern for whole words."""
    return re.compile(rf"\b(?:{pattern})\b")


PERSON = "patient|participant|subject|person|mother|father|parent|contact|kin|child|guardian|pt|pat"
NUMBER = "no|nr|num|number|id"
KINDS = (
    Kind("email", "e-mail addresses", shapes.email, words("e ?mail|mail address"), None, ("email",), 0.05),
    Kind("chi_number", "CHI numbers (a date, check digit)", shapes.chi, words("chi"), share=0.1, few=4),
    Kind("nhs_number", "NHS numbers (check digit)", shapes.nhs, words("nhs"), share=0.1, few=4),
    Kind(
        "national_id",
        "national or hospital numbers",
        shapes.social_security,
        words(
            f"nhs ?({NUMBER})?|chi ?({NUMBER})?|mrn|ssn|nino|(hospital|passport|medical record|national insurance"
            f"|social security|case ?note) ?({NUMBER})"
        ),
        shapes.long_number,
        ("ssn", "mrn", "nhs"),
        0.3,
    ),
    Kind(
        "date_of_birth",
        "dates of birth",
        shapes.date,
        words("dob|d o b|date ?of ?birth|birth ?date|birth ?day|born( on)?"),
    ),
    Kind(
        "phone",
        "telephone numbers",
        shapes.phone,
        words("(tele)?phone ?\\d?|mobile|tel( no)?|fax|cell ?phone"),
        shapes.any_phone,
        ("phone",),
        0.5,
    ),
    Kind(
        "postcode",
        "postcodes",
        shapes.postcode,
        words("post ?code|zip ?code|postal ?code|zip"),
        shapes.any_postcode,
        ("zipcode", "postalcode"),
        0.3,
    ),
    Kind(
        "address", "addresses", shapes.address, words("(street|home|postal)? ?address( line)? ?\\d?|street")
    ),
    Kind(
        "name",
        "names of people",
        shapes.letters,
        words(
            f"(first|fore|given|last|family|maiden|middle|second|sur|full|{PERSON}) ?names?|surname|initials|^initial$|"
            f"name (first|last|middle)|({PERSON}) initial"
        ),
    ),
    Kind("name", "names of people", shapes.full_name, re.compile(rf"^((.* )?name|{PERSON})$")),
)
NOT_OF_PEOPLE = words(
    "drug|medication|medicine|hospital|site|centre|center|study|sample|file|country|gene|species|trial|test|"
    "product|brand|region|city|school|form|event|variable|column|e ?mail|web|ip|url|weight|control|method"
)


def detect(table: pa.Table, declared: Collection[str] = ()) -> list[Suspicion]:
    """Return the text columns of `table` that seem to hold direct identifiers, each once, in their order.

    A column of choices (REDCap radio, checkbox …) is suspicious only by declaration or by REDCap's identifier flag.

    Args:
        table: delivered cells; field metadata may tell field_type, label, choices, validation and identifier.
        declared: columns that a person declares to be direct identifiers.
    """
    text = (pa.types.is_string, pa.types.is_large_string)
    looked_at = (
        _of_column(_Column(field, cells), field.name in declared)
        for field, cells in zip(table.schema, table.columns, strict=True)
        if any(is_text(field.type) for is_text in text)
    )
    return [found for found in looked_at if found]


def hints(name: str) -> bool:
    """Tell whether a name (of a column, of an entry) speaks for some kind of identifier."""
    called = _spoken(name)
    return any(kind.hint.search(called) for kind in KINDS)


def speaks_of(name: str, told: Mapping[str, str]) -> str | None:
    """Return the kind of direct identifier that a column's declaration alone speaks for; no cell is looked at.

    Args:
        name: the column's.
        told: field_type, label, choices, validation and identifier, as far as its source tells them.
    """
    if told.get("identifier", "").strip().lower() in TRUE:
        return "flagged"
    if told.get("choices") or told.get("field_type") in CODED:
        return None
    column = _Column(pa.field(name, pa.string(), metadata=dict(told)), pa.chunked_array([], pa.string()))
    dated = told.get("validation", "").startswith("date")  # the one kind whose cells are dates
    kinds = (kind for kind in KINDS if not dated or kind.name == "date_of_birth")
    return next((kind.name for kind in kinds if column.hinted(kind)), None)


class _Column:
    """One column: its words, and its distinct filled cells with how often each occurs."""

    def __init__(self, field: pa.Field, cells: pa.ChunkedArray) -> None:
        told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        self.name: str = field.name
        self.told: Mapping[str, str] = told
        self.called = _spoken(field.name)
        self.label = _spoken(re.sub(r"<[^>]*>", " ", told.get("label", "")))
        self._cells = cells

    @cached_property
    def counted(self) -> tuple[pa.Array, np.ndarray]:
        """The distinct cells without white space around them, and their counts."""
        counts = pc.value_counts(self._cells.combine_chunks())
        trimmed = pc.utf8_trim_whitespace(counts.field("values"))
        filled = pc.fill_null(pc.greater(pc.utf8_length(trimmed), 0), False)
        return trimmed.filter(filled), counts.field("counts").filter(filled).to_numpy(zero_copy_only=False)

    @cached_property
    def sample(self) -> tuple[pa.Array, np.ndarray]:
        """As `counted`, at most about `SAMPLED` of them, taken evenly."""
        cells, counts = self.counted
        step = -(-len(cells) // SAMPLED) or 1
        taken = pa.array(np.arange(0, len(cells), step))
        return cells.take(taken), counts[::step]

    @property
    def filled(self) -> int:
        """How many cells are filled."""
        return int(self.counted[1].sum())

    def hinted(self, kind: Kind) -> bool:
        """Tell whether its name, its label or its validation speaks for the kind."""
        if self.told.get("validation", "").startswith(kind.validations or ("\0",)):
            return True
        if kind.name in {"name", "address"} and NOT_OF_PEOPLE.search(self.called):
            return False
        return bool(kind.hint.search(self.called) or (self.label and kind.hint.search(self.label)))

    def count(self, shape: shapes.Shape) -> int:
        """Return how many cells have a shape."""
        cells, counts = self.counted
        return int(counts[shape(cells)].sum())


def _of_column(column: _Column, declared: bool) -> Suspicion | None:  # noqa: FBT001
    if declared:
        return Suspicion(column.name, "declared", "the study declares it", column.filled)
    if column.told.get("identifier", "").strip().lower() in TRUE:
        return Suspicion(column.name, "flagged", "REDCap's identifier flag is set", column.filled)
    if column.told.get("choices") or column.told.get("field_type") in CODED or not len(column.counted[0]):
        return None
    found = (_of_kind(column, kind) for kind in KINDS)
    return next((one for one in found if one), None)


def _of_kind(column: _Column, kind: Kind) -> Suspicion | None:
    """Return the suspicion that a column holds identifiers of one kind, if the cells bear it out."""
    hinted = column.hinted(kind)
    if not hinted and kind.share is None:
        return None
    shape = (kind.hinted or kind.shape) if hinted else kind.shape
    share, few = (LEAST, 1) if hinted or kind.share is None else (kind.share, kind.few)
    cells, counts = column.sample
    fits = shape(cells)
    if fits.sum() < few or counts[fits].sum() < share * counts.sum():
        return None
    whence = "its name or label says so and its cells agree" if hinted else "its cells look like it"
    return Suspicion(column.name, kind.name, f"{kind.says}: {whence}", column.count(shape))


def _spoken(name: str) -> str:
    """Return a column's name as words: `DateOfBirth`, `date_of_birth` → `date of birth`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.findall(r"[^\W_]+", apart.lower()))
