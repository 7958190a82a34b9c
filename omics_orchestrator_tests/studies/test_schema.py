"""The JSON Schemas: what people write passes, what they mistype does not, and the written files are up to date."""

import json
import re
from functools import cache

import jsonschema
import pytest
import yaml

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.studies import schema
from omics_orchestrator.verbs import VERBS
from omics_orchestrator_tests.studies.example import FILES


class Editor(yaml.SafeLoader):
    """YAML 1.2 as editors read it: `yes` and `on` are words, `1` is a number."""

    yaml_implicit_resolvers = {}


Editor.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
Editor.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)$"), list("tf"))


all_schemas = cache(schema.schemas)


def complaints(name, text):
    validator = jsonschema.Draft202012Validator(all_schemas()[f"{name}.schema.json"])
    return list(validator.iter_errors(yaml.load(text, Editor)))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("study", "studies/tiny/study.yaml"),
        ("mapping", "studies/tiny/mapping.yaml"),
        ("assays", "assays.yaml"),
    ],
)
def test_the_example_passes(name, file):
    assert complaints(name, FILES[file]) == []


STUDIES = WORKING_COPY / "data_dictionary" / "studies"


@pytest.mark.parametrize(
    "file", sorted(STUDIES.glob("*/*.yaml")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_what_the_studies_write_passes(file):
    assert [list(one.absolute_path) for one in complaints(file.stem, file.read_text())] == []


ROWS = {
    "a pick": "{labs: {table: bloods, on: id, pick: nearest, by: date, to: date, within: 14 days}}",
    "a condition": "{labs: {table: bloods, cardinality: many_to_one, where: \"a = '1'\"}}",
    "slots": '{}\n  reshape: {slots: 1..6, as: n, columns: {drug: "drug_{n}"}}\n  blank: not_asked',
    "a long table": "{}\n  reshape: {spread: test, values: result, columns: {c: CRP}}",
    "a family": '{}\n  "v_{n}": {for: {n: 1..6}, copy: "v_{n}"}\n  "w_{d}": {for: {d: {a: 1}}, copy: "{d}"}',
}


@pytest.mark.parametrize("rows", ROWS)
def test_words_of_rows_pass(rows):
    text = FILES["studies/tiny/mapping.yaml"]
    old = "{bloods: {cardinality: one_to_one, on: [id, visit]}}"
    assert text.count(old) == 1
    assert complaints("mapping", text.replace(old, ROWS[rows])) == []


@pytest.mark.parametrize(
    "join",
    [
        "{on: id}",
        "{pick: latest, by: a}",
        "{pick: first, by: a, were: b}",
        "{cardinality: one_to_one, where_reads: [a]}",
    ],
)
def test_mistakes_in_a_join_are_marked(join):
    text = FILES["studies/tiny/mapping.yaml"]
    assert complaints("mapping", text.replace("{cardinality: one_to_one, on: [id, visit]}", join)) != []


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        ("study", "studies/tiny/study.yaml", "title: Tiny", "titel: Tiny"),
        ("study", "studies/tiny/study.yaml", "kind: delimited\n", "kind: delimted\n"),
        ("study", "studies/tiny/study.yaml", "samples: columns", "samples: colums"),
        ("study", "studies/tiny/study.yaml", "format: fastq", "format: fastqq"),
        ("mapping", "studies/tiny/mapping.yaml", "{recode: sex,", "{recod: sex,"),
        ("mapping", "studies/tiny/mapping.yaml", "unit: mo", "units: mo"),
        ("mapping", "studies/tiny/mapping.yaml", "visit:\n", "visits:\n"),
        ("mapping", "studies/tiny/mapping.yaml", "one_to_one", "one_to_on"),
        ("mapping", "studies/tiny/mapping.yaml", "missing: not_collected", "missing: lost"),
        ("mapping", "studies/tiny/mapping.yaml", "censored: yes", "censored: perhaps"),
        ("assays", "assays.yaml", "label: Metabolomics", "name: Metabolomics"),
    ],
)
def test_a_mistake_is_marked_in_the_editor(name, file, old, new):
    assert FILES[file].count(old) == 1
    assert complaints(name, FILES[file].replace(old, new)) != []


def test_every_verb_is_described():
    rules = schema.mapping_schema()["$defs"]["Rule"]["anyOf"]
    described = {rule["required"][0]: rule["description"] for rule in rules if rule["type"] == "object"}
    assert described.keys() == VERBS.keys()
    assert all(described.values())


def test_the_written_schemas_are_what_the_models_say():
    assert schema.main(["--check"]) == 0


def test_check_tells_which_schema_is_out_of_date(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(schema, "FOLDER", tmp_path / "schema")
    assert schema.main(["--check"]) == 1
    assert "study.schema.json" in capsys.readouterr().err
    assert schema.main([]) == 0
    assert schema.main(["--check"]) == 0
    (tmp_path / "schema" / "study.schema.json").write_text(json.dumps({}))
    assert schema.main(["--check"]) == 1
    assert capsys.readouterr().err.startswith("out of date: study.schema.json;")
