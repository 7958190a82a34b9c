"""JSON Schemas of study.yaml, mapping.yaml and assays.yaml for completion in editors, made from the models.

`python -m omics_orchestrator.studies.schema` writes them, `--check` tells whether they are up to date.
The schemas describe what people write; whether it holds together is told by `omics check`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, create_model

from omics_orchestrator.dictionary import ENTITIES, AssayKind
from omics_orchestrator.formats import FORMATS
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.sources import SOURCES
from omics_orchestrator.studies.assay import OWN, Assay
from omics_orchestrator.studies.mapping import EntityBlock, NoneRule
from omics_orchestrator.studies.pages import FORMATS_PAGE, formats_page
from omics_orchestrator.studies.study import NAME, StudyFile
from omics_orchestrator.verbs import VERBS, Verb

FOLDER = WORKING_COPY / "data_dictionary" / "schema"
Schema = dict[str, Any]

TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
VALUES = [{"type": "string"}, TEXTS, {"type": "object", "additionalProperties": {"type": "string"}}]
FAMILY: Schema = {
    "type": "object",
    "description": "A word of the name and what stands for it: 1..6, a list, or part of the name → part of the rule.",
    "additionalProperties": {"anyOf": VALUES},
    "minProperties": 1,
    "maxProperties": 1,
}
RULE = "#/$defs/Rule"
FILLED_IN = frozenset({"verb", "columns", "definition"})  # fields of a verb that people do not write


def schemas() -> dict[str, Schema]:
    """Return file name → JSON Schema."""
    return {
        "study.schema.json": _headed("study.yaml", study_schema()),
        "mapping.schema.json": _headed("mapping.yaml", mapping_schema()),
        "assays.schema.json": _headed("assays.yaml", _schema(dict[str, AssayKind])),
    }


def study_schema() -> Schema:
    """Return the schema of study.yaml: in it the options of a format stand beside `format`."""
    own = {name: (Assay.model_fields[name].annotation, Assay.model_fields[name]) for name in OWN}
    forms = [create_model(f"{form.__name__}Assay", __base__=form, **own) for form in FORMATS.values()]  # type: ignore[call-overload]
    whole, assays = _schema(StudyFile), [_schema(form) for form in forms]
    for form in assays:
        whole["$defs"] |= form.pop("$defs", {})
        form["required"] = ["format", *form.get("required", [])]
    whole["properties"]["assays"] |= {
        "patternProperties": {NAME: {"anyOf": assays}},
        "additionalProperties": False,
    }
    for source in SOURCES.values():
        whole["$defs"][source.__name__].setdefault("required", []).insert(0, "kind")
    for name in ("Assay", *(form.__name__ for form in FORMATS.values())):
        whole["$defs"].pop(name, None)
    return whole


def mapping_schema() -> Schema:
    """Return the schema of mapping.yaml: rules in their short forms, variables beside a block's words."""
    definitions: Schema = {"Rule": {"anyOf": [{"type": "string", "description": "A column that is copied."}]}}
    for name, verb in VERBS.items():
        definitions["Rule"]["anyOf"].append(rule_schema(name, verb, definitions))
    block = _schema(EntityBlock)
    definitions |= {name: found for name, found in block["$defs"].items() if not _is_verb(name)}
    for hidden in ("rules", "where_reads"):
        del block["properties"][hidden]
    block["properties"]["keep"] = {
        **TEXTS,
        "description": "Columns that are copied to variables of their name.",
    }
    join = definitions["Join"]
    del join["properties"]["where_reads"], join["required"]
    join["anyOf"] = [{"required": ["cardinality"]}, {"required": ["pick"]}]
    block["properties"]["join"]["additionalProperties"] = {
        "anyOf": [{"$ref": "#/$defs/Join"}, join["properties"]["cardinality"]]
    }
    block["additionalProperties"] = {"$ref": RULE}
    definitions["EntityBlock"] = {key: block[key] for key in block.keys() - {"$defs"}}
    none = _schema(NoneRule)
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    properties = {entity: {"$ref": "#/$defs/EntityBlock"} for entity in ENTITIES} | {
        "maps": {"type": "object", "additionalProperties": texts, "description": "Maps that rules may name."},
        "none": {
            "type": "object",
            "additionalProperties": none,
            "description": "Variables the study does not have.",
        },
        "not_mapped": {
            "type": "object",
            "additionalProperties": TEXTS,
            "description": "Reason → columns (or patterns with *) that are known and left out.",
        },
    }
    return {"type": "object", "additionalProperties": False, "properties": properties, "$defs": definitions}


def rule_schema(name: str, verb: type[Verb], definitions: Schema) -> Schema:
    """Return the schema of a rule `{<verb>: …, options}`; what it refers to goes into `definitions`."""
    own = _schema(verb)
    definitions |= {key: found for key, found in own.pop("$defs", {}).items() if not _is_verb(key)}
    properties = {key: found for key, found in own["properties"].items() if key not in FILLED_IN}
    properties.pop(verb.argument, None)
    properties[name] = _argument(verb, own["properties"])
    if "map" in properties:
        properties["map"] = {
            "anyOf": [properties["map"], {"type": "string", "description": "A name under maps."}]
        }
    properties["for"] = FAMILY
    required = [name, *(key for key in own.get("required", []) if key in properties)]
    return {
        "type": "object",
        "description": verb.explain(),
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _argument(verb: type[Verb], properties: Schema) -> Schema:
    """Return the schema of what follows the verb: one text or several, or rules for a verb made of rules."""
    found = properties[verb.argument]
    described = {"description": found.get("description", "")}
    if verb.argument == "parts":
        return described | {"type": "array", "items": {"$ref": RULE}, "minItems": 2}
    if verb.argument == "columns":
        several = [TEXTS] if "maxItems" not in found else []
        return described | {"anyOf": [{"type": "string"}, *several]}
    return dict(found)


def _is_verb(name: str) -> bool:
    return name in {verb.__name__ for verb in VERBS.values()}


def _schema(kind: type[BaseModel] | Any) -> Schema:
    """Return pydantic's schema of a type; a model that refers to itself is put on top again."""
    found = TypeAdapter(kind).json_schema(by_alias=True)
    top = found.pop("$ref", "").rpartition("/")[2]
    return found | found["$defs"][top] if top else found


def _headed(title: str, schema: Schema) -> Schema:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_as_written(schema), "title": title}


def _as_written(schema: Any) -> Any:
    """Allow `1` and `yes` where we read text: editors take them for a number and a boolean."""
    if isinstance(schema, list):
        return [_as_written(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    written = {key: _as_written(value) for key, value in schema.items()}
    if schema.get("type") == "boolean":
        return written | {"type": ["boolean", "string"], "enum": [True, False, "yes", "no"]}
    free = schema.get("type") == "string" and not schema.keys() & {"enum", "const", "pattern"}
    return written | {"type": ["string", "number", "boolean"]} if free else written


def main(arguments: Sequence[str]) -> int:
    """Write schemas and pages, or with `--check` return 1 when a written one is not what the models say."""
    stale = []
    generated = {
        FOLDER / name: json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        for name, schema in schemas().items()
    }
    for file, text in {**generated, FORMATS_PAGE: formats_page()}.items():
        if (file.read_text(encoding="utf-8") if file.exists() else "") != text:
            stale.append(file.name)
            if "--check" not in arguments:
                _write(file, text)
    if stale and "--check" in arguments:
        sys.stderr.write(
            f"out of date: {', '.join(stale)}; run python -m omics_orchestrator.studies.schema\n"
        )
        return 1
    return 0


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
