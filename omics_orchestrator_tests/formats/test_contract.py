"""What every file format promises; a new member of the union is held to it without being told."""

import gzip
import importlib
import inspect
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from omics_orchestrator.formats import FORMATS, AnyFormat, Format
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator_tests.formats.families import TINY

DOCX = b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00" + bytes(range(256))
CHECKED = [tag for tag, kind in FORMATS.items() if not kind.opaque]
every_format = pytest.mark.parametrize("tag", FORMATS)
every_checked_format = pytest.mark.parametrize("tag", CHECKED)
noisy = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def tiny(tag: str) -> tuple[Format, str, bytes]:
    """Return the example that the format's own test module gives."""
    if tag in TINY:
        return TINY[tag]()
    try:
        module: Any = importlib.import_module(f"omics_orchestrator_tests.formats.test_{tag}")
    except ModuleNotFoundError:
        pytest.fail(
            f"omics_orchestrator_tests/formats/test_{tag}.py is missing: every format has its own tests"
        )
    if not hasattr(module, "tiny"):
        pytest.fail(
            f"test_{tag}.py has no tiny(): return a declaration, a file name and the smallest good file"
        )
    example: tuple[Format, str, bytes] = module.tiny()
    return example


def _has_defaults(tag: str) -> bool:
    try:
        FORMATS[tag].model_validate({"format": tag})
    except ValidationError:
        return False
    return True


def checked(inspection: Inspection) -> Inspection:
    """Assert what holds for every answer."""
    assert (inspection.verdict == "valid") == (not inspection.problems)
    assert all(isinstance(problem, str) and problem for problem in inspection.problems)
    assert all(isinstance(sample, str) for sample in inspection.samples)
    assert json.loads(json.dumps(inspection.facts, allow_nan=False)) == inspection.facts
    return inspection


@every_format
def test_the_tag_is_the_module_and_all_is_documented(tag):
    kind = FORMATS[tag]
    assert kind.__module__ == f"omics_orchestrator.formats.{tag}"
    assert inspect.cleandoc(kind.__doc__ or "").strip()
    assert kind.explain()
    for name, field in kind.model_fields.items():
        assert field.description, f"{tag}.{name} has no docstring"
    assert kind.suffixes or kind.opaque
    for suffix in (*kind.suffixes, *kind.companions):
        assert suffix.startswith(".")
        assert suffix == suffix.lower()


@every_format
def test_the_declaration_survives_a_round_trip_and_refuses_unknown_keys(tag):
    declared, _, _ = tiny(tag)
    adapter: TypeAdapter[Format] = TypeAdapter(AnyFormat)
    again = adapter.validate_python(json.loads(declared.model_dump_json()))
    assert again == declared
    assert type(again) is FORMATS[tag]
    assert adapter.json_schema()
    with pytest.raises(ValidationError, match="surprise"):
        adapter.validate_python({**declared.model_dump(), "surprise": 1})


@every_format
def test_a_good_file_is_recognised_and_valid(tag):
    declared, name, raw = tiny(tag)
    assert declared.bears_suffix(name)
    assert not declared.is_companion(name)
    assert declared.sniff(name, raw[: 64 * 1024])
    assert declared.opaque or not declared.sniff("notes.docx", DOCX)
    found = checked(declared.inspect_bytes(name, raw))
    assert (found.verdict, found.problems) == ("valid", ())
    told_by_the_set = tag == "anndata_zarr"  # its column of samples lies in many files
    assert bool(found.samples) == (declared.holds_samples and not told_by_the_set)
    assert found.facts


@every_checked_format
def test_a_good_file_is_told_from_all_others(tag):
    declared, name, raw = tiny(tag)
    found = recognise(name, raw[: 64 * 1024])
    assert found.format == (tag if _has_defaults(tag) else "opaque")


@every_checked_format
def test_an_empty_file_is_refused(tag):
    declared, name, _ = tiny(tag)
    assert not declared.sniff(name, b"")
    assert checked(declared.inspect_bytes(name, b"")).verdict == "invalid"


@every_checked_format
def test_a_file_cut_off_anywhere_is_refused(tag):
    declared, name, raw = tiny(tag)
    if any(suffix.endswith(".gz") for suffix in declared.suffixes):
        raw = gzip.compress(raw, mtime=0)
    for cut in {*random.Random(1).sample(range(len(raw)), 20), 1, len(raw) // 2, len(raw) - 1}:
        assert checked(declared.inspect_bytes(name, raw[:cut])).verdict == "invalid", (
            f"cut at {cut} of {len(raw)}"
        )


@every_format
def test_noise_is_answered_not_raised(tag):
    declared, name, raw = tiny(tag)

    @noisy
    @given(st.binary(max_size=2000), st.sampled_from(["plain", "gzip", "after a good beginning"]))
    def answer(noise: bytes, kind: str) -> None:
        content = {"plain": noise, "gzip": gzip.compress(noise, 1, mtime=0)}.get(
            kind, raw[: len(raw) // 2] + noise
        )
        checked(declared.inspect_bytes(name, content))
        declared.sniff(name, content)

    answer()


@every_format
def test_file_sets_hold_every_name_once(tag):
    kind = FORMATS[tag]

    @noisy
    @given(st.lists(st.text(max_size=12), unique=True))
    def hold(stems: list[str]) -> None:
        names = [stem + suffix for stem in stems for suffix in (*kind.suffixes, *kind.companions)]
        names = list(dict.fromkeys(names))
        sets = kind.file_set(names)
        assert sorted(name for members in sets for name in members) == sorted(names)

    hold()


def test_the_register_is_the_union():
    assert {"fastq", "vcf", "feature_table", "h5ad"} <= set(FORMATS)
    for tag, kind in FORMATS.items():
        assert kind.model_fields["format"].default == tag
