"""AWS::ApiGatewayV2::DomainName and AWS::ApiGatewayV2::ApiMapping: base paths of a custom domain to stages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from gateway.model.api import Api
from gateway.model.ids import ApiId, StageName
from gateway.model.plan import DomainName
from gateway.template.apigatewayv2.apis import http_apis
from gateway.template.apigatewayv2.parts import DOMAIN_NAME, MAPPING
from gateway.template.declared import Declared
from gateway.template.properties import Properties
from gateway.template.template import Template

_PROPERTIES: Final = ("DomainName", "DomainNameConfigurations", "MutualTlsAuthentication", "RoutingMode", "Tags")
_MAPPING_PROPERTIES: Final = ("ApiId", "ApiMappingKey", "DomainName", "Stage")
BASE_PATH_MAPPING: Final = "AWS::ApiGateway::BasePathMapping"
_NAME: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*")
_KEY: Final = re.compile(r"[A-Za-z0-9$_.+!*'()-]{0,300}")  # parity 1.1
_RESERVED: Final = ("ping", "sping")  # parity 1.1
_BY_MAPPING: Final = "API_MAPPING_ONLY"
_REGIONAL: Final = "REGIONAL"


def read_domain_names(template: Template, apis: Iterable[Api]) -> tuple[DomainName, ...]:
    """Every domain that leads to one of ``apis``."""
    by_id = {api.api_id: api for api in apis}
    found: dict[str, dict[str, tuple[ApiId, StageName]]] = {}
    for declared in template.of_type(MAPPING):
        api = by_id.get(ApiId(template.properties(declared, template.findings.draft()).text("ApiId") or ""))
        if api is not None:
            _add(template.properties(declared), api, found)
    for declared in template.of_type(DOMAIN_NAME):
        _check_domain(template, declared, found)
    _check_neighbours(template, found)
    return tuple(DomainName(name, mappings) for name, mappings in found.items())


def _add(properties: Properties, api: Api, found: dict[str, dict[str, tuple[ApiId, StageName]]]) -> None:
    properties.check_names(_MAPPING_PROPERTIES)
    name = properties.required("DomainName", "for example DomainName: !Ref MyDomain")
    stage = properties.required("Stage", "for example Stage: !Ref MyStage")
    key = properties.text("ApiMappingKey") or ""
    _check_key(key, properties)
    if stage is not None and stage not in api.stages:
        hint = f"its stages are {', '.join(api.stages)}"
        properties.problem(f"{api.logical_id} has no stage {stage!r}", "Stage", hint)
    if name is None or stage is None:
        return
    _check_name(name.lower(), properties)
    mappings = found.setdefault(name.lower(), {})
    if key in mappings:
        what = f"ApiMapping key {key!r} already exists for domain name {name.lower()}"
        properties.problem(what, "ApiMappingKey", "give one of the two another ApiMappingKey")
    mappings.setdefault(key, (api.api_id, StageName(stage)))


def _check_key(key: str, properties: Properties) -> None:
    if not _KEY.fullmatch(key):
        hint = "letters, digits and $-_.+!*'(), up to 300"
        properties.problem(f"{key!r} is no ApiMappingKey", "ApiMappingKey", hint)
    elif key in _RESERVED:
        properties.problem(f"ApiMappingKey {key} is reserved by API Gateway", "ApiMappingKey", "choose another")


def _check_name(name: str, properties: Properties) -> None:
    if name.startswith("*."):
        properties.unsupported("a wildcard domain name", "DomainName", "map the names that clients use, one by one")
    elif not _NAME.fullmatch(name):
        properties.problem(f"{name!r} is no domain name", "DomainName", "for example chat.example.com")


def _check_domain(template: Template, declared: Declared, mapped: dict[str, dict[str, Any]]) -> None:
    """Only of a domain that leads here: others may be of APIs that are not served."""
    quiet = template.properties(declared, template.findings.draft())
    if (quiet.text("DomainName") or "").lower() not in mapped:
        return
    properties = template.properties(declared)
    properties.check_names(_PROPERTIES)
    if properties.value("MutualTlsAuthentication"):
        what = "Mutual TLS domain name association is not supported for Websocket APIs."
        properties.problem(what, "MutualTlsAuthentication", "remove it")
    mode = properties.text("RoutingMode")
    if mode not in (None, _BY_MAPPING):
        properties.unsupported(f"RoutingMode {mode}", "RoutingMode", f"write {_BY_MAPPING} and add ApiMappings")
    for configuration in properties.entries("DomainNameConfigurations"):
        kind = configuration.text("EndpointType")
        if kind not in (None, _REGIONAL):
            what = f"a WebSocket API's domain name is {_REGIONAL}, not {kind}"
            configuration.problem(what, "EndpointType", f"write EndpointType: {_REGIONAL}")


def _check_neighbours(template: Template, mapped: dict[str, dict[str, Any]]) -> None:
    """One domain cannot hold WebSocket and REST or HTTP APIs at once (parity 1.1)."""
    http = {template.reference(declared) for declared in http_apis(template)}
    for declared in template.of_type(MAPPING, BASE_PATH_MAPPING):
        quiet = template.properties(declared, template.findings.draft())
        is_other = declared.type == BASE_PATH_MAPPING or quiet.text("ApiId") in http
        if is_other and (quiet.text("DomainName") or "").lower() in mapped:
            what = "the domain name leads to a WebSocket API already, and cannot lead to a REST or HTTP API as well"
            template.properties(declared).problem(what, "DomainName", "give one of them a domain name of its own")
