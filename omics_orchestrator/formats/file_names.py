"""Looks for direct identifiers in the names of files and folders: e-mail, NHS and CHI numbers, birth dates, names.

Careful not to cry wolf: dates of runs, barcodes and counts are part of most names. Headers: header_scan.py.
"""

from __future__ import annotations

import re

LONGEST = 4096  # characters of a key that are looked at
GATE = re.compile(r"[@^,]|\d{6}|\d[-. ]\d|dob|birth|born|mrn|hospital", re.IGNORECASE)
TOPS = "com|org|net|edu|gov|int|info|ac|uk|scot|nhs|co|de|fr|it|es|nl|ie|eu|us|ca|au|nz|ch|at|be|dk|se|no|fi|pl|pt|gr"
MAIL = re.compile(rf"[\w.+-]+@(?:[a-z0-9-]+\.)+(?:{TOPS})(?![a-z0-9])", re.IGNORECASE)
TEN = re.compile(r"(?<![A-Za-z0-9])(\d{3})([ -]?)(\d{3})\2(\d{4})(?![A-Za-z0-9])")
YEAR, MONTH, DAY = r"(?:18|19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
DATES = "|".join(
    f"{first}{between}{MONTH}{between}{last}"
    for first, last in ((YEAR, DAY), (DAY, YEAR))
    for between in ("", "-", "_", r"\.")
)
DATE, OLD_DATE = f"(?:{DATES})", f"(?:{DATES.replace(YEAR, '19[0-8][0-9]')})"
OLD = re.compile(rf"(?<![A-Za-z0-9.]){OLD_DATE}(?![A-Za-z0-9]|\.\d)")  # no file here is so old
BIRTH = re.compile(
    rf"(?i)(?<![a-z])(?:d\.?o\.?b|date[ _.-]?of[ _.-]?birth|birth[ _.-]?(?:date|day)|born)[ _.=:-]*{DATE}"
)
HOSPITAL = re.compile(r"(?i)(?<![a-z])(?:mrn|hospital[ _.-]?(?:no|nr|number|id))[ _.=:#-]*[a-z]{0,3}\d{5,}")
FAMILY, GIVEN = r"[^\W\d_a-z]{2,}(?:['’-][^\W\d_a-z]{2,})?", r"[^\W\d_a-z][^\W\d_A-Z]+"
START, END = r"(?<![^\W_])", r"(?![^\W_])"
DATED = (
    re.compile(rf"{START}({FAMILY})[ _.,-]+({GIVEN})[ _.-]+{DATE}{END}"),
    re.compile(rf"{START}({GIVEN})[ _.,-]+({FAMILY})[ _.-]+{DATE}{END}"),
    re.compile(rf"{START}{DATE}[ _.-]+({FAMILY})[ _.,-]+({GIVEN}){END}"),
)
CARET = re.compile(rf"{START}([^\W\d_]{{2,}})\^([^\W\d_]{{2,}})(?:\^|{END})")
COMMA = re.compile(rf"{START}({FAMILY}|{GIVEN}), ?({GIVEN}){END}")
WORK = (
    "run batch plate lane pool study sample samples control controls library lib sequencing seq report reports results "
    "result data export exports raw final counts count table tables summary project cohort visit baseline week month "
    "day test demo example rna dna atac chip scrna wgs wes mgx mtx its vcf bam fastq fasta tsv csv json html pdf qc "
    "fastqc multiqc illumina novaseq hiseq nextseq miseq nanopore pacbio olink slide slides image images scan kraken "
    "bracken metaphlan humann biom matrix meta metadata manifest index reads read human mouse host stool blood serum "
    "plasma biopsy saliva tissue colon ileum case cases group site centre center hospital release version draft old "
    "new backup copy log logs analysis pipeline output input merged filtered normalised normalized proteins peptides "
    "genes transcripts genome reference annotation phase trial ibd gidamps crohn colitis uc cd hc"
)
OF_WORK = frozenset(WORK.split())


def file_name_scan(path: str) -> tuple[str, ...]:
    """Return what of a person a key seems to give away, by place (`file name: names of people`), never more.

    Found: e-mail addresses; ten digits with the check digit of an NHS number (first digit 4, 6, 7 or 9) or a CHI
    number (begins with DDMMYY); a date after a word of birth, or before 1990 (no file here is so old); hospital
    numbers after such a word; names as `SMITH_John_19570211`, `Doe^Jane`, `Smith, John`.

    Args:
        path: key or path, parts separated by `/`; of a longer one the last 4,096 characters count.
    """
    if not GATE.search(path):
        return ()
    parts = path[-LONGEST:].split("/")
    places = [f"folder {number}" for number in range(1, len(parts))] + ["file name"]
    return tuple(
        f"{place}: {says}" for place, part in zip(places, parts, strict=True) for says in _said(part)
    )


def within_text(text: str) -> list[str]:
    """Return the kinds of identifiers that tell themselves anywhere in a text: e-mail, NHS and CHI numbers."""
    found = []
    if "@" in text and MAIL.search(text):
        found.append("e-mail addresses")
    if any(_checked("".join(ten.group(1, 3, 4))) for ten in TEN.finditer(text)):
        found.append("NHS or CHI numbers (check digit)")
    return found


def _said(part: str) -> list[str]:
    """Return the kinds of identifiers in one part of a path."""
    found = {
        "dates of birth": BIRTH.search(part) is not None or OLD.search(part) is not None,
        "hospital numbers": HOSPITAL.search(part) is not None,
        "names of people": any(_of_person(part, pattern) for pattern in (*DATED, CARET, COMMA)),
    }
    return within_text(part) + [says for says, holds in found.items() if holds]


def _of_person(part: str, pattern: re.Pattern[str]) -> bool:
    """Tell whether a pattern finds two words of which none belongs to the work."""
    return any(
        not OF_WORK & {word.lower() for word in match.groups() if word and word[0].isalpha()}
        for match in pattern.finditer(part)
    )


def _checked(ten: str) -> bool:
    """Tell whether ten digits are an NHS or CHI number: modulus 11, and a first digit or a date that such have."""
    digits = [int(one) for one in ten]
    check = (
        11 - sum(digit * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    ) % 11
    if check != digits[9] or len(set(digits)) == 1:
        return False
    return ten[0] in "4679" or (1 <= int(ten[:2]) <= 31 and 1 <= int(ten[2:4]) <= 12)
