"""A resource as the template declares it, before any intrinsic function in it is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.template.findings import Findings, Path


@dataclass(frozen=True, slots=True)
class Declared:
    """``condition`` names an entry of Conditions, None when the resource always exists."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    condition: str | None = None
    metadata: Mapping[str, Any] | None = None
    depends_on: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return ("Resources", self.logical_id)


def declared_resources(section: Mapping[str, Any], findings: Findings) -> dict[str, Declared]:
    """Every well-formed resource of a Resources section; the others are problems."""
    found = {}
    for logical_id, body in section.items():
        resource = _declared(logical_id, body, findings)
        if resource is not None:
            found[logical_id] = resource
    return found


def _declared(logical_id: str, body: Any, findings: Findings) -> Declared | None:
    at: Path = ("Resources", logical_id)
    if logical_id.startswith("Fn::"):
        findings.problem(f"{logical_id} in Resources is not supported", at, "write the resources out")
        return None
    if not isinstance(body, dict):
        findings.problem("a resource must be a mapping with a Type", at, "look at its indentation")
        return None
    kind, properties = body.get("Type"), body.get("Properties")
    if not isinstance(kind, str) or not kind:
        findings.problem("the resource has no Type", at, "add one, for example Type: AWS::DynamoDB::Table")
        return None
    if properties is not None and not isinstance(properties, dict):
        findings.problem("Properties must be a mapping", (*at, "Properties"), "look at its indentation")
        return None
    condition, metadata = body.get("Condition"), body.get("Metadata")
    if condition is not None and not isinstance(condition, str):
        findings.problem("Condition must be the name of a condition", (*at, "Condition"))
        return None
    if not isinstance(metadata, dict):
        metadata = None
    return Declared(logical_id, kind, properties or {}, condition, metadata, _depends_on(body.get("DependsOn")))


def _depends_on(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    return tuple(name for name in names if isinstance(name, str))
