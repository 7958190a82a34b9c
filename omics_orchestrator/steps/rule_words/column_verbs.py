"""The verbs over columns, in words: copy, number, date, recode, ticked, one_of, any_of, constant."""

from __future__ import annotations

from omics_orchestrator.dictionary.ucum import Conversion
from omics_orchestrator.steps.rule_words.dates import date_format
from omics_orchestrator.steps.rule_words.phrases import Told, listed, pairs, quoted
from omics_orchestrator.steps.rule_words.speaker import Speaker, missing_words
from omics_orchestrator.steps.unit_print import in_print
from omics_orchestrator.verbs.any_of import AnyOf
from omics_orchestrator.verbs.constant import Constant
from omics_orchestrator.verbs.copy import Copy
from omics_orchestrator.verbs.date import Date, precision
from omics_orchestrator.verbs.number import NUMERIC, Number
from omics_orchestrator.verbs.one_of import OneOf
from omics_orchestrator.verbs.recode import Recode
from omics_orchestrator.verbs.ticked import Ticked

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LIMITS = "Values such as <5 are kept as limits"


def copied(speaker: Speaker, rule: Copy) -> Told:
    """Return the words of `copy`: what it does depends on the variable's type."""
    kind = speaker.variable.type
    if kind in NUMERIC:
        return number(speaker, Number(columns=rule.columns, missing=rule.missing))
    column, remarks = speaker.columns(rule.columns), missing_words(rule.missing)
    if kind in {"date", "partial_date"}:
        return Told(f"the date in {column}, written {date_format('%Y-%m-%d')}", remarks)
    if kind == "boolean":
        return Told(f"{column}: {pairs([('1', 'yes'), ('0', 'no')])}", remarks)
    if kind == "set":
        return Told(f'the items in {column}, separated by ";"', remarks)
    what = "the code in " if kind == "code" and speaker.variable.code_list else ""
    return Told(f"{what}{column}, as it is", remarks)


def number(speaker: Speaker, rule: Number) -> Told:
    """Return the words of `number`."""
    kind = "whole number" if speaker.variable.type == "integer" else "number"
    phrase = f"the {kind} in {speaker.columns(rule.columns)}{_unit(speaker, rule.unit)}"
    remarks = [LIMITS] if rule.censored or speaker.variable.type == "censored" else []
    if rule.decimal == ",":
        remarks.append("Decimals are written with a comma")
    if rule.after:
        remarks.append(f"{listed(map(quoted, rule.after), 'or')} before the number is left out")
    return Told(phrase, (*remarks, *missing_words(rule.missing)))


def _unit(speaker: Speaker, given: str | None) -> str:
    """Return `, in mg/dL, converted to mg/L (× 10)`."""
    wanted = speaker.variable.unit
    if not wanted:
        return ""
    if given is None:
        return "" if wanted.startswith("{") else f", in {speaker.unit}"
    conversion = speaker.dictionary.units.conversion(given, wanted, speaker.variable.name)
    if conversion == Conversion():
        return "" if wanted.startswith("{") else f", in {speaker.unit}"
    return f", in {in_print(given)}, converted to {speaker.unit}{_factor(conversion)}"


def _factor(conversion: Conversion) -> str:
    if conversion.offset:
        return ""
    divisor = round(1 / conversion.factor, 9)
    if divisor > 1 and divisor.is_integer():
        return f" (÷ {divisor:,.0f})"
    return f" (× {conversion.factor:,.6g})"


def date(speaker: Speaker, rule: Date) -> Told:
    """Return the words of `date`."""
    forms = listed(map(date_format, rule.formats), "or")
    phrase = f"the date in {speaker.columns(rule.columns)}, written {forms}"
    remarks = ["The first of these formats that fits counts"] if len(rule.formats) > 1 else []
    exact = [precision(form) for form in rule.formats]
    if any(exact):
        remarks.append("Where only the month or year is written, only that is known")
    known: dict[str, list[str]] = {}
    for ending, what in rule.partial.items():
        known.setdefault(what, []).append(_day(ending))
    remarks += [f"Of a date on {listed(days, 'or')} only the {what} is known" for what, days in known.items()]
    return Told(phrase, (*remarks, *missing_words(rule.missing)))


def _day(ending: str) -> str:
    """Return `01-01` as `1 January`, `15` as `day 15 of a month`."""
    month, _, day = ending.rpartition("-")
    if not month:
        return f"day {int(day)} of a month"
    return f"{int(day)} {MONTHS[int(month) - 1]}" if 1 <= int(month) <= len(MONTHS) else ending


def recode(speaker: Speaker, rule: Recode) -> Told:
    """Return the words of `recode`."""
    phrase = f"{speaker.columns(rule.columns)}, translated: "
    phrase += pairs([(old, speaker.value(new)) for old, new in rule.map.items()])
    if rule.otherwise is not None:
        phrase += f"; every other code → {speaker.value(rule.otherwise)}"
    return Told(phrase, missing_words(rule.missing))


def ticked(speaker: Speaker, rule: Ticked) -> Told:
    """Return the words of `ticked`."""
    phrase = (
        f"yes where the box {quoted(rule.option)} of {speaker.places.checkboxes(rule.columns[0])} is ticked; "
    )
    phrase += "no where only other boxes are"
    return Told(phrase, missing_words(rule.missing, says="the box is ticked that stands for"))


def one_of(speaker: Speaker, rule: OneOf) -> Told:
    """Return the words of `one_of`."""
    phrase = f"the ticked box of {speaker.places.checkboxes(rule.columns[0])}: "
    phrase += pairs([(old, speaker.value(new)) for old, new in rule.map.items()])
    several = "Ticked boxes that contradict each other give no value"
    if rule.several != "conflict":
        order = listed(map(speaker.value, rule.several), "then")
        several = f"Of several ticked boxes the first of these counts: {order}"
    missing = missing_words(rule.missing, says="only the box is ticked that stands for")
    return Told(phrase, (several, *missing))


def any_of(speaker: Speaker, rule: AnyOf) -> Told:
    """Return the words of `any_of`."""
    columns = speaker.columns(rule.columns)
    many = len(rule.columns) > 1 or any("*" in name for name in rule.columns)
    yes = listed(map(quoted, rule.yes), "or")
    no = "something else" if "*" in rule.no else listed(map(quoted, rule.no), "or")
    if not many:
        phrase = f"yes where {columns} says {yes}; no where it says {no}"
    elif rule.blank == "no":
        phrase = (
            f"yes where any of {columns} says {yes}; no where some are filled in and all of those say {no}"
        )
    else:
        phrase = f"yes where any of {columns} says {yes}; no where all of them say {no}"
    remarks = ["Capital and small letters are the same"] if rule.ignore_case else []
    return Told(phrase, (*remarks, *missing_words(rule.missing)))


def constant(speaker: Speaker, rule: Constant) -> Told:
    """Return the words of `constant`."""
    kind = speaker.variable.type
    value = speaker.value(rule.value)
    return Told(f"always {quoted(rule.value) if kind == 'text' else value}")
