"""The values of a template's parameters: overrides, defaults and the checks CloudFormation makes of both.

A parameter of an SSM type has the name of a store entry as its value; nothing is looked up, the name itself is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.template.closest import did_you_mean
from gateway.template.findings import Findings, Path
from gateway.template.text import as_text

ParameterValue = str | list[str]

_TYPES: Final = ("String", "Number", "CommaDelimitedList", "List<Number>", "List<String>")
_TYPE: Final = re.compile(r"String|Number|CommaDelimitedList|List<[^<>]+>|AWS::.+")
_NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")


def parameter_values(
    section: Mapping[str, Any], overrides: Mapping[str, str], findings: Findings
) -> dict[str, ParameterValue]:
    """The value of every parameter that has one; a parameter without is a problem and left out."""
    for name in sorted(overrides.keys() - section.keys()):
        hint = did_you_mean(name, section, _known(section))
        findings.problem(f"the template has no parameter {name!r} to override", ("Parameters",), hint)
    values = {}
    for name, body in section.items():
        value = _value(name, body, overrides, findings)
        if value is not None:
            values[name] = value
    return values


def _known(section: Mapping[str, Any]) -> str:
    return f"its parameters are {', '.join(section)}" if section else "it declares none"


def _value(name: str, body: Any, overrides: Mapping[str, str], findings: Findings) -> ParameterValue | None:
    at: Path = ("Parameters", name)
    if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
        findings.problem(f"parameter {name} must be a mapping with a Type", at, "for example Type: String")
        return None
    if not _TYPE.fullmatch(body["Type"]):
        hint = did_you_mean(body["Type"], _TYPES, f"it is {', '.join(_TYPES)} or a type of AWS")
        findings.problem(f"parameter {name} has an unknown Type {body['Type']!r}", at, hint)
    given = overrides.get(name, body.get("Default"))
    text = ",".join(as_text(item) or "" for item in given) if isinstance(given, list) else as_text(given)
    if text is None:
        what = f"Parameters: [{name}] must have values" if given is None else f"the Default of {name} must be text"
        findings.problem(what, at, f"give it one with --parameter-overrides {name}=VALUE")
        return None
    value = _split(text) if _is_list(body["Type"]) else text
    for item in value if isinstance(value, list) else [value]:
        _check(name, body, item, findings)
    return value


def _is_list(kind: str) -> bool:
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def _split(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")] if text else []


def _check(name: str, body: Mapping[str, Any], value: str, findings: Findings) -> None:
    hint = as_text(body.get("ConstraintDescription")) or f"choose another with --parameter-overrides {name}=VALUE"
    for broken in filter(None, (rule(body, value) for rule in _RULES)):
        findings.problem(f"Parameter '{name}' {broken}", ("Parameters", name), hint)


def _allowed_values(body: Mapping[str, Any], value: str) -> str | None:
    allowed = body.get("AllowedValues")
    if not isinstance(allowed, list) or value in [as_text(item) for item in allowed]:
        return None
    return f"must be one of AllowedValues: {', '.join(as_text(item) or '' for item in allowed)}"


def _allowed_pattern(body: Mapping[str, Any], value: str) -> str | None:
    pattern = body.get("AllowedPattern")
    if not isinstance(pattern, str):
        return None
    try:
        matches = re.fullmatch(pattern, value)
    except re.error:  # Java's syntax, which CloudFormation means, has forms that Python's lacks
        return None
    return None if matches else f"must match pattern {pattern}"


def _length(body: Mapping[str, Any], value: str) -> str | None:
    low, high = _bound(body, "MinLength"), _bound(body, "MaxLength")
    if low is not None and len(value) < low:
        return f"must contain at least {low:g} characters"
    return f"must contain at most {high:g} characters" if high is not None and len(value) > high else None


def _number(body: Mapping[str, Any], value: str) -> str | None:
    if body["Type"] not in ("Number", "List<Number>"):
        return None
    if not _NUMBER.fullmatch(value):
        return "must be a number"
    low, high = _bound(body, "MinValue"), _bound(body, "MaxValue")
    if low is not None and float(value) < low:
        return f"must be a number not less than {low:g}"
    return f"must be a number not greater than {high:g}" if high is not None and float(value) > high else None


def _bound(body: Mapping[str, Any], name: str) -> float | None:
    text = as_text(body.get(name))
    return float(text) if text is not None and _NUMBER.fullmatch(text) else None


_RULES: Final[tuple[Callable[[Mapping[str, Any], str], str | None], ...]] = (
    _allowed_values,
    _allowed_pattern,
    _length,
    _number,
)
