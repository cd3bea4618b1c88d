# SPDX-License-Identifier: Apache-2.0
"""The JSON Schemas that ship in docs/schemas, ready to validate output."""

import json
from pathlib import Path

import jsonschema
from referencing import Registry, Resource

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "schemas"
SCHEMAS = {path.name.split(".")[0]: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.schema.json"))}
REGISTRY = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values())


def validate(name, instance):
    """Fails with the problem unless `instance` matches the schema."""
    validator = jsonschema.Draft202012Validator(SCHEMAS[name], registry=REGISTRY)
    problems = [f"{problem.json_path}: {problem.message}" for problem in validator.iter_errors(instance)]
    assert not problems, problems


def is_valid(name, instance):
    """Whether `instance` matches the schema."""
    return jsonschema.Draft202012Validator(SCHEMAS[name], registry=REGISTRY).is_valid(instance)
