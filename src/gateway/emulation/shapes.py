"""Makes a template's values fit an AWS operation.

CloudFormation takes ``"5"`` for 5 and ``"true"`` for true, because parameters are strings; the API does not. And a
resource type has properties that are calls of their own. What an operation takes is in botocore's description of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway.emulation.session import Client


def fitted(client: Client, operation: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters for ``operation`` (``CreateTable``): members it knows, with the types it wants."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    fit: dict[str, Any] = _fit(shape, values)
    return fit


def attributes(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as SQS and SNS take attributes: all strings, documents as JSON."""
    return {name: _attribute(value) for name, value in values.items() if value is not None}


def truth(value: Any) -> bool:
    """A CloudFormation boolean; absent is false."""
    return value is True or str(value).lower() == "true"


def _attribute(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (Mapping, list)) else str(value)


def _fit(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure" if isinstance(value, Mapping):
            return {name: _fit(shape.members[name], inner) for name, inner in value.items() if name in shape.members}
        case "list" if isinstance(value, list):
            return [_fit(shape.member, inner) for inner in value]
        case "map" if isinstance(value, Mapping):
            return {str(key): _fit(shape.value, inner) for key, inner in value.items()}
        case "integer" | "long" if isinstance(value, (str, float)):
            return _number(value, int)
        case "float" | "double" if isinstance(value, str):
            return _number(value, float)
        case "boolean" if isinstance(value, str):
            return truth(value)
        case "string" if isinstance(value, (bool, int, float)):
            return _attribute(value)
    return value  # of the right type, or wrong beyond repair: then AWS says so


def _number(value: Any, kind: type[int] | type[float]) -> Any:
    try:
        return kind(value)
    except ValueError:
        return value
