"""AWS::ApiGatewayV2::IntegrationResponse: what the client gets of a backend's answer, chosen by its key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.model.integration import ContentHandling, IntegrationResponse
from gateway.template.declared import Declared
from gateway.template.findings import Findings
from gateway.template.properties import Properties
from gateway.template.template import Template

_PROPERTIES: Final = (
    "ApiId",
    "ContentHandlingStrategy",
    "IntegrationId",
    "IntegrationResponseKey",
    "ResponseParameters",
    "ResponseTemplates",
    "TemplateSelectionExpression",
)
_KEY_HINT: Final = r"it is $default or a pattern in slashes, such as /200/ or /4\d\d/"


def read_responses(
    template: Template, declared: Iterable[Declared], of_proxy: bool, findings: Findings
) -> dict[str, IntegrationResponse]:
    """The responses of one integration by their keys, in the template's order; a proxy's are warned of (parity 5)."""
    responses: dict[str, IntegrationResponse] = {}
    for resource in declared:
        properties = template.properties(resource, findings)
        response = _response(properties)
        if response is None:
            continue
        if response.key in responses:
            hint = f"{responses[response.key].logical_id} has it already"
            what = f"IntegrationResponse with key {response.key} already exists for this integration"
            properties.problem(what, "IntegrationResponseKey", hint)
        responses.setdefault(response.key, response)
        if of_proxy:
            properties.warning("an IntegrationResponse has no effect on a proxy integration")
    return {} if of_proxy else responses


def responses_by_integration(
    template: Template, responses: Iterable[Declared], known: Iterable[str]
) -> dict[str, tuple[Declared, ...]]:
    """The resources by what their IntegrationId resolves to, which has to be one of ``known``."""
    found: dict[str, tuple[Declared, ...]] = {integration_id: () for integration_id in known}
    for declared in responses:
        properties = template.properties(declared)
        properties.check_names(_PROPERTIES)
        hint = "for example IntegrationId: !Ref MyIntegration"
        integration_id = properties.required("IntegrationId", hint)
        if integration_id is not None and integration_id not in found:
            properties.problem("IntegrationId is no integration of this API", "IntegrationId", hint)
        elif integration_id is not None:
            found[integration_id] = (*found[integration_id], declared)
    return found


def _response(properties: Properties) -> IntegrationResponse | None:
    key = properties.required("IntegrationResponseKey", _KEY_HINT)
    templates = properties.text_by_name("ResponseTemplates")
    expression = properties.text("TemplateSelectionExpression")
    parameters = properties.text_by_name("ResponseParameters")
    handling = properties.choice("ContentHandlingStrategy", ContentHandling)
    if key is None:
        return None
    return IntegrationResponse(properties.declared.logical_id, key, templates, expression, parameters, handling)
