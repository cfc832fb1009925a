"""A function's environment variables as Lambda would hand them over: text, every intrinsic resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.template.functions.dynamic_references import expand_references
from gateway.template.options import ALL_FUNCTIONS
from gateway.template.properties import Properties
from gateway.template.template import Template
from gateway.template.unresolvable import Unresolvable

_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_MAX_BYTES: Final = 4 * 1024  # Lambda's quota for all names and values together
_RESERVED: Final = frozenset({
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_HANDLER",
    "_X_AMZN_TRACE_ID",
})  # fmt: skip
_UNKNOWABLE: Final = "give it a value with --env-vars"


def read_environment(properties: Properties, function_name: str, template: Template) -> dict[str, str]:
    """The declared variables, overridden by those of ``LoadOptions.environment``."""
    block = properties.nested("Environment")
    variables = block.nested("Variables") if block is not None else None
    given = template.options.environment
    overrides = {**given.get(properties.declared.logical_id, {}), **given.get(function_name, {})}
    environment = _declared(variables, {**given.get(ALL_FUNCTIONS, {}), **overrides}, template) if variables else {}
    environment |= overrides
    if variables is not None:
        _check_size(environment, variables)
    return environment


def _declared(variables: Properties, overrides: Mapping[str, str], template: Template) -> dict[str, str]:
    environment = {}
    for name in variables:
        _check_name(name, variables)
        value = overrides[name] if name in overrides else _value(name, variables, template)
        if value is not None:
            environment[name] = value
    return environment


def _value(name: str, variables: Properties, template: Template) -> str | None:
    text = variables.text(name)
    if text is None:
        return None
    try:
        return expand_references(text, template)
    except Unresolvable as reason:
        variables.problem(f"{name}: {reason.message}", name, reason.hint or _UNKNOWABLE)
        return None


def _check_name(name: str, variables: Properties) -> None:
    if name in _RESERVED:
        what = "Lambda was unable to configure your environment variables because the environment variables you have "
        what += "provided contains reserved keys that are currently not supported for modification. "
        variables.problem(f"{what}Reserved keys used in this request: {name}", name, "choose another name")
    elif not _NAME.fullmatch(name):
        hint = "a name starts with a letter and has at least two of letters, digits and _"
        variables.problem(f"{name!r} is no name for an environment variable", name, hint)


def _check_size(environment: Mapping[str, str], variables: Properties) -> None:
    size = sum(len(f"{name}{value}".encode("utf-8", "replace")) for name, value in environment.items())
    if size > _MAX_BYTES:
        what = "Lambda was unable to configure your environment variables because the environment variables you have "
        variables.problem(f"{what}provided exceeded the 4KB limit ({size} bytes)", hint="shorten or move some")
