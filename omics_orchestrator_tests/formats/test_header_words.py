"""Free text of headers: what may identify somebody is taken out of it, what is only technical is not."""

import pytest

from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.header_words import LONGEST, MOST, entries


def kinds(text: str) -> list[str]:
    told = [found.removeprefix("p: ").partition(" (")[0] for found in suspicious(entries("p", text))]
    return list(dict.fromkeys(told))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Patient John Smith DOB 12/03/1957", ["names of people", "dates of birth"]),
        ("Patient_Jane_Doe", ["names of people"]),
        ("surname=Doe^Jane", ["names of people"]),
        ("donor born on 11 Feb 1957", ["dates of birth"]),
        ("sent by <j.d@example.org>", ["e-mail addresses"]),
        ("943 476 5919", ["NHS numbers"]),
        ("call (mobile 07700 900123)", ["telephone numbers"]),
        ("MRN H1234567", ["national or hospital numbers"]),
        ("postcode CB2 0QQ", ["postcodes"]),
        ("Patient_GID-1", []),
        ("patient sample from biopsy", []),
        ("bwa mem -t 8 -R @RG\\tID:x\\tSM:S1 ref.fa a_1.fq.gz", []),
        ("run 2021-03-04 12:33:22 flowcell HXXX lane 4, index ACGTACGT", []),
        ("10x_bam_to_fastq:R1(CR:CY,UR:UY)", []),
        ("READTYPE=SUBREAD;BINDINGKIT=101-490-800;FRAMERATEHZ=100.000", []),
        ("samtools sort -@ 4 -o /data/chi/out.bam --address 1", []),
    ],
)
def test_text_is_taken_apart(text, told):
    assert kinds(text) == told


def test_a_long_text_is_looked_at_in_part():
    assert len(list(entries("p", "patient: Jane Doe; " * 10 + "a@b.org " * 500))) <= MOST
    assert not list(entries("p", "x " * LONGEST + "a@b.org"))
    assert not list(entries("p", "x" * 10_000 + "\0"))
