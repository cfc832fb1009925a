"""Which resources belong to which API: grouped by what their ApiId resolves to, however it is spelt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.template.declared import Declared
from gateway.template.template import Template

API: Final = "AWS::ApiGatewayV2::Api"
AUTHORIZER: Final = "AWS::ApiGatewayV2::Authorizer"
DEPLOYMENT: Final = "AWS::ApiGatewayV2::Deployment"
DOMAIN_NAME: Final = "AWS::ApiGatewayV2::DomainName"
INTEGRATION: Final = "AWS::ApiGatewayV2::Integration"
INTEGRATION_RESPONSE: Final = "AWS::ApiGatewayV2::IntegrationResponse"
MAPPING: Final = "AWS::ApiGatewayV2::ApiMapping"
MODEL: Final = "AWS::ApiGatewayV2::Model"
ROUTE: Final = "AWS::ApiGatewayV2::Route"
ROUTE_RESPONSE: Final = "AWS::ApiGatewayV2::RouteResponse"
STAGE: Final = "AWS::ApiGatewayV2::Stage"

_CHILDREN: Final = (
    AUTHORIZER,
    DEPLOYMENT,
    INTEGRATION,
    INTEGRATION_RESPONSE,
    MAPPING,
    MODEL,
    ROUTE,
    ROUTE_RESPONSE,
    STAGE,
)
API_TYPES: Final = frozenset(
    {API, DOMAIN_NAME, *_CHILDREN, *(f"AWS::ApiGatewayV2::{name}" for name in ("RoutingRule", "VpcLink"))}
)


@dataclass(frozen=True, slots=True)
class Parts:
    """One API's resources by type, in the template's order."""

    api: Declared
    by_type: Mapping[str, tuple[Declared, ...]]

    def of(self, kind: str) -> tuple[Declared, ...]:
        return self.by_type.get(kind, ())


def parts_of_apis(template: Template) -> list[Parts]:
    """Every API of the template (HTTP ones too) with what belongs to it; strays are warned of."""
    apis = {template.reference(api): api for api in template.of_type(API)}
    found: dict[str, dict[str, tuple[Declared, ...]]] = {api.logical_id: {} for api in apis.values()}
    for child in template.of_type(*_CHILDREN):
        properties = template.properties(child)
        api_id = properties.required("ApiId", "for example ApiId: !Ref MyApi")
        if api_id is None:
            continue
        if api_id not in apis:
            properties.warning(f"ApiId {api_id} is no API of this template: the resource is left out", "ApiId")
            continue
        group = found[apis[api_id].logical_id]
        group[child.type] = (*group.get(child.type, ()), child)
    return [Parts(api, found[api.logical_id]) for api in apis.values()]
