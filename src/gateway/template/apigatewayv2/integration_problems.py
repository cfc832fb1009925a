"""What would keep an integration from being compiled, told where it is written.

``expressions`` knows what is wrong and names the property; here that becomes a line of the template and a next step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.expressions.integration_check import doubts_of, problems_of
from gateway.model.integration import Integration
from gateway.template.findings import Findings

_PROPERTY: Final = re.compile(r"(?:(?P<owner>\w+): )?(?P<name>[A-Z]\w+)(?: (?P<key>[^:]*))?: ")
_TEMPLATE_HINT: Final = 'a mapping template is Velocity (VTL), for example {"statusCode": 200}'
_HINTS: Final[Mapping[str, str]] = {
    "IntegrationResponseKey": r"it is $default or a pattern in slashes, such as /200/ or /4\d\d/",
    "IntegrationUri": "map the parameter with RequestParameters, or take it out of the address",
    "PassthroughBehavior": "add RequestTemplates, or write WHEN_NO_MATCH",
    "RequestParameters": "for example integration.request.header.ConnectionId: context.connectionId",
    "RequestTemplates": _TEMPLATE_HINT,
    "ResponseParameters": "for example route.response.header.Auth: integration.response.header.Auth",
    "ResponseTemplates": _TEMPLATE_HINT,
    "TemplateSelectionExpression": r"for example ${request.body.action}; write \$default for the template $default",
}


def check_integration(integration: Integration, findings: Findings) -> None:
    """Report everything wrong with the expressions, templates, patterns and mappings of an integration."""
    responses = {response.logical_id for response in integration.responses.values()}
    for problem in problems_of(integration):
        findings.problem(*_placed(integration, responses, problem))
    for doubt in doubts_of(integration):
        findings.warning(*_placed(integration, responses, doubt))


def _placed(integration: Integration, responses: set[str], problem: str) -> tuple[str, tuple[str, ...], str]:
    """The text, where it is written, and a next step."""
    owner, text = integration.logical_id, problem
    match = _PROPERTY.match(problem)
    if match and match["owner"] in responses:
        owner, text = match["owner"], problem.removeprefix(f"{match['owner']}: ")
    name = match["name"] if match else ""
    text = text.removeprefix(f"{name}: ") if text.startswith(f"{name}: {name} ") else text
    return text, ("Resources", owner, "Properties", name, (match and match["key"]) or ""), _HINTS.get(name, "")
