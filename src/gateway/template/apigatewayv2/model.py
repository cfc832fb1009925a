"""AWS::ApiGatewayV2::Model: a JSON Schema, written as an object or as its text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from gateway.engine.json_schema.schema import schema_problems
from gateway.model.api import Model
from gateway.model.json_text import NotJson, read
from gateway.template.declared import Declared
from gateway.template.properties import Properties
from gateway.template.template import Template

_PROPERTIES: Final = ("ApiId", "ContentType", "Description", "Name", "Schema")
_HINT: Final = "for example Schema: {type: object, required: [action]}"


def read_models(template: Template, declared: Iterable[Declared]) -> dict[str, Model]:
    """The models of one API by their names."""
    models: dict[str, Model] = {}
    for resource in declared:
        properties = template.properties(resource)
        model = _model(properties)
        if model is None:
            continue
        if model.name in models:
            hint = f"{models[model.name].logical_id} has it already"
            properties.problem(f"Model name already exists for this API: {model.name}", "Name", hint)
        models.setdefault(model.name, model)
    return models


def _model(properties: Properties) -> Model | None:
    properties.check_names(_PROPERTIES)
    name = properties.required("Name")
    content_type = properties.text("ContentType")
    schema = _schema(properties)
    if name is not None and not (name.isascii() and name.isalnum()):
        properties.problem("Model name must be alphanumeric", "Name", "letters and digits only")
    if name is None or schema is None:
        return None
    return Model(properties.declared.logical_id, name, schema, content_type)


def _schema(properties: Properties) -> dict[str, Any] | None:
    if properties.is_absent("Schema"):
        properties.problem("Schema is missing", "Schema", _HINT)
        return None
    value = properties.value("Schema")
    if isinstance(value, str):
        try:
            value = read(value)
        except NotJson as error:
            properties.problem(f"Schema is not JSON: {error}", "Schema", _HINT)
            return None
    if value is not None and not isinstance(value, dict):
        properties.problem("Schema must be an object", "Schema", _HINT)
        return None
    for problem in [] if value is None else schema_problems(value):
        properties.problem(f"Schema: {problem}", "Schema", "models are written in JSON Schema draft 4")
    return value
