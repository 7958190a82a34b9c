"""The text of study.yaml and mapping.yaml of a draft. What stands in it is decided in draft.py."""

from __future__ import annotations

import json
from collections.abc import Sequence

from omics_orchestrator.dictionary import ENTITIES
from omics_orchestrator.steps.new_study.draft import Draft
from omics_orchestrator.steps.new_study.origin import Origin
from omics_orchestrator.steps.suggest.rules import scalar

MARK = "# "
WIDTH = 120  # characters of a line of names


def study_yaml(name: str, draft: Draft, steward: str | None, whence: str) -> str:
    """Return the text of study.yaml."""
    origin = draft.origin
    who = steward or f"team:{name}"
    why = "from git config user.email" if steward else "nobody was found: write who answers for the data"
    text = [
        f"# Drafted by `omics new-study` from {whence}. Read and correct it; `omics check {name}` tells",
        "# what is wrong, data_dictionary/README.md what the words mean. What is behind # is optional.",
        f"study: {name}",
        f"title: {name}    # what people call it",
        "# description: one sentence: who takes part, what is collected",
        f"stewards: [{scalar(who)}]    # {why}",
        '# schedule: {nightly: "01:30", timezone: Europe/London}',
        "",
        "participant_id:",
        f"  # {_shape(origin)}",
        f"  pattern: {json.dumps(origin.pattern or '.+', ensure_ascii=False)}",
    ]
    if origin.apart:
        says = f"# {', '.join(origin.apart)} seems to hold direct identifiers, and it names the participants:"
        text += ["", says, "# pseudonymise: yes"]
    return "\n".join([*text, "", *_sources(origin)]) + "\n"


def _sources(origin: Origin) -> list[str]:
    stores = [one for one in origin.set_up if one.startswith("OMICS_STORE_")]
    where = [f"where store+{one[12:-4].lower()}:// lies, each machine says: {one}" for one in stores]
    said = [*origin.notes, *origin.said, *where]
    return ["sources:", *(f"  # {line}" for line in said), *(f"  {line}" for line in origin.declared)]


def _shape(origin: Origin) -> str:
    if not origin.pattern:
        return "no id was found, and this takes anything: write what an id looks like"
    return f"{origin.pattern_why}; letters as they are, digits as [0-9]+"


def mapping_yaml(name: str, draft: Draft) -> str:
    """Return the text of mapping.yaml."""
    text = [
        "# Drafted by `omics new-study`. Every rule is a suggestion and stands behind #: read it, take the # off, or",
        "# take it out. Behind a rule: its score, what speaks for it, after ! what is left to you.",
    ]
    for entity in ENTITIES:
        if entity in draft.guesses:
            text += ["", *_block(entity, draft)]
    if not draft.guesses:
        said = "# which column names the participant was not found: write it, and take the # off"
        text += ["", said, "# participant:", *_example(draft)]
    if draft.elsewhere:
        text += [
            "",
            "# suggested, and no block above has the rows for it: a visit or sample needs a second column in its key.",
            "# Where each row is one: key: [<id>, slot] and reshape: {slots: [first], columns: {row: <id>}}",
            *(f"#   {line}" for line in draft.elsewhere),
        ]
    return "\n".join([*text, "", *_left_out(draft)]) + "\n"


def _block(entity: str, draft: Draft) -> list[str]:
    guess = draft.guesses[entity]
    lines = [f"{entity}:", f"  # {guess.why}", f"  from: {guess.table}"]
    if guess.key:
        lines.append(f"  key: [{', '.join(map(scalar, guess.key))}]")
    if joins := draft.joins.get(entity):
        if draft.origin.unsure_joins:
            lines.append(f"  # {draft.origin.unsure_joins}")
        lines += ["  join:", *(f"    {table}: {how}" for table, how in joins.items())]
    return [*lines, *(f"  {MARK}{rule}" for rule in draft.rules.get(entity, ()))]


def _example(draft: Draft) -> list[str]:
    table = draft.origin.source
    return [f"#   from: {table}", "#   key: [the column with the participant's id]"]


def _left_out(draft: Draft) -> list[str]:
    """Return `not_mapped`: identifiers as an entry, columns without a suggestion as a comment."""
    entries: dict[str, Sequence[str]] = {"direct identifier": draft.identifiers} if draft.identifiers else {}
    if draft.origin.form_status:
        entries["form status"] = _statuses(draft)
    if not (entries or draft.guesses):
        entries["not decided yet"] = ()  # the least that is no empty file
    lines = (
        ["# seem to hold direct identifiers, by name, label, flag or cells: never read"]
        if draft.identifiers
        else []
    )
    lines.append("not_mapped:" if entries else "# not_mapped:")
    for reason, names in entries.items():
        lines += _listed("", reason, names)
    if draft.undecided:
        count = f"without a suggestion: {len(draft.undecided)}"
        lines.append(f"  # {count}; told as drift until a rule reads them or they stand here")
        lines += _listed(MARK, "not wanted", draft.undecided)
    return lines


def _statuses(draft: Draft) -> list[str]:
    """Return how the columns with the status of forms are listed: by a pattern, unless it would cover others."""
    origin = draft.origin
    names = [one.name for one in origin.columns or ()]
    forms = dict.fromkeys(one.table for one in origin.columns or ())
    return (
        [f"{form}_complete" for form in forms]
        if any(one.endswith("_complete") for one in names)
        else ["*_complete"]
    )


def _listed(mark: str, reason: str, names: Sequence[str]) -> list[str]:
    """Return an entry of `not_mapped`, in lines of bearable width."""
    lines, line = [], f"  {mark}{reason}: [" + ("" if names else "]")
    for place, name in enumerate(names):
        cell = json.dumps(name, ensure_ascii=False) if "*" in name else scalar(name)
        word = f"{cell}]" if place == len(names) - 1 else f"{cell}, "
        if len(line) + len(word) > WIDTH:
            lines.append(line.rstrip())
            line = f"  {mark}  "
        line += word
    return [*lines, line]
