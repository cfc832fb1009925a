"""Physical IDs of Lambda's own resources: functions and what refers to them by version, alias or layer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from gateway.template.declared import Declared
from gateway.template.facts import Facts
from gateway.template.identity import Identity
from gateway.template.text import as_text
from gateway.template.unresolvable import Unresolvable

Resolve = Callable[[Any], Any]

FIRST_VERSION: Final = "1"  # a stack that was just created has published nothing before
_FUNCTION_ARN: Final = re.compile(r"arn:[^:]+:lambda:[^:]*:[^:]*:function:([^:]+)(?::(.+))?")


def split_function(text: str) -> tuple[str, str | None]:
    """A function's name and the qualifier, from its ARN or from a name with or without a qualifier."""
    match = _FUNCTION_ARN.fullmatch(text)
    if match:
        return match[1], match[2]
    name, _, qualifier = text.partition(":")
    return name, qualifier or None


def function_arn(name: str, facts: Facts) -> str:
    """The unqualified ARN of a function of this account."""
    return f"arn:{facts.partition}:lambda:{facts.region}:{facts.account_id}:function:{name}"


def _function(declared: Declared, resolve: Resolve, facts: Facts) -> Identity:
    name = _text(declared, "FunctionName", resolve) or facts.name(declared.logical_id)
    return Identity(declared.type, name, {"Arn": function_arn(name, facts)}, open_ended=True)


def _of_function(declared: Declared, property_name: str, resolve: Resolve, facts: Facts) -> str:
    target = _text(declared, property_name, resolve)
    if target is None:
        raise Unresolvable(f"{declared.logical_id} names no function", f"set its {property_name}")
    return function_arn(split_function(target)[0], facts)


def _version(declared: Declared, resolve: Resolve, facts: Facts) -> Identity:
    arn = f"{_of_function(declared, 'FunctionName', resolve, facts)}:{FIRST_VERSION}"
    return Identity(declared.type, arn, {"Version": FIRST_VERSION, "FunctionArn": arn})


def _alias(declared: Declared, resolve: Resolve, facts: Facts) -> Identity:
    name = _text(declared, "Name", resolve)
    if name is None:
        raise Unresolvable(f"alias {declared.logical_id} has no Name")
    arn = f"{_of_function(declared, 'FunctionName', resolve, facts)}:{name}"
    return Identity(declared.type, arn, {"AliasArn": arn})


def _layer(declared: Declared, resolve: Resolve, facts: Facts) -> Identity:
    name = _text(declared, "LayerName", resolve) or facts.name(declared.logical_id)
    arn = f"arn:{facts.partition}:lambda:{facts.region}:{facts.account_id}:layer:{name}:{FIRST_VERSION}"
    return Identity(declared.type, arn, {"LayerVersionArn": arn})


def _url(declared: Declared, resolve: Resolve, facts: Facts) -> Identity:
    arn = _of_function(declared, "TargetFunctionArn", resolve, facts)
    host = f"{facts.identifier(declared.logical_id, 32)}.lambda-url.{facts.region}.on.aws"
    return Identity(declared.type, arn, {"FunctionArn": arn, "FunctionUrl": f"https://{host}/"})


def _text(declared: Declared, name: str, resolve: Resolve) -> str | None:
    return as_text(resolve(declared.properties[name])) if name in declared.properties else None


LAMBDA_IDENTITIES: Final[dict[str, Callable[[Declared, Resolve, Facts], Identity]]] = {
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::LayerVersion": _layer,
    "AWS::Lambda::Url": _url,
    "AWS::Lambda::Version": _version,
}
