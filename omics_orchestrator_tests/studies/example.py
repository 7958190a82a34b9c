"""One small study and dictionary that hold together; tests break a line of it and look at the message."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "variables.csv": """\
name,entity,domain,type,unit,min,max,code_list,sensitivity,label,description,terms
sex,participant,demographics,code,,,,sex,personal,Sex,,NCIT C20197; C16576
age,participant,demographics,decimal,a,0,110,,personal,Age,"At consent, in years",
ifx,participant,medication,boolean,,,,,open,Infliximab,,
visit_date,visit,structure,date,,,,,personal,Date of the visit,,
crp,visit,laboratory,censored,mg/L,0,700,,open,CRP,,LOINC 1988-5
active,visit,symptoms,boolean,,,,,open,Active disease,,
""",
    "code_lists.csv": """\
code_list,code,label,terms
sex,female,Female,
sex,male,Male,
sex,unknown,Unknown,
""",
    "units.csv": """\
alias,unit,factor,offset,substance
years,a,,,
mo,a,0.08333333333333333,,
mg/l,mg/L,,,
mg/dL,mg/L,10,,
mg/dl,mg/dL,,,
""",
    "molar_masses.csv": """\
substance,g_per_mol,source
creatinine,113.12,C4H7N3O
""",
    "synonyms.csv": """\
term,synonyms,also_finds
C-reactive protein,CRP; hs-CRP,
biological drug,biologic,infliximab; adalimumab
""",
    "assays.yaml": """\
metabolomics:
  label: Metabolomics
  measures: metabolites
  material: [stool]
  formats: [feature_table]
mgx:
  label: Metagenomics
  measures: microbial genomes
  material: [stool]
  formats: [fastq, feature_table]
""",
    "studies/tiny/study.yaml": """\
study: tiny
title: Tiny
description: three participants
stewards: [tiny@example.org]
schedule: {nightly: "01:30", timezone: Europe/London}

participant_id:
  pattern: "T-(?P<site>[A-Z])?(?P<number>[0-9]+)"
  written: "T-{number}"
  aliases: participant_aliases.csv

sources:
  files:
    kind: delimited
    location: "store+public://tiny/"
    tables: {people: people.csv, visits: visits.csv}
  bloods: {kind: delimited, location: "store+public://tiny/bloods.csv"}
  forms: {kind: redcap_export, location: "store+public://tiny/redcap/"}

assays:
  metabolomics:
    format: feature_table
    location: "store+public://tiny/peaks.csv"
    samples: columns
    feature_columns: [name]
  mgx_reads:
    format: fastq
    location: "store+public://tiny/reads/"
    link: "(?P<sample>[A-Z0-9]+)_R[12]\\\\.fastq\\\\.gz"
""",
    "studies/tiny/participant_aliases.csv": """\
old,new
tiny 1,T-1
""",
    "studies/tiny/mapping.yaml": """\
maps:
  yes_no: {1: yes, 2: no}
participant:
  from: files.people
  key: [id]
  sex: {recode: sex, map: {F: female, M: male}}
  age: {number: age.months, unit: mo, missing: {999: unknown}}
  ifx: {recode: ifx, map: yes_no}
visit:
  from: files.visits
  key: [id, visit]
  where: "kind = 'clinic'"
  join: {bloods: {cardinality: one_to_one, on: [id, visit]}}
  missing: {NA: unknown}
  visit_date: {date: date, formats: ["%d/%m/%Y"]}
  crp: {number: bloods.crp, unit: mg/dL, censored: yes}
  checks:
    crp_in_men:
      expect: "crp is null or participant.sex = 'male'"
      says: CRP was asked of men only
none:
  active: {status: impossible, missing: not_collected, reason: not part of the protocol}
not_mapped:
  direct identifier: [name, "address_*"]
  copies: [files.visits.age.months]
""",
}


def write(folder: Path, **changes: tuple[str, str]) -> Path:
    """Write the example below `folder`; `changes`: file stem → (text, what stands there instead)."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for stem, (old, new) in changes.items():
            if file.stem == stem:
                assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
                text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    return folder
