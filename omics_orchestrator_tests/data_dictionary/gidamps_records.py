"""The synthetic GI-DAMPs export as it lies there, and the old pipeline's rules on it in a few lines of pandas.

Nothing here uses the platform: what its tests are held against is counted from records.json alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from functools import cached_property
from pathlib import Path

import pandas as pd

Row = dict[str, str]
MERGED = "GID-7"  # one person under three ids
BLANK = ""
NUMBER = re.compile(r"[+-]?[0-9.]+")
FULL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SIGNED = re.compile(r"[<>]=?\s*[0-9.]+")
YEARS = ("ifx", "ciclo", "ada", "vedo", "uste", "tofa", "golim", "filgo", "upa", "risa", "aza", "mp", "mtx")
DRUG_DATES = [f"{drug}_{end}" for drug in YEARS for end in ("start", "stop")]
LABS = (
    *(
        "haemoglobin",
        "haematocrit_lab",
        "red_cell_count",
        "white_cell_count",
        "neutrophils_lab",
        "lymphocytes_lab",
    ),
    *(
        "monocytes_lab",
        "basophils_lab",
        "eosinophils_lab",
        "plt_lab",
        "urea_lab",
        "sodium_lab",
        "potassium_lab",
    ),
    *(
        "creatinine_lab",
        "egfr_lab",
        "crp",
        "albumin",
        "calprotectin",
        "drug_level_adalimumab",
        "drug_level_inflxi",
    ),
)
HBI = ("hbigeneral_well_being_as", "hbiabdominal_pain", "hbinumber_of_liquid_stools", "hbiabdominal_mass1")
SCCAI = (
    *("sccai_general_well_being", "sccai_bowel_freqday", "sccai_bowel_frequency_nigh"),
    *("sccai_urgency_of_defecatio", "sccai_blood_in_stool"),
)
CLASSES = {
    "baseline_thiopurine_exposure": ("aza", "mp"),
    "baseline_anti_tnf_exposure": ("ada", "ifx", "golim"),
    "baseline_biologic_exposure": ("ada", "ifx", "golim", "uste", "vedo", "filgo", "risa", "upa", "tofa"),
    "baseline_jak_exposure": ("upa", "tofa", "filgo"),
}
TWICE_CODED = ("ifx", "ciclo")  # 1 yes, 2 no; the other drugs 1 and 0


class Records:
    """The export, by instrument."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = json.loads((folder / "records.json").read_text(encoding="utf-8"))
        self.rows: list[Row] = [{name: str(cell).strip() for name, cell in row.items()} for row in found]
        self.base, self.sampling, self.cucq = (self.of(form) for form in ("", "sampling", "cucq32"))

    def of(self, instrument: str) -> list[Row]:
        """Return the rows of a repeating instrument; '' = one row per record."""
        return [row for row in self.rows if row["redcap_repeat_instrument"] == instrument]

    @cached_property
    def people(self) -> dict[str, list[Row]]:
        """House id → its records."""
        found: dict[str, list[Row]] = {}
        for row in self.base:
            found.setdefault(house_id(row["study_id"]), []).append(row)
        return found

    def untouched(self, form: str) -> list[Row]:
        """Return the base rows in which nobody ever opened a form: status 0, nothing filled in, no box ticked."""
        metadata = json.loads((self.folder / "metadata.json").read_text(encoding="utf-8"))
        fields = {field["field_name"] for field in metadata if field["form_name"] == form} - {"study_id"}
        columns = [name for name in self.base[0] if name.split("___")[0] in fields]
        boxes = {name for name in columns if "___" in name}
        return [
            row
            for row in self.base
            if row[f"{form}_complete"] == "0"
            and all(row[c] in ({"", "0"} if c in boxes else {""}) for c in columns)
        ]

    def single(self) -> list[Row]:
        """Return the base rows of people who have one record."""
        return [rows[0] for rows in self.people.values() if len(rows) == 1]


def house_id(text: str) -> str:
    """Return an id as it is written since December 2024."""
    _, *parts = [part for part in text.split("-") if part not in {"P", "HC"}]
    return "-".join(["GID", *parts[:-1], parts[-1].lstrip("0")])


def visit_key(row: Row) -> tuple[str, str]:
    """Return (record, instance) of a row."""
    return row["study_id"], row["redcap_repeat_instance"]


def ticked(row: Row, field: str, *codes: int) -> list[int]:
    """Return which of the options of a checkbox are ticked."""
    return [code for code in codes if row[f"{field}___{code}"] == "1"]


def count(rows: list[Row], test: Callable[[Row], object]) -> int:
    """Return how many rows pass."""
    return sum(bool(test(row)) for row in rows)


def days_apart(one: str, other: str) -> int | None:
    """Return the days between two dates, None where one is blank."""
    return abs((date.fromisoformat(one) - date.fromisoformat(other)).days) if one and other else None


# -- the old pipeline


def old_center(study_id: str) -> str:
    """Return the centre by the substrings that the old pipeline looks for."""
    return "glasgow" if "136-" in study_id else "dundee" if "138-" in study_id else "edinburgh"


def old_highest(row: Row, field: str, names: dict[int, str]) -> str | None:
    """Return the code that the old pipeline takes of a checkbox: the last ticked wins."""
    found = ticked(row, field, *names)
    return names[found[-1]] if found else None


def old_flag(row: Row, drugs: tuple[str, ...]) -> int:
    """Return the old class exposure: 1 where any says 1, else 0."""
    return int(any(row[drug] == "1" for drug in drugs))


def old_number(text: str) -> float:
    """Return a laboratory text as a number, its sign stripped; NaN where it is none."""
    found = pd.to_numeric(text.replace("<", "").replace(">", "").strip(), errors="coerce")
    return float(found)


def old_activity(row: Row) -> str:
    """Return the proposed standardised activity: every comparison with NaN is False."""
    raised = old_number(row["crp"]) > 5, old_number(row["calprotectin"]) > 250
    if row["patient_active_symptomyn1"] == "1":
        return "biochem_active" if all(raised) else "active"
    return "remission" if any(raised) else "biochem_remission"


def old_sampling(records: Records) -> pd.DataFrame:
    """Return the old sampling table: baseline columns on each row, questionnaires of the very same date beside it."""
    sampling, base, cucq = (pd.DataFrame(rows) for rows in (records.sampling, records.base, records.cucq))
    left = sampling[["study_id", "redcap_repeat_instance", "sampling_date", "crp"]]
    with_base = left.merge(base[["study_id", "sex"]], on="study_id", how="left")
    right = cucq[["study_id", "cucq_date", "cucq_total"]].rename(columns={"cucq_date": "sampling_date"})
    return with_base.merge(right, on=["study_id", "sampling_date"], how="left", indicator="questionnaire")


def empty_columns(rows: list[Row]) -> list[str]:
    """Return the columns that hold nothing in any of the rows."""
    frame = pd.DataFrame(rows).replace(r"^\s*$", None, regex=True)
    return [name for name in frame.columns if frame[name].isna().all()]
