"""``{{resolve:ssm:…}}`` and ``{{resolve:secretsmanager:…}}`` in a value, answered from this template alone."""

from __future__ import annotations

import json
import re
from typing import Final

from gateway.template.declared import Declared
from gateway.template.lambda_identities import Resolve
from gateway.template.template import Template
from gateway.template.text import as_text
from gateway.template.unresolvable import Unresolvable

_REFERENCE: Final = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]*)\}\}")
_SECRET_ARN: Final = re.compile(r"(arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:[^:]+)(?::(.*))?")
_HINT: Final = "declare it in this template, or give the variable a value with --env-vars"


def expand_references(text: str, template: Template) -> str:
    """The text with every reference replaced. Raises Unresolvable for what this template does not declare."""
    return _REFERENCE.sub(lambda match: _look_up(match[1], match[2], template), text)


def _look_up(service: str, what: str, template: Template) -> str:
    value = _secret(what, template) if service == "secretsmanager" else _parameter(what, template)
    if value is None:
        raise Unresolvable(f"{{{{resolve:{service}:{what}}}}} is not in this template", _HINT)
    return value


def _parameter(what: str, template: Template) -> str | None:
    name = what.partition(":")[0]
    for declared in template.of_type("AWS::SSM::Parameter"):
        if template.reference(declared, template.findings.draft()) == name:
            return _text(declared, "Value", template.resolver.resolve)
    return None


def _secret(what: str, template: Template) -> str | None:
    match = _SECRET_ARN.fullmatch(what)
    name, _, rest = (match[1], "", match[2] or "") if match else what.partition(":")
    key = [*rest.split(":"), ""][1]
    for declared in template.of_type("AWS::SecretsManager::Secret"):
        arn = template.reference(declared, template.findings.draft()) or ""
        if name in (arn, arn.rpartition(":")[2].rpartition("-")[0]):
            return _member(_text(declared, "SecretString", template.resolver.resolve), key)
    return None


def _member(secret: str | None, key: str) -> str | None:
    if secret is None or not key:
        return secret
    try:
        return as_text(json.loads(secret).get(key))
    except (ValueError, AttributeError):
        return None


def _text(declared: Declared, name: str, resolve: Resolve) -> str | None:
    return as_text(resolve(declared.properties[name])) if name in declared.properties else None
