"""The synthetic MUSIC export as it lies there, and the old pipeline's rules on it in a few lines of pandas.

Nothing here uses the platform: what its tests are held against is counted from records.json alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path

import pandas as pd

Row = dict[str, str]
Key = tuple[str, str]
LABORATORY, SALIVA = "laboratory_tests_for_disease_activity", "saliva_sample"
SIGNED = re.compile(r"[<>]=?\s*[0-9.]+")
NUMBER = re.compile(r"[+-]?[0-9.]+")
SLOTS = range(1, 7)
DRUG_SLOTS = ("baseline_current_drug", *(f"baseline_current_drug_{n}" for n in SLOTS if n > 1))
OTHER_SLOTS = tuple(f"baseline_current_other{n}" for n in SLOTS)
TEXT_SLOTS = tuple(f"baseline_current_otherx{n}" for n in SLOTS)
DRUGS = {  # flag → the slots and the words that the old pipeline looks for
    "baseline_asa": ((*DRUG_SLOTS, "21"), (*OTHER_SLOTS, "4", "5", "6")),
    "baseline_mtx": ((*OTHER_SLOTS, "14"),),
    **{
        f"baseline_{drug}": ((*DRUG_SLOTS, code),)
        for drug, code in {
            **{"ifx": "3", "ada": "1", "aza": "2", "mp": "16", "uste": "11"},
            **{"vedo": "12", "goli": "15", "tofa": "10"},
        }.items()
    },
    "baseline_filgo": ((*TEXT_SLOTS, "Filgotinib"),),
    "baseline_risa": ((*TEXT_SLOTS, "Risankisumab"),),
}
LABS = {  # variable → column
    **{name: name for name in ("haemoglobin", "red_cell_count", "white_cell_count", "albumin", "crp")},
    **{
        f"{name}": f"{name}_lab"
        for name in ("neutrophils", "lymphocytes", "monocytes", "eosinophils", "basophils")
    },
    **{
        f"{name}": f"{name}_lab"
        for name in ("haematocrit", "egfr", "urea", "creatinine", "sodium", "potassium")
    },
    **{"bilirubin": "bilirubin_lab", "platelets": "plt_lab", "calprotectin": "calprotectin"},
    **{"qfit_result": "qfit_result", "ada_level": "drug_level_adalimumab", "ifx_level": "drug_level_inflxi"},
}
CENTRES = {
    "90": "edinburgh",
    "91": "glasgow",
    "92": "dundee",
    "191": "fate_cd",
    "93": "unknown",
    "95": "unknown",
}
LOCATIONS = {"0": "L1", "1": "L2", "2": "L3", "4": "L1", "5": "L2", "6": "L3"}
BOXES = {  # checkbox field → options that are published
    "hbicomplications": range(9),
    "sccaicomplications": range(5),
    **dict.fromkeys(("flare_up_manaegment1", "flare_up_manaegment2"), (1, 2, 3, 4, 5, 99)),
    **dict.fromkeys(("unplanned_hospital_reason1", "unplanned_hospital_reason2"), (1, 2, 3, 4, 5, 99)),
    "endoscopy_type": (2, 3),
    "endoscopy_type_2": (2, 3),
    "baseline_radiology_type": (3, 6, 7),
    "baseline_eims": (2, 3, 5, 6, 10, 12, 15),
    "baseline_eims_subother": (1, 8, 11, 14, 99),
}


class Records:
    """The export, by instrument; cells are stripped of outer white space."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.raw: list[dict[str, object]] = json.loads((folder / "records.json").read_text(encoding="utf-8"))
        self.rows: list[Row] = [{name: str(cell).strip() for name, cell in row.items()} for row in self.raw]
        self.base, self.laboratory = self.of(""), self.of(LABORATORY)
        self.first = [row for row in self.base if row["redcap_event_name"] == "timepoint_1_arm_1"]
        self.saliva = [
            row for row in self.rows if row["saliva_rev_date"] or row["redcap_repeat_instrument"] == SALIVA
        ]

    def of(self, instrument: str) -> list[Row]:
        """Return the rows of a repeating instrument; '' = one row per participant and event."""
        return [row for row in self.rows if row["redcap_repeat_instrument"] == instrument]

    @cached_property
    def visits(self) -> list[Row]:
        """The visits at which the participant had not withdrawn: 0 means yes."""
        return [row for row in self.base if row["withdrawn"] != "0"]

    @cached_property
    def withdrawn(self) -> set[Key]:
        """The visits at which the participant had withdrawn."""
        return {visit(row) for row in self.base} - {visit(row) for row in self.visits}

    @cached_property
    def first_labs(self) -> list[Row]:
        """The first laboratory form of each visit that counts."""
        found: dict[Key, Row] = {}
        for row in sorted(self.laboratory, key=lambda row: int(row["redcap_repeat_instance"])):
            found.setdefault(visit(row), row)
        return [row for key, row in found.items() if key not in self.withdrawn]

    @cached_property
    def fields(self) -> dict[str, str]:
        """Field → its form."""
        found = json.loads((self.folder / "metadata.json").read_text(encoding="utf-8"))
        return {field["field_name"]: field["form_name"] for field in found}


