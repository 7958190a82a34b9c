"""Keys whose Number and Type the specification reserves, by version (VCFv4.2 §1.4, §3; VCFv4.5 tables 1 and 2, §3).

Up to 4.2 few keys have a Type in the text, and a dot as Number is let pass there.
"""

from __future__ import annotations

import re

_INFO = """
AA 1 String, AC A Integer, AD R Integer, ADF R Integer, ADR R Integer, AF A Float, AN 1 Integer, BQ 1 Float,
CIGAR A String, DB 0 Flag, DP 1 Integer, END 1 Integer, H2 0 Flag, H3 0 Flag, MQ 1 Float, MQ0 1 Integer,
NS 1 Integer, SB 4 Integer, SOMATIC 0 Flag, VALIDATED 0 Flag, 1000G 0 Flag, IMPRECISE 0 Flag, NOVEL 0 Flag,
SVTYPE 1 String
"""
_INFO_44 = """
SVLEN A Integer, CIPOS . Integer, CIEND . Integer, HOMLEN A Integer, HOMSEQ A String, BKPTID A String,
MEINFO . String, METRANS . String, DGVID A String, DBVARID A String, DBRIPID A String, MATEID A String,
PARID A String, EVENT A String, EVENTTYPE A String, CILEN . Integer, CN A Float, CICN . Float, SVCLAIM A String
"""
_INFO_OLD = """
END 1 Integer, IMPRECISE 0 Flag, NOVEL 0 Flag, SVTYPE 1 String, SVLEN . Integer, CIPOS 2 Integer, CIEND 2 Integer
"""
_FORMAT_OLD = """
GT 1 String, DP 1 Integer, FT 1 String, GL G Float, PL G Integer, GP G Float, GQ 1 Integer, HQ 2 Integer,
PS 1 Integer, PQ 1 Integer, MQ 1 Integer
"""
_FORMAT = _FORMAT_OLD.strip() + ", AD R Integer, ADF R Integer, ADR R Integer, EC A Integer, PP G Integer"
_FORMAT_44 = _FORMAT + ", PSL P String, PSO P Integer, PSQ P Integer"
_FORMAT_45 = (
    _FORMAT_44
    + """, LEN 1 Integer, LAA . Integer, LAD LR Integer, LADF LR Integer, LADR LR Integer,
LEC LA Integer, LGL LG Float, LGP LG Float, LPL LG Integer, LPP LG Integer"""
)
_MODIFICATION = re.compile(r"(DP|AD|)M(?:[0-9]+[ACGTUN]|5h?mC|5f[CU]|5ca[CU]|5hmU|6mA|8oxoG|XaoN)")


def _table(text: str) -> dict[str, tuple[str, str]]:
    rows = (row.split() for row in text.split(","))
    return {key: (number, kind) for key, number, kind in rows}


_INFOS = (((4, 4), _table(_INFO + "," + _INFO_44)), ((4, 3), _table(_INFO)), ((0, 0), _table(_INFO_OLD)))
_FORMATS = (
    ((4, 5), _table(_FORMAT_45)),
    ((4, 4), _table(_FORMAT_44)),
    ((4, 3), _table(_FORMAT)),
    ((0, 0), _table(_FORMAT_OLD)),
)


def contradicts(called: str, name: str, kind: str, number: str, version: tuple[int, int]) -> bool:
    """Tell whether a key is reserved and declared with another Number or Type than the specification gives it.

    Args:
        called: `INFO` or `FORMAT`.
        name: the key.
        kind: its declared Type.
        number: its declared Number.
        version: of the file.
    """
    tables = _INFOS if called == "INFO" else _FORMATS
    table = next(table for since, table in tables if version >= since)
    if name in table:
        loose = version < (4, 3) and "." in (number, table[name][0])
        return table[name] != (table[name][0] if loose else number, kind)
    modified = _MODIFICATION.fullmatch(name) if called == "FORMAT" and version >= (4, 5) else None
    return bool(modified) and (number, kind) != ("M", "Integer" if modified and modified[1] else "Float")
