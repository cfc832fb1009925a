"""AWS::ApiGateway::ApiKey: its value as declared, or one that is made up and the same in every run."""

from __future__ import annotations

from typing import Final

from gateway.model.limits import MAX_API_KEY_CHARS, MIN_API_KEY_CHARS
from gateway.model.plan import ApiKey
from gateway.template.declared import Declared
from gateway.template.template import Template

API_KEY: Final = "AWS::ApiGateway::ApiKey"
_PROPERTIES: Final = (
    "CustomerId",
    "Description",
    "Enabled",
    "GenerateDistinctId",
    "Name",
    "StageKeys",
    "Tags",
    "Value",
)
_MADE_UP_CHARS: Final = (32, 8)  # 40 in all, as API Gateway's own


def read_api_key(template: Template, declared: Declared) -> ApiKey | None:
    """None after reporting why there is no such key."""
    properties = template.properties(declared)
    properties.check_names(_PROPERTIES)
    key_id = template.reference(declared)
    value = properties.text("Value")
    if value is not None and not MIN_API_KEY_CHARS <= len(value) <= MAX_API_KEY_CHARS:
        what = f"API Key value should be {MIN_API_KEY_CHARS} to {MAX_API_KEY_CHARS} characters, not {len(value)}"
        properties.problem(what, "Value", "leave it out to have one made up")
    enabled = properties.boolean("Enabled") or False  # AWS's default, and CloudFormation passes no other
    if not enabled:
        properties.warning("the key is disabled: nobody gets in with it", "Enabled", "add Enabled: true")
    name = properties.text("Name") or template.facts.name(declared.logical_id)
    if key_id is None:
        return None
    return ApiKey(key_id, name, value or _made_up(template, declared.logical_id), enabled)


def _made_up(template: Template, logical_id: str) -> str:
    parts = (f"{logical_id}/value/{length}" for length in _MADE_UP_CHARS)
    return "".join(map(template.facts.identifier, parts, _MADE_UP_CHARS))