def visit(row: Row) -> Key:
    """Return (participant, event) of a row."""
    return row["study_id"], row["redcap_event_name"]


def house_key(row: Row) -> Key:
    """Return (participant, visit) as the platform writes them."""
    return f"MID-{row['study_id']}", row["redcap_event_name"]


def count(rows: Iterable[Row], test: Callable[[Row], object]) -> int:
    """Return how many rows pass."""
    return sum(bool(test(row)) for row in rows)


def boxes(row: Row, field: str) -> list[str]:
    """Return the columns of the ticked boxes of a checkbox field."""
    return [name for name, cell in row.items() if name.startswith(f"{field}___") and cell == "1"]


# -- the old pipeline


def old_center(study_id: str) -> str:
    """Return the centre by the first substring that the old pipeline finds."""
    order = {"91-": "glasgow", "92-": "dundee", "90-": "edinburgh", "191-": "fate_cd"}
    return next((centre for part, centre in order.items() if part in study_id), "unknown")


def old_flag(row: Row, flag: str) -> int:
    """Return the old drug flag: 1 where a slot holds the word, else 0."""
    for family in DRUGS[flag]:
        slots = [name for name in family if name.startswith("baseline_")]
        words = [name for name in family if not name.startswith("baseline_")]
        if any(row[slot] in words for slot in slots):
            return 1
    return 0


def old_scores(rows: list[Row]) -> pd.DataFrame:
    """Return the old PRO2 scores and response criteria; every comparison with NaN is False."""
    frame = pd.DataFrame(rows)
    stools = pd.to_numeric(frame["hbinumber_of_liquid_stools"], errors="coerce")
    pain = frame["hbiabdominal_pain"].map({"0": 0, "1": 1, "2": 2, "3": 3})
    often = frame["mayo_stool_frequency"].map({"0": 0, "1": 1, "2": 2, "3": 3})
    bleeding = frame["mayo_rectal_bleeding"].map({"0": 0, "1": 1, "2": 2, "3": 3})
    return pd.DataFrame(
        {
            "cd_pro2_raw": stools + pain,
            "cd_pro2_weighted": stools * 2 + pain * 5,
            "uc_pro2": often + bleeding,
            "ibdresponse_criteria_cd_met": (stools >= 4) & pain.isin([2, 3]),
            "ibdresponse_criteria_uc_met": (often == 3) | (bleeding != 0),
        }
    )


def old_main(records: Records) -> pd.DataFrame:
    """Return the keys of the old main table: first laboratory form, saliva forms but the second, withdrawn rows out."""
    base, laboratory = pd.DataFrame(records.base), pd.DataFrame(records.laboratory)
    rows = pd.DataFrame(records.rows)
    key = ["study_id", "redcap_event_name"]
    first = laboratory[laboratory["redcap_repeat_instance"] == "1"][key]
    saliva = rows[(rows["saliva_rev_date"] != "") & (rows["redcap_repeat_instance"] != "2")][key]
    joined = base[[*key, "withdrawn"]].merge(first, on=key, how="left").merge(saliva, on=key, how="left")
    return joined[joined["withdrawn"] != "0"]


def empty_columns(rows: list[Row]) -> list[str]:
    """Return the columns that hold nothing in any of the rows."""
    return [name for name in rows[0] if not any(row[name] for row in rows)]
